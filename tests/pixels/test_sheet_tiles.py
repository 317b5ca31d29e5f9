"""Sheets of any size: the tiles cover every cell once and stay small enough to open."""

import numpy as np
import pytest
from PIL import Image

from danqing.base.picture import Pixels
from danqing.pixels.sheet import Cell, Legends
from danqing.pixels.sheet_tiles import LONGEST_SIDE, Tile, tiled_sheet, tiles


@pytest.mark.parametrize(
    ("rows", "columns", "cell"),
    [
        (1, 1, (64, 64)),
        (20, 12, (128, 128)),
        (100, 100, (512, 512)),
        (1, 500, (512, 512)),
        (3000, 2, (1024, 1024)),
        (5, 5, (6000, 6000)),
        (2, 2, (16384, 16384)),
        (1000, 1000, (8, 8)),
    ],
)
def test_tiles_cover_every_cell_once_and_can_be_opened(rows: int, columns: int, cell: tuple[int, int]) -> None:
    found = tiles(rows, columns, cell)
    covered = [(row, column) for tile in found for row in tile.rows for column in tile.columns]
    assert sorted(covered) == [(row, column) for row in range(rows) for column in range(columns)]
    for tile in found:
        width, height = len(tile.columns) * cell[0], len(tile.rows) * cell[1]
        assert width <= LONGEST_SIDE
        assert height <= LONGEST_SIDE
        assert width * height <= (Image.MAX_IMAGE_PIXELS or 0) or len(tile.rows) == len(tile.columns) == 1


def test_a_sheet_that_fits_is_one_tile() -> None:
    assert tiles(20, 12, (128, 128), gap=2) == [Tile((0, 0), range(20), range(12))]


def test_tiles_are_even() -> None:
    heights = {len(tile.rows) for tile in tiles(101, 1, (3000, 3000))}
    assert max(heights) - min(heights) <= 1


def test_each_tile_has_the_legends_of_its_own_rows_and_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danqing.pixels.sheet_tiles.LONGEST_SIDE", 96)
    seen: list[Legends] = []

    def drawn(cells: list[Cell], *, legends: Legends, **rest: object) -> Pixels:
        seen.append(legends)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr("danqing.pixels.sheet_tiles.sheet", drawn)
    words = Legends(["a", "b", "c"], ["1", "2", "3"], "title")
    numbers = [tile.number for tile, _ in tiled_sheet(lambda row, column: None, (3, 3), (32, 32), words)]
    assert numbers == [(0, 0)]
    list(tiled_sheet(lambda row, column: None, (3, 3), (48, 48), words))
    assert [(list(one.columns), list(one.rows), one.title) for one in seen[1:]] == [
        (["a", "b"], ["1", "2"], "title"),
        (["c"], ["1", "2"], ""),
        (["a", "b"], ["3"], ""),
        (["c"], ["3"], ""),
    ]


def test_a_tile_looks_at_its_own_cells_only_when_it_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danqing.pixels.sheet_tiles.LONGEST_SIDE", 100)
    looked: list[tuple[int, int]] = []

    def look(row: int, column: int) -> Cell:
        looked.append((row, column))
        return np.full((50, 50, 3), 10 * row + column, np.uint8)

    drawn = tiled_sheet(look, (4, 2), (50, 50), Legends())
    _, first = next(drawn)
    assert looked == [(0, 0), (0, 1), (1, 0), (1, 1)]
    _, second = next(drawn)
    assert [int(second[y, x, 0]) for y, x in ((0, 0), (0, 99), (99, 0), (99, 99))] == [20, 21, 30, 31]
    assert first.shape == second.shape == (100, 100, 3)


def test_a_tile_without_pictures_has_the_size_of_the_others() -> None:
    ((_, pixels),) = tiled_sheet(lambda row, column: "failed", (1, 2), (40, 30), Legends())
    assert pixels.shape == (30, 80, 3)
