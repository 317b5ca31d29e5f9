"""tools/setup_venv.py, the one way in: what it decides, without installing anything."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.house.project import ROOT


@pytest.fixture
def setup_venv(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("setup_venv", ROOT / "tools/setup_venv.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answer(returncode: int = 0, stdout: str = "", stderr: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], returncode, stdout, stderr)


def ready(setup_venv: ModuleType, folder: Path, dev: bool) -> Path:
    """An environment that looks finished: a Python and a stamp of today's set."""
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    python.parent.mkdir(parents=True)
    python.touch()
    stamp = folder / "danqing-setup.json"
    stamp.write_text(json.dumps({"fingerprint": setup_venv.fingerprint(), "dev": dev}))
    return stamp


def forbid_processes(setup_venv: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **named: Any) -> None:
        raise AssertionError(f"a process was started: {arguments}")

    monkeypatch.setattr(setup_venv.subprocess, "run", refuse)


@pytest.mark.parametrize("dev", [False, True])
def test_a_second_run_starts_no_process(
    setup_venv: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dev: bool
) -> None:
    ready(setup_venv, tmp_path / "venv", dev=dev)
    forbid_processes(setup_venv, monkeypatch)
    setup_venv.make_ready(tmp_path / "venv", dev=False)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": "of other pins", "dev": true}'])
def test_a_stamp_of_anything_else_counts_as_none(setup_venv: ModuleType, tmp_path: Path, content: str) -> None:
    stamp = ready(setup_venv, tmp_path / "venv", dev=True)
    stamp.write_text(content)
    assert not setup_venv.is_stamped(stamp, setup_venv.fingerprint(), dev=False)


def test_an_environment_for_painting_is_not_one_for_testing(setup_venv: ModuleType, tmp_path: Path) -> None:
    stamp = ready(setup_venv, tmp_path / "venv", dev=False)
    assert not setup_venv.is_stamped(stamp, setup_venv.fingerprint(), dev=True)


@pytest.mark.parametrize(
    ("system", "card", "wanted"),
    [("Linux", None, True), ("Linux", 9, True), ("Linux", 0, False), ("Darwin", None, False), ("Windows", None, False)],
)
def test_only_linux_without_a_working_card_looks_for_a_cpu_build(
    setup_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, system: str, card: int | None, wanted: bool
) -> None:
    monkeypatch.setattr(setup_venv.platform, "system", lambda: system)
    monkeypatch.setattr(setup_venv.shutil, "which", lambda name: None if card is None else f"/usr/bin/{name}")
    monkeypatch.setattr(setup_venv.subprocess, "run", lambda *_, **__: answer(card or 0))
    assert setup_venv.wants_cpu_build() is wanted


@pytest.mark.parametrize(
    ("packages", "cuda"),
    [(["torch", "sympy"], False), (["torch", "nvidia-cublas-cu13"], True), (["torch", "triton"], True)],
)
def test_cuda_is_seen_in_what_pip_would_bring(
    setup_venv: ModuleType, monkeypatch: pytest.MonkeyPatch, packages: list[str], cuda: bool
) -> None:
    report = json.dumps({"install": [{"metadata": {"name": name}} for name in packages]})
    monkeypatch.setattr(setup_venv, "pip_version", lambda python: (25, 0))
    monkeypatch.setattr(setup_venv.subprocess, "run", lambda *_, **__: answer(stdout=report))
    assert setup_venv.would_bring_cuda(Path("python"), "torch==2.13.0") is cuda


def test_without_the_cpu_index_torch_is_taken_from_where_pip_looks(
    setup_venv: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(setup_venv, "torch_is_there", lambda python, pin: False)
    monkeypatch.setattr(setup_venv, "wants_cpu_build", lambda: True)
    monkeypatch.setattr(setup_venv, "would_bring_cuda", lambda python, pin: True)
    monkeypatch.setattr(setup_venv, "try_pip", lambda python, *words: asked.append(words) or False)
    monkeypatch.setattr(setup_venv, "pip", lambda python, *words: asked.append(words))
    setup_venv.install_torch(Path("python"))
    assert [setup_venv.CPU_INDEX in words for words in asked] == [True, False]


def test_a_failing_pip_ends_in_one_sentence_and_exit_code_2(
    setup_venv: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup_venv, "create_environment", lambda venv: None)
    monkeypatch.setattr(setup_venv, "torch_is_there", lambda python, pin: True)
    monkeypatch.setattr(setup_venv.subprocess, "run", lambda *_, **__: answer(1, stderr="noise\nERROR: no network"))
    assert setup_venv.main(["--venv", str(tmp_path / "venv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_python_that_is_too_old_says_which_ones_will_do(
    setup_venv: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup_venv.sys, "version_info", (3, 9, 0))
    monkeypatch.setattr(setup_venv.shutil, "which", lambda name: None)
    with pytest.raises(setup_venv.SetupError, match=r"3\.11, 3\.12 or 3\.13"):
        setup_venv.python_to_use_instead()
