"""Folders that are made, and asked whether they can be written to, with the operating system's refusals put plainly."""

import errno
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from danqing.base.errors import FileWriteError

TRIAL = ".danqing-trial-"


def make_folder(path: Path) -> None:
    """The folder is there. Raises FileWriteError."""
    with said_plainly(path):
        path.mkdir(parents=True, exist_ok=True)


def make_numbered_folder(parent: Path, stem: str) -> Path:
    """A new folder `stem-0000` in `parent`, or the next number that is free, also when several processes ask. Raises FileWriteError."""
    make_folder(parent)
    number = 0
    while True:
        folder = parent / f"{stem}-{number:04}"
        try:
            with said_plainly(folder):
                folder.mkdir()
        except FileWriteError as problem:
            if not isinstance(problem.__cause__, FileExistsError):
                raise
            number += 1
        else:
            return folder


def check_writable(path: Path) -> None:
    """The folder is there and takes files: tried with a small one. Raises FileWriteError."""
    make_folder(path)
    trial = path / f"{TRIAL}{secrets.token_hex(4)}"
    with said_plainly(path):
        try:
            trial.write_bytes(b"danqing")
        finally:
            trial.unlink(missing_ok=True)


@contextmanager
def said_plainly(path: Path) -> Generator[None]:
    """Turns the operating system's refusal to write `path` into a FileWriteError with a remedy."""
    try:
        yield
    except OSError as problem:
        raise FileWriteError(f"can't write {path}: {_reason(problem)}") from problem


def _reason(problem: OSError) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no room is left; free some space or choose another folder with --out"
    if problem.errno in (errno.EACCES, errno.EPERM):
        return "there is no right to write there; mend the folder's rights or choose another with --out"
    if problem.errno == errno.EROFS:
        return "this place can only be read; choose another folder with --out"
    if isinstance(problem, FileExistsError | NotADirectoryError):
        return "a file stands where a folder is needed; choose another folder with --out"
    return f"{problem.strerror or problem}; choose another folder with --out"
