"""Patterns: seams are measured, moved, masked and faded away."""

import numpy as np
import pytest

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.pixels.seamless import cross_faded, is_seamless, offset, repeated, seam_mask, seam_strength
from tests.pixels.pictures import noise, ramp


def waves(width: int, height: int) -> Pixels:
    """A pattern that closes on both axes."""
    y, x = np.mgrid[:height, :width]
    across, down = np.sin(2 * np.pi * 2 * x / width), np.cos(2 * np.pi * 3 * y / height)
    return np.stack([128 + 100 * across * down, 128 + 90 * across, 128 + 90 * down], -1).astype(np.uint8)


def test_a_pattern_that_closes_has_no_seam() -> None:
    assert max(seam_strength(waves(96, 64))) < 1.2
    assert is_seamless(waves(96, 64))
    assert is_seamless(noise(64, 64))


def test_a_ramp_has_a_seam_where_it_begins_again() -> None:
    grey = np.repeat(ramp(96, 64)[..., :1], 3, axis=2)  # light grows to the right only
    across, down = seam_strength(grey)
    assert across > 20
    assert down < 1.1
    assert not is_seamless(grey)


def test_a_pattern_cut_short_has_a_seam_on_that_axis_only() -> None:
    across, down = seam_strength(waves(96, 64)[:, :84])
    assert across > 3
    assert down < 1.2


def test_offset_moves_the_seam_to_the_middle_and_back() -> None:
    picture = noise(11, 6)
    moved = offset(picture)
    assert np.array_equal(moved[3, 5], picture[0, 0])
    assert np.array_equal(offset(moved, -5, -3), picture)


@pytest.mark.parametrize("width", [4, 16])
def test_fading_makes_any_texture_seamless(width: int) -> None:
    texture = ramp(96, 80, grain=14)
    assert not is_seamless(texture)
    faded = cross_faded(texture, width)
    assert faded.shape == (80 - width, 96 - width, 3)
    assert max(seam_strength(faded)) < 1.5
    assert np.array_equal(faded[width:-width, width:-width], texture[width : -2 * width, width : -2 * width])


def test_fading_keeps_the_contrast_of_a_texture() -> None:
    faded = cross_faded(noise(96, 96), 32)
    assert faded[:32, :32].std() > 0.8 * faded[40:].std()


def test_the_cross_covers_the_moved_seam() -> None:
    mask = seam_mask((60, 40), 12)
    assert (mask[:, 29:31] == 255).all()
    assert (mask[19:21] == 255).all()
    assert not mask[:12, :22].any()
    assert np.array_equal(mask, mask[::-1, ::-1])


def test_repeats_stand_side_by_side() -> None:
    picture = noise(5, 4)
    shown = repeated(picture, 3, 2)
    assert shown.shape == (8, 15, 3)
    assert np.array_equal(shown[4:, 10:], picture)


def test_a_half_drop_moves_every_other_column() -> None:
    picture = noise(5, 4)
    shown = repeated(picture, 2, 2, half_drop=True)
    assert np.array_equal(shown[2:6, 5:], picture)
    assert np.array_equal(shown[:4, :5], picture)


@pytest.mark.parametrize("shape", [(0, 1), (100_000, 100_000)])
def test_impossible_repeats_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="too many or too few"):
        repeated(noise(4, 4), *shape)


@pytest.mark.parametrize("width", [0, 11])
def test_an_overlap_wider_than_half_the_picture_is_refused(width: int) -> None:
    with pytest.raises(ImageError, match="1 to 10 are possible"):
        cross_faded(noise(30, 20), width)
