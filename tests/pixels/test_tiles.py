import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.pixels.tiles import Tiling, combined, cuts, enlarged_strips, split, tile_count, tile_grid

Levels = NDArray[np.float32]


def noise(width: int, height: int, channels: int = 3) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def ramp(width: int, height: int) -> Pixels:
    """Grey from 0 to 255 across and down, as smooth as eight bits are."""
    y, x = np.mgrid[0:height, 0:width]
    grey = np.round((x / (width - 1) + y / (height - 1)) * 127.5)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


def a1111_edges(side: int, tile: int, overlap: int) -> list[int]:
    """The rule of A1111's grid, said once more: count, even steps, rounded down, the last one at the end."""
    count = math.ceil((side - overlap) / (tile - overlap))
    step = Fraction(side - tile, count - 1) if count > 1 else Fraction(0)
    return [int(i * step) for i in range(count)]


@given(st.integers(64, 3000), st.sampled_from([64, 192, 512]), st.sampled_from([0, 8, 48]))
def test_the_grid_is_a1111s(side: int, tile: int, overlap: int) -> None:
    if side >= tile > overlap:
        assert list(tile_grid((side, side), (tile, tile), overlap).columns) == a1111_edges(side, tile, overlap)


def test_sd_upscale_of_a_doubled_square_takes_nine_tiles() -> None:
    grid = tile_grid((1024, 1024), (512, 512), 64)
    assert grid.columns == grid.rows == (0, 256, 512)
    assert len(list(grid.boxes())) == 9


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 60))
def test_tiles_cover_the_picture_and_overlap_enough(width: int, height: int, overlap: int) -> None:
    grid = tile_grid((width, height), (96, 64), overlap)
    for edges, side, tile in ((grid.columns, width, grid.tile[0]), (grid.rows, height, grid.tile[1])):
        assert edges[0] == 0
        assert edges[-1] + tile == side
        assert all(0 < right - left <= tile - overlap for left, right in pairwise(edges))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("overlap", [0, 16])
def test_a_picture_split_and_combined_is_itself(overlap: int, channels: int) -> None:
    picture = noise(150, 91, channels)
    grid = tile_grid((150, 91), (64, 48), overlap)
    assert np.array_equal(combined(list(split(picture, grid)), grid), picture)


def test_tiles_of_different_greys_fade_into_each_other() -> None:
    grid = tile_grid((112, 64), (64, 64), 16)
    dark, bright = np.full((64, 64, 3), 100, np.uint8), np.full((64, 64, 3), 180, np.uint8)
    row = combined([dark, bright], grid)[0, :, 0].astype(int)
    assert (row[:49] == 100).all()
    assert (row[64:] == 180).all()
    assert row[56] == 140  # halfway in, half of each (A1111's ramp is i / overlap)
    assert np.diff(row[48:65]).max() == 5


def test_an_overlap_as_wide_as_a_tile_is_refused() -> None:
    with pytest.raises(RecipeError, match="can't overlap by 64; 0 to 63 is possible"):
        tile_grid((100, 100), (64, 64), 64)
    with pytest.raises(RecipeError, match="too small for a halo"):
        Tiling(tile=32, halo=16, fade=8)


@given(st.integers(1, 900), st.integers(0, 12), st.integers(0, 12))
def test_cuts_give_every_pixel_and_read_a_halo_around(side: int, halo: int, fade: int) -> None:
    tiling = Tiling(64, halo, fade)
    found = cuts(side, tiling)
    assert (found[0].first, found[-1].last) == (0, side)
    assert len({cut.stop - cut.start for cut in found}) == 1
    for before, after in pairwise(found):
        assert before.last - after.first == fade
        assert after.first - after.start >= halo
        assert before.stop - before.last >= halo
    for first, third in zip(found, found[2:], strict=False):
        assert first.last <= third.first  # never three over each other


def blurred(tile: Pixels) -> Levels:
    """Twice as large, each pixel the mean of a 9x9 neighbourhood that ends at the tile's border."""
    values = np.pad(tile.astype(np.float32), ((4, 4), (4, 4), (0, 0)))
    sums = sum(values[y : y + len(tile), x : x + tile.shape[1]] for y in range(9) for x in range(9))
    return np.asarray(sums / 81, np.float32).repeat(2, 0).repeat(2, 1)


def tiled(picture: Pixels, tiling: Tiling) -> Pixels:
    return np.concatenate(list(enlarged_strips(picture, blurred, 2, tiling)))


def whole(picture: Pixels) -> NDArray[np.int64]:
    return np.floor(blurred(picture) + 0.5).astype(np.int64)


@pytest.mark.parametrize("size", [(151, 203), (64, 64), (40, 300), (1, 1), (500, 3)])
def test_tiles_with_a_halo_as_wide_as_the_network_sees_change_nothing(size: tuple[int, int]) -> None:
    picture = noise(*size)
    made = tiled(picture, Tiling(64, halo=4, fade=8))
    assert made.shape == (2 * size[1], 2 * size[0], 3)
    assert np.abs(made - whole(picture)).max() <= 1


def test_a_halo_that_is_too_narrow_is_seen_without_a_fade() -> None:
    """What the test above would overlook, were the network blind to its surroundings."""
    picture = noise(128, 192)  # whole tiles, so that none overlap
    assert np.abs(tiled(picture, Tiling(64, halo=0, fade=0)) - whole(picture)).max() > 5


def test_no_seam_shows_on_a_smooth_ramp() -> None:
    """Neighbouring pixels of the ramp differ by at most one grey level in the whole picture; so they do across seams."""

    def uneven(tile: Pixels) -> Levels:
        """A network that makes each tile a little brighter or darker than the one before, by what is at its corner."""
        return tile.repeat(2, 0).repeat(2, 1).astype(np.float32) + (float(tile[0, 0, 0]) % 7 - 3)

    made = np.concatenate(list(enlarged_strips(ramp(256, 256), uneven, 2, Tiling(96, halo=8, fade=16)))).astype(int)
    assert np.abs(np.diff(made[..., 0], axis=0)).max() <= 2
    assert np.abs(np.diff(made[..., 0], axis=1)).max() <= 2
    cut = np.concatenate(list(enlarged_strips(ramp(256, 256), uneven, 2, Tiling(96, halo=8, fade=0)))).astype(int)
    assert np.abs(np.diff(cut[..., 0], axis=1)).max() >= 4


def test_strips_follow_each_other_and_are_never_taller_than_a_tile() -> None:
    strips = list(enlarged_strips(noise(70, 500), blurred, 2, Tiling(64, 4, 8)))
    assert sum(len(strip) for strip in strips) == 1000
    assert max(len(strip) for strip in strips) <= 2 * 64


def test_every_tile_is_told() -> None:
    told: list[int] = []
    tiling = Tiling(64, 4, 8)
    list(enlarged_strips(noise(200, 130), blurred, 2, tiling, told.append))
    assert told == list(range(1, tile_count((200, 130), tiling) + 1))
