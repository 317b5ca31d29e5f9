"""Pictures in files enlarged into other files, with the story that they carry: A1111's Extras."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.picture import Pixels
from danqing.base.progress import Watch, just_go_on
from danqing.base.refs import Use
from danqing.painting.upscaling import UpscaleRequest, find_upscaler, postprocess_note
from danqing.pixels.files import JSON_KEY, PictureMetadata, read_metadata, read_picture, write_picture
from danqing.studio.gallery import ENDINGS, is_picture_name, unnumbered
from danqing.studio.names import legal
from danqing.studio.story import story_in, text_of
from danqing.studio.studio import Studio
from danqing.studio.writable import make_folder

if TYPE_CHECKING:
    from danqing.painting.upscale import Upscalers

log = logging.getLogger(__name__)

FOLDER = "extras-images"
NOTE_KEY = "postprocessing"
"""A1111's name for the text chunk that says what was done to a picture."""
EXIF_NAMES = ("UserComment", "ImageDescription", "Make", "Model", "Artist", "comment")
"""Texts of other formats that have no place in a PNG."""
EDITION = "upscale"


@dataclass(frozen=True)
class Enlarged:
    """A picture that is there; `upscaler` is the name that was found."""

    path: Path
    size: tuple[int, int]
    upscaler: str
    seconds: float


class Extras:
    """Works on one studio: its models, its device, its outputs folder."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    @cached_property
    def upscalers(self) -> "Upscalers":
        """Those of the studio's catalog on its device; made once, for they keep the last network alive. Raises HardwareError."""
        from danqing.painting.upscale import Upscalers
        from danqing.weights.place import choose_place

        settings = self._studio.settings
        return Upscalers(self._studio.catalog, choose_place(settings.device, settings.dtype))

    def enlarge(
        self, source: Path, request: UpscaleRequest, watch: Watch = just_go_on, *, to: Path | None = None
    ) -> Enlarged:
        """The picture enlarged, under its own name in outputs/extras-images, or in the folder or picture file `to`.

        Never over another picture. What it told of its painting it tells still, and what was done to it as well.
        Raises ImageError, RecipeError, ModelError, FileWriteError, HardwareError, UpscaleStopped.
        """
        started = time.perf_counter()
        names = self._named(request)
        pixels = self.upscalers.upscale(read_picture(source), request, watch)
        path = self._keep(source, pixels, request, names, to)
        size = (pixels.shape[1], pixels.shape[0])
        return Enlarged(path, size, next(iter(names)), round(time.perf_counter() - started, 3))

    def _named(self, request: UpscaleRequest) -> dict[str, str]:
        """sha256 by the upscalers' own names, "" for those without a file. Raises RecipeError for one that isn't there."""
        said = [request.upscaler, *([request.second] if request.visibility > 0 and request.second else [])]
        found = [find_upscaler(name, self._studio.catalog) for name in said]
        return {one if isinstance(one, str) else one.name: "" if isinstance(one, str) else one.sha256 for one in found}

    def _keep(
        self, source: Path, pixels: Pixels, request: UpscaleRequest, names: Mapping[str, str], to: Path | None
    ) -> Path:
        settings = self._studio.settings
        folder, stem, ending = self._studio.gallery.root / FOLDER, source.stem, ENDINGS[settings.picture_format]
        if to is not None:
            named = is_picture_name(to)
            folder, stem, ending = (to.parent, to.stem, to.suffix) if named else (to, stem, ending)
        size = (pixels.shape[1], pixels.shape[0])
        first, *others = names
        note = postprocess_note(request.but(second=others[0] if others else ""), first, size)
        told = read_metadata(source)
        make_folder(folder)
        with unnumbered(folder, legal(stem)) as free:
            path = folder / (free + ending)
            left_out = write_picture(
                path,
                pixels,
                infotext=with_note(told.infotext, note) if told.infotext else "",
                recipe_json=_story(told, request, names, size),
                quality=settings.quality,
                texts={**_other_texts(told), NOTE_KEY: note},
            )
        for sentence in left_out:
            log.warning("%s: %s", path.name, sentence)
        return path


def with_note(infotext: str, note: str) -> str:
    """An infotext with the note behind its parameters, on a line of its own where it has none."""
    last = infotext.rstrip().rpartition("\n")[2]
    return f"{infotext.rstrip()}{', ' if 'Steps: ' in last else chr(10)}{note}"


def check_enlarging(studio: Studio, request: UpscaleRequest, to: Path | None, pictures: int) -> None:
    """Raises what would go wrong with every picture: an upscaler that isn't there, a place that can't be written to."""
    for name in (request.upscaler, request.second):
        if name or name == request.upscaler:
            find_upscaler(name, studio.catalog)
    if to is not None and is_picture_name(to) and pictures > 1:
        raise RecipeError(f"{pictures} pictures can't all be written to {to}; name a folder")
    studio.gallery.check_writable(to)


def _story(told: PictureMetadata, request: UpscaleRequest, names: Mapping[str, str], size: tuple[int, int]) -> str:
    """The provenance that the picture came with, and in it what was done now; "" where there was none."""
    if not told.recipe_json:
        return ""
    try:
        provenance = story_in(told.recipe_json).provenance
    except DanqingError as problem:
        log.warning("its recipe can't be read, and is left out: %s", problem)
        return ""
    first, *others = names
    named = request.but(upscaler=first, second=others[0] if others else "").sparse()
    files: JsonValue = {name: sha256 for name, sha256 in names.items() if sha256}
    edition = Use(name=EDITION, settings={**named, "size": f"{size[0]}x{size[1]}", "files": files})
    return text_of(provenance.but(after=(*provenance.after, edition)))


def _other_texts(told: PictureMetadata) -> dict[str, str]:
    """Texts of other programs (ComfyUI's graph, SwarmUI's JSON), as they are."""
    ours = {JSON_KEY, NOTE_KEY, *EXIF_NAMES, *(["parameters"] if told.infotext else [])}
    return {name: text for name, text in told.raw.items() if name not in ours and name.isascii() and len(name) < 80}
