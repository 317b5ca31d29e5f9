"""A grid's manifest: a line for what was asked, and one for every cell that was painted or failed. Only ever appended to."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from danqing.base.errors import RecipeError
from danqing.base.value import canonical_json
from danqing.painting.grid import GridAsk
from danqing.studio.writable import said_plainly

NAME = "grid.jsonl"
VERSION = 1


@dataclass(frozen=True)
class Result:
    """What became of a recipe: a file below the grid's folder, or an error."""

    file: str = ""
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True)
class Manifest:
    """What stands in a folder's manifest: what was asked last, and what became of each recipe by its digest."""

    ask: GridAsk | None
    results: dict[str, Result]


def read_manifest(folder: Path) -> Manifest:
    """The manifest, empty where there is none. A picture that is gone counts as not painted; a torn last line as not written.

    Raises RecipeError for a manifest of a later version, or one that can't be read.
    """
    try:
        lines = (folder / NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return Manifest(None, {})
    except OSError as problem:
        raise RecipeError(f"{folder / NAME} can't be read ({problem.strerror}); choose another folder") from problem
    ask: GridAsk | None = None
    results: dict[str, Result] = {}
    for line in lines:
        data = _object(line)
        if "ask" in data:
            ask = _ask(data, folder)
        elif isinstance(data.get("digest"), str):
            results[data["digest"]] = _result(data, folder)
    return Manifest(ask, results)


def note_ask(folder: Path, ask: GridAsk) -> None:
    """A line that says what is asked of this folder from now on."""
    _append(folder, {"danqing": "grid", "version": VERSION, "ask": ask.sparse()})


def note_result(folder: Path, digest: str, result: Result) -> None:
    """A line for a recipe that was painted, or failed; on the disk when this returns. Raises FileWriteError."""
    _append(folder, {"digest": digest, "file": result.file, "seconds": result.seconds, "error": result.error})


def _append(folder: Path, data: dict[str, Any]) -> None:
    path = folder / NAME
    with said_plainly(path), path.open("ab") as stream:
        if stream.tell() and not _ends_whole(path):
            stream.write(b"\n")  # a line that was torn by a crash stays a line of its own
        stream.write((canonical_json(data) + "\n").encode("utf-8", "replace"))
        stream.flush()
        os.fsync(stream.fileno())


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) == b"\n"


def _object(line: str) -> dict[str, Any]:
    try:
        data: object = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def _ask(data: dict[str, Any], folder: Path) -> GridAsk:
    if data.get("version") != VERSION:
        raise RecipeError(f"{folder / NAME} has version {data.get('version')}; this danqing reads {VERSION}: update it")
    return GridAsk.model_validate(data["ask"])


def _result(data: dict[str, Any], folder: Path) -> Result:
    """A file that a manifest names must lie in the grid's own folder: a manifest may come from anybody."""
    file, seconds = str(data.get("file", "")), data.get("seconds", 0)
    inside = file and (folder / file).resolve().is_relative_to(folder.resolve()) and (folder / file).is_file()
    return Result(
        file if inside else "",
        float(seconds) if isinstance(seconds, int | float) else 0.0,
        str(data.get("error", "")),
    )
