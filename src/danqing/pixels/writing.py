"""Files written whole or not at all: aside in the same folder, flushed to the disk, then renamed."""

import errno
import os
import sys
import uuid
from pathlib import Path

from danqing.base.errors import FileWriteError

REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space or choose another folder",
    errno.EDQUOT: "your share of the disk is used up; free some space or choose another folder",
    errno.EROFS: "this place can only be read; choose another folder",
    errno.EACCES: "there is no right to write here; choose another folder or change its permissions",
    errno.EPERM: "there is no right to write here; choose another folder or change its permissions",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another folder",
    errno.EISDIR: "this is a folder; add a file name",
    errno.EFBIG: "the file is larger than this disk allows; choose another folder",
}


def write_aside(path: Path, data: bytes) -> None:
    """The file with exactly this content: whatever goes wrong, what stood at `path` before still stands. Raises FileWriteError."""
    aside = path.parent / f".{path.name[:80]}.{uuid.uuid4().hex[:12]}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with aside.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            aside.replace(path)
        except BaseException:  # Ctrl-C too must leave nothing half-written
            aside.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)
    except (OSError, ValueError) as problem:  # ValueError: a nul in the name
        raise FileWriteError(f"can't write {path}: {_reason(problem)}") from problem


def _reason(problem: OSError | ValueError) -> str:
    code = problem.errno if isinstance(problem, OSError) else None
    if code in REMEDIES:
        return REMEDIES[code]
    if isinstance(problem, OSError) and problem.strerror:
        return f"{problem.strerror}; choose another folder or name"
    return "the name holds a character that no file can have; choose another name"


def _flush_folder(folder: Path) -> None:
    """The new name itself reaches the disk; not every system lets a folder be flushed, and the file is whole either way."""
    if sys.platform == "win32":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
