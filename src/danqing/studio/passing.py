"""Pictures that somebody asked for without keeping them: they lie in the cache until they were fetched, an hour at least."""

import shutil
import time
from pathlib import Path

from danqing.studio.home import Home

STAY = 3600.0
"""Seconds that they can be fetched."""


def passing_folder(home: Home, job: str) -> Path:
    """Where the pictures of such a job go."""
    return home.cache / "passing" / job


def sweep(home: Home, now: float | None = None) -> int:
    """Removes the folders of jobs whose last picture is older than that; returns how many."""
    limit = (time.time() if now is None else now) - STAY
    root = home.cache / "passing"
    old = [folder for folder in root.iterdir() if folder.stat().st_mtime < limit] if root.is_dir() else []
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)
