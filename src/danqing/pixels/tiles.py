"""Large pictures in pieces: A1111's grid of tiles, which are painted anew, and the tiles of networks, cut so that no seam shows.

Arithmetic and blending only; what happens to a tile is the caller's.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels

Levels = NDArray[np.float32]
"""(H, W, 3) in [0, 255], not rounded."""
EnlargeTile = Callable[[Pixels], Levels]


@dataclass(frozen=True)
class TileGrid:
    """Equal tiles that cover a picture and overlap. All sizes are (width, height); `columns` and `rows` are left and upper edges."""

    size: tuple[int, int]
    tile: tuple[int, int]
    overlap: int
    columns: tuple[int, ...]
    rows: tuple[int, ...]

    def boxes(self) -> Iterator[tuple[int, int, int, int]]:
        """(left, top, right, bottom) of every tile, row by row."""
        for top in self.rows:
            for left in self.columns:
                yield left, top, left + self.tile[0], top + self.tile[1]


def tile_grid(size: tuple[int, int], tile: tuple[int, int], overlap: int) -> TileGrid:
    """A1111's grid (SD upscale): as few tiles as overlap by `overlap` at least, spread evenly, edges rounded down.

    A tile never is larger than the picture. Raises RecipeError for an overlap that leaves nothing of a tile.
    """
    fitting = (min(tile[0], size[0]), min(tile[1], size[1]))
    if not 0 <= overlap < min(tile):
        raise RecipeError(f"tiles of {tile[0]}x{tile[1]} can't overlap by {overlap}; 0 to {min(tile) - 1} is possible")
    columns, rows = (_edges(side, part, overlap) for side, part in zip(size, fitting, strict=True))
    return TileGrid(size, fitting, overlap, columns, rows)


def _edges(side: int, tile: int, overlap: int) -> tuple[int, ...]:
    if side <= tile:
        return (0,)
    count = math.ceil((side - overlap) / (tile - overlap))
    # in whole numbers: with floats the last edge may miss the border by a pixel
    return tuple(place * (side - tile) // (count - 1) for place in range(count))


def split(pixels: Pixels, grid: TileGrid) -> Iterator[Pixels]:
    """The grid's tiles of a picture, row by row."""
    for left, top, right, bottom in grid.boxes():
        yield pixels[top:bottom, left:right]


def combined(tiles: Sequence[Pixels], grid: TileGrid) -> Pixels:
    """The picture that the tiles make, (H, W, C): over its first `overlap` pixels a tile fades in over those before it, as A1111's does."""
    (width, height), (across, down) = grid.size, grid.tile
    whole = np.zeros((height, width, tiles[0].shape[2]), np.uint8)
    for number, top in enumerate(grid.rows):
        row = np.zeros((down, width, whole.shape[2]), np.uint8)
        for place, left in enumerate(grid.columns):
            tile = tiles[number * len(grid.columns) + place]
            _fade_in(row[:, left : left + across], tile, grid.overlap if left else 0, axis=1)
        _fade_in(whole[top : top + down], row, grid.overlap if top else 0, axis=0)
    return whole


def _fade_in(below: Pixels, above: Pixels, overlap: int, axis: int) -> None:
    """Lays `above` over `below` in place, along `axis` from nothing to fully within `overlap` pixels."""
    length = below.shape[axis]
    weight = np.minimum(np.arange(length) / max(overlap, 1), 1.0) if overlap else np.ones(length)
    weight = weight.reshape((1, -1, 1) if axis == 1 else (-1, 1, 1))
    below[:] = np.floor(below * (1 - weight) + above * weight + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class Tiling:
    """How a network's input is cut. `halo` pixels around a tile are read and thrown away; over `fade` pixels neighbours are blended."""

    tile: int = 256
    halo: int = 24
    fade: int = 8

    def __post_init__(self) -> None:
        if self.tile < 2 * (self.halo + self.fade) + 1 or self.halo < 0 or self.fade < 0:
            raise RecipeError(
                f"tiles of {self.tile} pixels are too small for a halo of {self.halo} and a fade of {self.fade}"
            )


@dataclass(frozen=True)
class Cut:
    """One tile along one side: it reads [start, stop) and gives [first, last)."""

    start: int
    stop: int
    first: int
    last: int


def cuts(side: int, tiling: Tiling) -> tuple[Cut, ...]:
    """The tiles along a side, equally long where the side is longer than one. What neighbours give overlaps by `fade` exactly."""
    length = min(tiling.tile, side)
    edges = _edges(side, length, 2 * tiling.halo + tiling.fade)
    seams = [(left + length + right - tiling.fade) // 2 for left, right in pairwise(edges)]
    firsts = [0, *seams]
    lasts = [*(seam + tiling.fade for seam in seams), side]
    return tuple(Cut(edge, edge + length, first, last) for edge, first, last in zip(edges, firsts, lasts, strict=True))


def enlarged_strips(
    pixels: Pixels, enlarge: EnlargeTile, scale: int, tiling: Tiling, done: Callable[[int], None] | None = None
) -> Iterator[Pixels]:
    """The picture `scale` times as large, tile by tile, from top to bottom in strips of full width that follow each other without gaps.

    Never more than two rows of tiles are held. `done` is told the number of tiles so far.
    """
    across = cuts(pixels.shape[1], tiling)
    carried: Levels | None = None
    fade = tiling.fade * scale
    count = 0
    for row in cuts(pixels.shape[0], tiling):
        strip = np.zeros(((row.last - row.first) * scale, pixels.shape[1] * scale, 3), np.float32)
        for column in across:
            made = enlarge(pixels[row.start : row.stop, column.start : column.stop])
            used = made[
                (row.first - row.start) * scale : (row.last - row.start) * scale,
                (column.first - column.start) * scale : (column.last - column.start) * scale,
            ]
            _mix(strip[:, column.first * scale : column.last * scale], used, fade if column.first else 0, axis=1)
            count += 1
            if done is not None:
                done(count)
        if carried is not None:
            strip[:fade] = _mixed(carried, strip[:fade], axis=0)
        keep = fade if row.last < pixels.shape[0] else 0
        carried = strip[len(strip) - keep :].copy()
        yield _rounded(strip[: len(strip) - keep])


def tile_count(size: tuple[int, int], tiling: Tiling) -> int:
    """How many tiles a picture of that (width, height) takes."""
    return len(cuts(size[0], tiling)) * len(cuts(size[1], tiling))


def _mix(below: Levels, above: Levels, fade: int, axis: int) -> None:
    """Lays `above` over `below` in place; the first `fade` pixels go from one to the other."""
    below[:, :fade] = _mixed(below[:, :fade], above[:, :fade], axis)
    below[:, fade:] = above[:, fade:]


def _mixed(before: Levels, after: Levels, axis: int) -> Levels:
    length = before.shape[axis]
    weight = ((np.arange(length, dtype=np.float32) + 0.5) / max(length, 1)).reshape(
        (1, -1, 1) if axis == 1 else (-1, 1, 1)
    )
    return before + (after - before) * weight


def _rounded(levels: Levels) -> Pixels:
    return np.clip(np.floor(levels + 0.5), 0, 255).astype(np.uint8)
