"""Painted parts in their originals: what isn't masked comes back byte for byte."""

import numpy as np
import pytest

from danqing.base.errors import ImageError
from danqing.pixels.blend import overlaid, paste
from danqing.pixels.crop import crop_region, cropped, expanded_to
from danqing.pixels.mask import blurred, mask_of_box
from tests.pixels.pictures import array, disc, golden, noise


def test_an_overlay_is_a1111s_within_its_rounding() -> None:
    case = golden("a1111_pixels")["overlay"]
    ours = overlaid(array(case["painted"]), array(case["original"]), array(case["mask"])).astype(int)
    assert np.abs(ours - array(case["expected"])).max() <= 1  # A1111 rounds twice on its way


def test_black_is_the_original_and_white_the_painted_picture() -> None:
    painted, original, mask = noise(40, 40, seed=1), noise(40, 40, seed=2), blurred(disc(40, 12), 3, 3)
    result = overlaid(painted, original, mask)
    assert np.array_equal(result[mask == 0], original[mask == 0])
    assert np.array_equal(result[mask == 255], painted[mask == 255])
    assert (mask == 255).any()


def test_alpha_is_blended_too() -> None:
    painted, original = noise(6, 6, 4, seed=1), noise(6, 6, 4, seed=2)
    assert np.array_equal(overlaid(painted, original, np.full((6, 6), 255, np.uint8)), painted)


@pytest.mark.parametrize("trial", range(40))
def test_outside_of_a_pasted_box_nothing_changes(trial: int) -> None:
    luck = np.random.default_rng(trial)
    width, height = (int(side) for side in luck.integers(40, 200, 2))
    left, top = (int(luck.integers(0, side - 16)) for side in (width, height))
    right, bottom = int(luck.integers(left + 16, width + 1)), int(luck.integers(top + 16, height + 1))
    mask = mask_of_box((width, height), (left, top, right, bottom))
    soft = blurred(mask, float(luck.integers(0, 9)), float(luck.integers(0, 9)))
    frame = [int(side) * 8 for side in luck.integers(4, 20, 2)]
    original = noise(width, height, seed=trial)
    region = crop_region(soft, int(luck.integers(0, 64)))
    assert region is not None
    box = expanded_to(region, frame[0], frame[1], width, height)
    painted = noise(frame[0], frame[1], seed=trial + 1000)
    assert cropped(original, box, frame[0], frame[1]).shape == painted.shape
    result = paste(original, painted, box, soft)
    assert np.array_equal(result[soft == 0], original[soft == 0])
    assert not np.array_equal(result[soft > 64], original[soft > 64])


def test_a_mask_beyond_the_box_pastes_nothing_there() -> None:
    original = noise(30, 20)
    result = paste(original, noise(8, 8, seed=1), (4, 4, 12, 12), np.full((20, 30), 255, np.uint8))
    outside = mask_of_box((30, 20), (4, 4, 12, 12)) == 0
    assert np.array_equal(result[outside], original[outside])


def test_pictures_of_different_sizes_are_named() -> None:
    with pytest.raises(ImageError, match=r"8x6x3.*9x6x3.*8x6"):
        overlaid(noise(8, 6), noise(9, 6), np.zeros((6, 8), np.uint8))
