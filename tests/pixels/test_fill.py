"""A1111's masked content "fill", and grounds under transparent pictures."""

import numpy as np
import pytest
from PIL import Image

from danqing.base.errors import RecipeError
from danqing.pixels.fill import filled, flattened
from danqing.pixels.mask import mask_of_box
from tests.pixels.pictures import array, golden, noise


def test_the_fill_is_a1111s() -> None:
    case = golden("a1111_pixels")["fill"]
    assert np.array_equal(filled(array(case["picture"]), array(case["mask"])), array(case["expected"]))


def test_what_is_not_masked_stays() -> None:
    pixels, mask = noise(80, 60), mask_of_box((80, 60), (20, 10, 50, 40))
    assert np.array_equal(filled(pixels, mask)[mask == 0], pixels[mask == 0])


def test_the_fill_takes_the_colour_of_its_nearer_side() -> None:
    pixels = np.full((64, 96, 3), (200, 0, 0), np.uint8)
    pixels[:, 48:] = (0, 0, 200)
    inside = filled(pixels, mask_of_box((96, 64), (28, 12, 68, 52)))[32, 28:68]
    assert inside[2, 0] > 150 > 50 > inside[2, 2]
    assert inside[-3, 2] > 150 > 50 > inside[-3, 0]


def test_one_colour_is_filled_with_itself() -> None:
    pixels = np.full((40, 40, 3), (90, 120, 30), np.uint8)
    difference = filled(pixels, mask_of_box((40, 40), (5, 5, 35, 35))).astype(int) - pixels
    assert np.abs(difference).max() <= 6  # what A1111's 8 bits lose in thin layers


def test_where_everything_is_masked_nothing_is_known() -> None:
    assert not filled(noise(9, 9), np.full((9, 9), 255, np.uint8)).any()


def test_a_ground_lies_under_transparent_pixels() -> None:
    pixels = noise(20, 20, 4)
    ground = Image.new("RGBA", (20, 20), "#3050ff")
    ground.alpha_composite(Image.fromarray(pixels))
    difference = flattened(pixels, "#3050ff").astype(int) - np.array(ground.convert("RGB"))
    assert np.abs(difference).max() <= 1


def test_a_picture_without_alpha_needs_no_ground() -> None:
    pixels = noise(5, 4)
    assert np.array_equal(flattened(pixels), pixels)


def test_a_ground_of_no_colour_is_refused() -> None:
    with pytest.raises(RecipeError, match="#rrggbb"):
        flattened(noise(2, 2, 4), "somewhat red")
