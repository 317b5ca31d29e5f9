"""The command line as tests call it: the real entry, in this process, over a home of their own with the toy model."""

import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from danqing.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def paths(self) -> list[Path]:
        """The pictures that a quiet `paint` printed."""
        return [Path(line) for line in self.out.splitlines()]


class Danqing:
    """`danqing(...)` runs a command in `home`."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *words: str, stdin: bytes = b"") -> Ran:
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capsys.readouterr()
        code = main([str(word) for word in words])
        captured = self._capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    def files(self, folder: str = "outputs") -> list[Path]:
        """Every file below a folder of the home, hidden ones too."""
        return sorted(path for path in (self.home / folder).rglob("*") if path.is_file())


@pytest.fixture
def environment() -> Iterator[None]:
    """Puts back the environment variables that the door sets."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture
def danqing(
    toy_home: Path, environment: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Danqing:
    for name in list(os.environ):
        if name.startswith("DANQING_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DANQING_HOME", str(toy_home))
    monkeypatch.setenv("COLUMNS", "120")
    return Danqing(toy_home, capsys, monkeypatch)
