"""Pictures that are made from top to bottom, a strip at a time: resampled while they come, so that the whole is never held twice."""

import math
from collections.abc import Iterator

import numpy as np
from PIL import Image

from danqing.base.picture import Pixels

SUPPORT = 3
"""Of Lanczos, in pixels of the coarser of both pictures to each side."""
LANCZOS = Image.Resampling.LANCZOS


def resampled(strips: Iterator[Pixels], size: tuple[int, int], to: tuple[int, int]) -> Iterator[Pixels]:
    """Strips of a picture of `size` (width, height), by Lanczos as strips of one of the size `to`.

    Across first, then down. Pillow takes whichever is cheaper first; that is the same to a grey level but where Lanczos
    overshoots black or white in between.
    """
    if size == to:
        yield from strips
        return
    step = size[1] / to[1]
    around = math.ceil(SUPPORT * max(step, 1.0)) + 1
    held = np.empty((0, to[0], 3), np.uint8)  # already `to` wide: a row's width is its own affair
    first, made = 0, 0  # the row at which `held` begins, and how many rows were given
    for strip in strips:
        wide = Image.fromarray(strip).resize((to[0], len(strip)), LANCZOS)
        held = np.concatenate([held, np.asarray(wide)])
        seen = first + len(held)
        ready = to[1] if seen == size[1] else max(made, int((seen - around) / step))
        if ready > made:
            box = (0, made * step - first, to[0], min(ready * step - first, len(held)))
            yield np.asarray(Image.fromarray(held).resize((to[0], ready - made), LANCZOS, box=box))
            made = ready
            spare = max(0, int(made * step) - around - first)
            held, first = held[spare:], first + spare


def whole(strips: Iterator[Pixels], size: tuple[int, int]) -> Pixels:
    """The picture (H, W, 3) that strips make; `size` is (width, height)."""
    picture = np.empty((size[1], size[0], 3), np.uint8)
    row = 0
    for strip in strips:
        picture[row : row + len(strip)] = strip
        row += len(strip)
    return picture
