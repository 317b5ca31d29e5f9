"""A sheet of any size, cut into tiles of whole cells: each can be held in memory, written and opened by any program."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from danqing.base.picture import Pixels
from danqing.pixels.sheet import Cell, Legends, sheet

MOST_PIXELS = 48_000_000
"""Of the cells on a tile: with its legends it stays below the 89 megapixels above which Pillow takes a file for a bomb."""
LONGEST_SIDE = 30_000
"""Pixels; JPEG ends at 65,500, and many viewers before that."""


@dataclass(frozen=True)
class Tile:
    """A part of a sheet: which rows and columns of cells it shows. `number` is (row, column) of the tile itself."""

    number: tuple[int, int]
    rows: range
    columns: range


def tiles(rows: int, columns: int, cell: tuple[int, int], gap: int = 0) -> list[Tile]:
    """The tiles of a sheet, as few as hold it; cell (width, height) in pixels. One where it fits."""
    width, height = cell[0] + gap, cell[1] + gap
    across = max(1, min(columns, LONGEST_SIDE // width))
    down = max(1, min(rows, LONGEST_SIDE // height, MOST_PIXELS // (across * width * height)))
    if down == 1:  # a single row may still be too large
        across = max(1, min(across, MOST_PIXELS // (width * height)))
    shares = (_even(rows, down), _even(columns, across))
    return [
        Tile((y, x), row_range, column_range)
        for y, row_range in enumerate(shares[0])
        for x, column_range in enumerate(shares[1])
    ]


def _even(count: int, most: int) -> list[range]:
    """`count` in runs of at most `most`, as even as can be: no last tile with a single row."""
    parts = ceil(count / most)
    edges = [round(part * count / parts) for part in range(parts + 1)]
    return [range(start, end) for start, end in pairwise(edges)]


def tiled_sheet(
    look: Callable[[int, int], Cell],
    shape: tuple[int, int],
    cell: tuple[int, int],
    legends: Legends,
    gap: int = 0,
) -> Iterator[tuple[Tile, Pixels]]:
    """Every tile with its pixels (H, W, 3), legends beside each; the title is on the first alone.

    `look(row, column)` gives a cell when its tile is drawn, so that only a tile's pictures are in memory. shape (rows, columns).
    """
    for tile in tiles(*shape, cell, gap):
        words = Legends(
            [legends.columns[column] for column in tile.columns] if legends.columns else (),
            [legends.rows[row] for row in tile.rows] if legends.rows else (),
            legends.title if tile.number == (0, 0) else "",
        )
        found = [look(row, column) for row in tile.rows for column in tile.columns]
        yield tile, sheet(found, columns=len(tile.columns), legends=words, gap=gap, cell=cell)
