"""The trash: a hidden folder beside the pictures, so that throwing away and taking back is one rename on the same disk."""

import contextlib
import secrets
from pathlib import Path

from danqing.base.errors import FileWriteError
from danqing.studio.sidecar import sidecar_of
from danqing.studio.writable import make_folder, said_plainly

FOLDER = ".danqing-trash"


def place_in_trash(picture: Path) -> Path:
    """Where a picture would go; a folder for each, so that equal names don't meet."""
    return picture.parent / FOLDER / secrets.token_hex(4) / picture.name


def place_before_trash(thrown: Path) -> Path:
    """Where a picture in the trash came from."""
    return thrown.parent.parent.parent / thrown.name


def is_thrown(path: Path) -> bool:
    """Whether a path lies in a trash."""
    return path.parent.parent.name == FOLDER


def free_name(path: Path) -> Path:
    """The path, or the same with -1, -2 ... where somebody else stands there now."""
    number, free = 0, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def move(picture: Path, to: Path) -> None:
    """The picture and its marks go there, the marks first. Raises FileWriteError."""
    make_folder(to.parent)
    with said_plainly(to):
        if sidecar_of(picture).exists():
            sidecar_of(picture).rename(sidecar_of(to))
        picture.rename(to)
    _tidy(picture)


def throw_away(picture: Path) -> None:
    """Gone for good; one that is gone already is no trouble. Raises FileWriteError."""
    try:
        sidecar_of(picture).unlink(missing_ok=True)
        picture.unlink(missing_ok=True)
    except OSError as problem:
        raise FileWriteError(
            f"can't remove {picture}: {problem.strerror or problem}; mend the folder's rights"
        ) from problem
    _tidy(picture)


def _tidy(picture: Path) -> None:
    """Takes away the folders in the trash that hold nothing any more."""
    if is_thrown(picture):
        with contextlib.suppress(OSError):
            picture.parent.rmdir()
            picture.parent.parent.rmdir()
