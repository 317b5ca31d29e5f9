"""Pictures enlarged: by networks in tiles, by plain resampling, by two blended. Holds the upscaler that was used last and no other state."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.base.progress import Progress, Verdict, Watch, just_go_on
from danqing.base.protocols import Catalog
from danqing.painting.plan import PIXEL_UPSCALERS
from danqing.painting.upscaling import (
    MOST_TURNS,
    UpscaleRequest,
    UpscaleStopped,
    find_upscaler,
    target_of,
)
from danqing.pixels.fill import filled
from danqing.pixels.resize import MOST_PIXELS, resize
from danqing.pixels.strips import resampled, whole
from danqing.pixels.tiles import Tiling, enlarged_strips, tile_count
from danqing.weights.place import Place
from danqing.weights.upscalers.loading import load_upscaler
from danqing.weights.upscalers.upscaler import Upscaler

Size = tuple[int, int]
"""(width, height) in pixels."""
FAR = 32
"""Pixels that a network sees to each side; of one that sees farther the rest hardly counts, and neighbours are blended wider."""


@dataclass(frozen=True)
class _Turn:
    """One run of a network over a picture of `size`."""

    size: Size
    grown: Size


class Upscalers:
    """Enlarges by every upscaler that the catalog finds, on one device. Not made for several threads at once."""

    def __init__(self, catalog: Catalog, place: Place) -> None:
        self._catalog = catalog
        self._place = place
        self._live: dict[Path, Upscaler] = {}

    def upscale(self, pixels: Pixels, request: UpscaleRequest, watch: Watch = just_go_on) -> Pixels:
        """The picture (H, W, 3|4) enlarged as the request says, its transparency kept.

        Raises RecipeError and ModelError for an upscaler that isn't there or can't be read, ImageError for a size that
        can't be, UpscaleStopped when the watch said so.
        """
        target = target_of(_size(pixels), request)
        second = request.second if request.visibility > 0 else ""
        if second:
            find_upscaler(second, self._catalog)  # said before the first one works for minutes
        grown = self.enlarge(pixels, request.upscaler, target.fit.scaled, watch)
        if second:
            other = self.enlarge(pixels, second, target.fit.scaled, watch)
            grown = np.asarray(Image.blend(Image.fromarray(grown), Image.fromarray(other), request.visibility))
        left, top = -target.fit.at[0], -target.fit.at[1]
        return np.ascontiguousarray(grown[top : top + target.size[1], left : left + target.size[0]])

    def enlarge(self, pixels: Pixels, name: str, to: Size, watch: Watch = just_go_on) -> Pixels:
        """The picture at the size `to`, by A1111's rule: the network is applied until it is large enough, three times at most,
        and what it then is too large or too small is resampled by Lanczos."""
        if to[0] * to[1] > MOST_PIXELS:
            raise ImageError(
                f"a picture of {to[0]}x{to[1]} pixels is too large; at most {MOST_PIXELS:,} pixels are made"
            )
        found = find_upscaler(name, self._catalog)
        width, height = _size(pixels)
        if isinstance(found, str):
            return resize(pixels, *to, found)
        if max(to[0] / width, to[1] / height) < 1:
            return resize(pixels, *to, PIXEL_UPSCALERS[0])
        upscaler = self._load(found.path)
        if pixels.shape[2] == 3:
            return _grown(pixels, upscaler, to, watch)
        alpha = pixels[..., 3]
        # What is hidden gets the colours around it: a network would draw an edge towards its black.
        hidden = np.where(alpha == 0, 255, 0).astype(np.uint8)
        colours = _grown(filled(pixels[..., :3], hidden), upscaler, to, watch)
        if alpha.min() == alpha.max():
            return np.dstack([colours, np.full(colours.shape[:2], alpha.flat[0])])
        edges = _grown(np.repeat(alpha[..., None], 3, axis=2), upscaler, to, watch)
        return np.dstack([colours, edges.mean(axis=2).round().astype(np.uint8)])

    def clear(self) -> None:
        """Lets the network go."""
        self._live.clear()

    def _load(self, path: Path) -> Upscaler:
        if path not in self._live:
            self._live.clear()
            self._live[path] = load_upscaler(path, self._place)
        return self._live[path]


def tiling_of(upscaler: Upscaler) -> Tiling:
    """How its input is cut: exactly where it sees no farther than a halo, else by blending over more pixels.

    Measured with Real-ESRGAN x4plus, 23 blocks deep: 16 pixels from a cut 1.2 grey levels are wrong in the mean, at 48
    still 0.2; blended over 16 pixels of the input, which are 64 of the output, no seam is left to see.
    """
    known = 0 < upscaler.reach <= FAR
    return Tiling(halo=upscaler.reach, fade=8) if known else Tiling(halo=16, fade=16)


def _grown(pixels: Pixels, upscaler: Upscaler, to: Size, watch: Watch) -> Pixels:
    """(H, W, 3) at the size `to`, its last enlargement never held as a whole before it is resampled."""
    tiling = tiling_of(upscaler)
    turns = list(_turns(_size(pixels), upscaler.scale, to))
    total = sum(tile_count(turn.size, tiling) for turn in turns)
    before = 0

    def done(count: int) -> None:
        verdict = watch(Progress(0, 1, "upscale", before + count, total))
        if verdict is not Verdict.CONTINUE:
            raise UpscaleStopped(verdict)

    for turn in turns:
        strips = enlarged_strips(pixels, upscaler.enlarged, upscaler.scale, tiling, done)
        if turn is turns[-1]:
            return whole(resampled(strips, turn.grown, to), to)
        pixels = whole(strips, turn.grown)
        before += tile_count(turn.size, tiling)
    raise AssertionError("a network is applied once at least")


def _turns(size: Size, scale: int, to: Size) -> Iterator[_Turn]:
    for _ in range(MOST_TURNS):
        grown = (size[0] * scale, size[1] * scale)
        yield _Turn(size, grown)
        if scale == 1 or (grown[0] >= to[0] and grown[1] >= to[1]):
            return
        size = grown


def _size(pixels: Pixels) -> Size:
    return pixels.shape[1], pixels.shape[0]
