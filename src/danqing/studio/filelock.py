"""A lock that a process holds on a file of the home; it is let go when the process ends, however it ends."""

import contextlib
import os
import sys
import time
from collections.abc import Generator
from pathlib import Path

from danqing.base.errors import JobError
from danqing.studio.writable import make_folder, said_plainly

LOOK_AGAIN = 0.05
"""Seconds between two tries."""


class FileLock:
    """One holder at a time, over all processes of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self, otherwise: str, patience: float = 0.0) -> None:
        """The lock is ours. Raises JobError with the sentence `otherwise` when somebody still has it after `patience` seconds."""
        make_folder(self._path.parent)
        with said_plainly(self._path):
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        until = time.monotonic() + patience
        while not _lock(handle):
            if time.monotonic() >= until:
                os.close(handle)
                raise JobError(otherwise)
            time.sleep(LOOK_AGAIN)
        self._handle = handle

    def release(self) -> None:
        """Others may have it; nothing happens when it wasn't ours."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @contextlib.contextmanager
    def held(self, patience: float = 60.0) -> Generator[None]:
        """Ours while this lasts."""
        self.take(f"{self._path} is held by another danqing process; wait for it, or end it", patience)
        try:
            yield
        finally:
            self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
