"""The project's own files, for the house tests; found without git, so that an unpacked sdist can be tested too."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "tests", "tools", "bench", "docs", ".ci")
TEXT = {".py", ".toml", ".md", ".txt", ".bat", ".json", ".cfg", ".yml", ".yaml", ".html", ".css", ".js", ""}


@dataclass(frozen=True)
class Fence:
    """One fenced block of a Markdown file: its language word, its text and the line where the text begins."""

    page: Path
    language: str
    text: str
    line: int

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text(encoding="utf-8"))


def own_files() -> Iterator[Path]:
    """Every text file of the project, without environments, builds and caches."""
    for path in sorted(ROOT.iterdir()):
        if path.is_file() and not path.name.startswith(".coverage"):
            yield path
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and path.suffix in TEXT and "__pycache__" not in path.parts:
                yield path


def sources(*folders: str) -> list[Path]:
    return [path for path in own_files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


def pages() -> list[Path]:
    return [path for path in own_files() if path.suffix == ".md" and path.relative_to(ROOT).parts[0] != "src"]


def fences(page: Path) -> Iterator[Fence]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)[^\n]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield Fence(page, found[1], found[2], text[: found.start(2)].count("\n") + 1)


def commands(page: Path, program: str) -> Iterator[tuple[str, list[str]]]:
    """Where, and with which arguments, a page calls `program` in its console blocks; comments are dropped."""
    for fence in fences(page):
        if fence.language in ("sh", "console", "bash"):
            joined = fence.text.replace("\\\n", " ")
            for line in joined.splitlines():
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if words and words[0] == program:
                    yield f"{fence}", words[1:]
