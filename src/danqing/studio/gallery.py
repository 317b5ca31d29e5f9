"""The gallery keeps finished pictures: in A1111's folders, under the next free number, their whole story inside."""

import contextlib
import logging
import re
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from danqing.base.errors import FileWriteError
from danqing.base.picture import Picture
from danqing.pixels.files import write_picture
from danqing.studio.names import folder_parts, name_of
from danqing.studio.settings import Settings
from danqing.studio.story import infotext_of, story_of
from danqing.studio.writable import check_writable, make_folder, said_plainly

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Announce = Callable[[Picture, Path], None]
"""Told before a picture's file appears: what and where."""

ENDINGS = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
CLAIM = ".danqing-claim-"
STALE = 3600.0
"""Seconds; no picture takes that long to write."""


@dataclass(frozen=True)
class Gallery:
    """Where pictures go: `root` is the outputs folder, names are the settings', `clock` gives today with its zone."""

    root: Path
    settings: Settings
    clock: Clock

    def keep(self, picture: Picture, to: Path | None = None, announce: Announce | None = None) -> Path:
        """Writes the picture and says where; `to` is a folder or a picture file to write to instead.

        Written aside and renamed; never over another picture. Raises FileWriteError.
        """
        folder, stem, ending = self._place(picture, to)
        make_folder(folder)
        numbered = to is None and self.settings.number_files
        with (_numbered if numbered else unnumbered)(folder, stem) as free:
            path = folder / (free + ending)
            if announce is not None:
                announce(picture, path)
            left_out = write_picture(
                path,
                picture.pixels,
                infotext=infotext_of(picture),
                recipe_json=story_of(picture),
                quality=self.settings.quality,
            )
        for sentence in left_out:
            log.warning("%s: %s", path.name, sentence)
        return path

    def check_writable(self, to: Path | None = None) -> None:
        """Raises FileWriteError when pictures could not be kept: better said before painting than after."""
        check_writable(self.root if to is None else to.parent if is_picture_name(to) else to)

    def _place(self, picture: Picture, to: Path | None) -> tuple[Path, str, str]:
        ending = ENDINGS[self.settings.picture_format]
        if to is not None and is_picture_name(to):
            return to.parent, to.stem, to.suffix
        now = self.clock()
        stem = name_of(self.settings.file_pattern, picture, now)
        if to is not None:
            return to, stem or str(picture.recipe.seed), ending
        kind = "img2img-images" if picture.recipe.init else "txt2img-images"
        folder = self.root.joinpath(kind, *folder_parts(self.settings.folder_pattern, picture, now))
        if not stem and not self.settings.number_files:
            stem = str(picture.recipe.seed)
        return folder, stem, ending


def is_picture_name(path: Path) -> bool:
    """Whether a path names a picture file, not a folder."""
    return path.suffix.lower() in PICTURE_ENDINGS and not path.is_dir()


@contextmanager
def _numbered(folder: Path, stem: str) -> Generator[str]:
    """The stem behind the next free number; a claim file holds it against other processes until the picture stands."""
    number = _next_number(folder)
    while True:
        claim = folder / f"{CLAIM}{number:05}"
        # Looked at again behind the claim: another process may have written its picture and let go since we counted.
        if _claimed(claim):
            if number not in _numbers(folder):
                break
            claim.unlink(missing_ok=True)
        number += 1
    try:
        yield f"{number:05}-{stem}" if stem else f"{number:05}"
    finally:
        with contextlib.suppress(OSError):
            claim.unlink(missing_ok=True)


@contextmanager
def unnumbered(folder: Path, stem: str) -> Generator[str]:
    """The stem, or the stem with -1, -2 ... behind it where a picture has it already."""
    attempt = 0
    while True:
        free = f"{stem}-{attempt}" if attempt else stem
        claim = folder / f"{CLAIM}{free[:200]}"
        if _claimed(claim):
            if not any((folder / (free + ending)).exists() for ending in PICTURE_ENDINGS):
                break
            claim.unlink(missing_ok=True)
        attempt += 1
    try:
        yield free
    finally:
        with contextlib.suppress(OSError):
            claim.unlink(missing_ok=True)


def _claimed(claim: Path) -> bool:
    """Whether the claim is ours now. One that is an hour old was left behind by a process that died."""
    try:
        with said_plainly(claim):
            claim.touch(exist_ok=False)
    except FileWriteError as problem:
        if not isinstance(problem.__cause__, FileExistsError):
            raise
        with contextlib.suppress(OSError):
            if time.time() - claim.stat().st_mtime > STALE:
                claim.unlink(missing_ok=True)
        return False
    return True


def _next_number(folder: Path) -> int:
    return max(_numbers(folder), default=-1) + 1


def _numbers(folder: Path) -> set[int]:
    """Numbers that pictures in the folder begin with."""
    found = (
        re.match(r"(\d{5,})(?=[-.])", path.name) for path in folder.iterdir() if path.suffix.lower() in PICTURE_ENDINGS
    )
    return {int(match[1]) for match in found if match}
