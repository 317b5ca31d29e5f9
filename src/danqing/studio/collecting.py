"""Brings folders of pictures into the library: those of another tool where they lie, or our own once more from their files."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from danqing.base.errors import DanqingError, ImageError
from danqing.studio.database import storable
from danqing.studio.gallery import PICTURE_ENDINGS
from danqing.studio.library import Library
from danqing.studio.records import Contents, contents_of_file
from danqing.studio.trash import FOLDER, is_thrown

AT_ONCE = 200
"""Pictures in one transaction."""

Tell = Callable[[int, Path], None]
"""Told how many files were looked at, and the one at hand."""


@dataclass(frozen=True)
class Collected:
    """What became of the files: ids that are new or were read anew, how many were known, what can't be read, how many records are gone."""

    pictures: tuple[int, ...] = ()
    known: int = 0
    unreadable: tuple[str, ...] = ()
    gone: int = 0


def collect(library: Library, folder: Path, *, again: bool = False, tell: Tell | None = None) -> Collected:
    """Takes in every picture below a folder, where it lies: an A1111 or ComfyUI output folder, say.

    Files that haven't changed since they were read are left as they are, unless `again`. Raises ImageError for no folder.
    """
    if not folder.is_dir():
        raise ImageError(f"there is no folder {folder}; name one with pictures in it")
    before = library.known_files()
    ids: list[int] = []
    unreadable: list[str] = []
    waiting: list[tuple[Path, Contents]] = []
    known = 0
    for looked, path in enumerate(picture_files(folder.absolute()), start=1):
        if tell is not None:
            tell(looked, path)
        try:
            if str(path) != storable(str(path)):
                raise ImageError("its name is not UTF-8; give it another")
            if not again and path in before and _unchanged(path, before[path]):
                known += 1
            elif is_thrown(path):
                ids.append(library.take_in_trash(path))
            else:
                waiting.append((path, contents_of_file(path)))
        except (DanqingError, OSError) as problem:
            unreadable.append(storable(f"{path}: {problem}"))
        if len(waiting) >= AT_ONCE:
            ids += library.add_many(waiting)
            waiting.clear()
    ids += library.add_many(waiting)
    return Collected(tuple(ids), known, tuple(unreadable))


def reindex(library: Library, tell: Tell | None = None) -> Collected:
    """Reads every picture in the outputs folder anew, marks and trash included, and drops the records of files that are gone.

    Records of other folders stay while their folder is away: it may lie on a disk that isn't plugged in.
    """
    found = collect(library, library.root, again=True, tell=tell) if library.root.is_dir() else Collected()
    gone = [
        number
        for path, (number, _, _) in library.known_files().items()
        if not path.exists() and _is_gone(library, path)
    ]
    library.forget(gone)
    return Collected(found.pictures, found.known, found.unreadable, len(gone))


def picture_files(folder: Path) -> Iterator[Path]:
    """Every picture below a folder in the order of names; hidden files and folders are passed over, but for our own trash."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") or name == FOLDER)
        for name in sorted(files):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_ENDINGS:  # noqa: PTH122 - a Path each costs more than all the rest
                yield Path(place, name)


def _unchanged(path: Path, before: tuple[int, int, float]) -> bool:
    state = path.stat()
    return (state.st_size, state.st_mtime) == before[1:]


def _is_gone(library: Library, path: Path) -> bool:
    return path.is_relative_to(library.root) or path.parent.is_dir()
