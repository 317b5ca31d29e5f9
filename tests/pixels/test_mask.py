"""Masks from alpha, light, colour and shapes; softened, grown and brought to latent size as A1111 does."""

import numpy as np
import pytest
from PIL import Image

from danqing.base.errors import ImageError
from danqing.pixels.mask import (
    blurred,
    fitted_mask,
    grown,
    inverted,
    is_blank,
    latent_mask,
    mask_of,
    mask_of_box,
    mask_of_color,
    mask_of_polygon,
    overlay_mask,
    rounded,
)
from danqing.pixels.resize import fitted
from tests.pixels.pictures import array, disc, golden, noise

A1111 = golden("a1111_pixels")


def test_alpha_above_128_is_masked() -> None:
    pixels = np.zeros((1, 4, 4), np.uint8)
    pixels[0, :, 3] = (0, 128, 129, 255)
    assert mask_of(pixels).tolist() == [[0, 0, 255, 255]]


def test_soft_alpha_is_taken_as_it_is() -> None:
    pixels = noise(5, 4, 4)
    assert np.array_equal(mask_of(pixels, soft=True), pixels[..., 3])


@pytest.mark.parametrize("channels", [3, 4])
def test_without_transparency_the_light_counts(channels: int) -> None:
    pixels = noise(9, 7, channels)
    pixels[..., 3:] = 255
    assert np.array_equal(mask_of(pixels), np.array(Image.fromarray(pixels).convert("L")))


def test_a_grey_picture_is_a_mask_already() -> None:
    grey = noise(5, 4)[..., 0]
    assert np.array_equal(mask_of(grey), grey)


def test_blur_is_a1111s_to_the_bit() -> None:
    case = A1111["blur"]
    assert np.array_equal(blurred(array(case["mask"]), case["x"], case["y"]), array(case["expected"]))


def test_no_blur_leaves_the_mask_alone() -> None:
    mask = disc(20, 6)
    same = blurred(mask, 0, 0)
    assert np.array_equal(same, mask)
    assert not np.shares_memory(same, mask)


def test_blur_works_on_one_axis_alone() -> None:
    mask = mask_of_box((30, 30), (10, 0, 20, 30))
    assert np.array_equal(blurred(mask, 0, 5), mask)
    assert not np.array_equal(blurred(mask, 5, 0), mask)


def test_latent_masks_are_a1111s() -> None:
    case = A1111["latent"]
    mask, size = array(case["mask"]), (case["size"][0], case["size"][1])
    assert np.allclose(latent_mask(mask, size, soft=True), case["soft"], atol=1e-6)
    assert np.array_equal(latent_mask(mask, size), np.array(case["hard"], np.float32))


def test_rounding_leaves_black_and_white_only() -> None:
    assert rounded(array([[0, 1, 127, 128, 255]])).tolist() == [[0, 0, 0, 255, 255]]


def test_inverting_twice_changes_nothing() -> None:
    mask = noise(6, 5)[..., 0]
    assert inverted(mask)[2, 3] == 255 - mask[2, 3]
    assert np.array_equal(inverted(inverted(mask)), mask)


def test_the_overlay_mask_is_twice_as_strong() -> None:
    assert overlay_mask(array([[0, 1, 100, 127, 128, 200]])).tolist() == [[0, 2, 200, 254, 255, 255]]


def test_a_box_is_cut_at_the_border() -> None:
    mask = mask_of_box((6, 4), (-3, 1, 2, 9))
    assert np.argwhere(mask).tolist() == [[y, x] for y in (1, 2, 3) for x in (0, 1)]


def test_a_polygon_covers_its_area() -> None:
    mask = mask_of_polygon((100, 80), [(10, 10), (90, 10), (10, 70)])
    assert abs(np.count_nonzero(mask) - 80 * 60 / 2) < 120  # the outline itself counts
    assert mask[20, 20] == 255
    assert mask[60, 80] == 0


def test_two_corners_are_no_outline() -> None:
    with pytest.raises(ImageError, match="three corners; 2 found"):
        mask_of_polygon((9, 9), [(0, 0), (5, 5)])


def test_a_colour_is_found_within_its_tolerance() -> None:
    pixels = array([[[200, 10, 10], [210, 20, 0], [211, 10, 10], [10, 200, 10]]])
    assert mask_of_color(pixels, (200, 10, 10), 10).tolist() == [[255, 255, 0, 0]]


def test_what_is_transparent_has_no_colour() -> None:
    pixels = array([[[9, 9, 9, 255], [9, 9, 9, 0]]])
    assert mask_of_color(pixels, (9, 9, 9)).tolist() == [[255, 0]]


def test_only_a_black_mask_is_blank() -> None:
    assert is_blank(np.zeros((3, 3), np.uint8))
    assert not is_blank(array([[0, 1]]))


@pytest.mark.parametrize("pixels", [1, 4, 9])
def test_growing_moves_the_edge_by_so_many_pixels(pixels: int) -> None:
    mask = mask_of_box((60, 60), (25, 25, 35, 35))
    across = grown(mask, pixels)[30]
    assert np.flatnonzero(across).tolist() == list(range(25 - pixels, 35 + pixels))
    assert np.array_equal(grown(grown(mask, pixels), -pixels)[30], mask[30])


def test_shrinking_does_not_start_at_the_border_of_the_picture() -> None:
    assert (grown(np.full((20, 20), 255, np.uint8), -5) == 255).all()


def test_a_mask_goes_where_its_picture_goes() -> None:
    mask = noise(33, 20)[..., 0]
    picture = np.repeat(mask[..., None], 3, axis=2)
    assert np.array_equal(
        fitted_mask(mask, 40, 48, "resize and fill"), fitted(picture, 40, 48, "resize and fill")[..., 1]
    )
    assert fitted_mask(mask, 16, 24, "latent upscale").shape == (24, 16)
