"""Writing a file whole or not at all: aside, to the disk, then renamed over the old one."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from danqing.base.errors import FileWriteError


def write_whole(path: Path, data: bytes) -> None:
    """`path` holds `data`; when that fails, what stood there before still stands. Raises FileWriteError."""
    with said_plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            with aside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)


@contextmanager
def said_plainly(path: Path) -> Iterator[None]:
    """Turns the operating system's refusal to write `path` into a FileWriteError with a remedy."""
    try:
        yield
    except OSError as problem:
        raise FileWriteError(write_complaint(path, problem)) from problem


def write_complaint(path: Path, problem: OSError) -> str:
    """Why `path` could not be written, and what to do."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no room left to write {path}: free some space, or choose another folder with --out"
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"not allowed to write {path}: mend the folder's rights, or choose another folder with --out"
    if problem.errno == errno.ENOTDIR or isinstance(problem, FileExistsError | NotADirectoryError):
        return f"can't write {path}: a file stands where a folder is needed; choose another folder with --out"
    return f"can't write {path} ({problem.strerror or problem}); choose another folder with --out"
