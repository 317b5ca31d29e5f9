"""The part that "only masked" paints: A1111's boxes, and the way out and back."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.pixels.crop import crop_region, cropped, cropped_mask, expanded_to, uncropped
from danqing.pixels.mask import Box, mask_of_box
from tests.pixels.pictures import golden, noise, ramp


@pytest.mark.parametrize("case", golden("a1111_crop_region"))
def test_boxes_are_a1111s(case: dict[str, Any]) -> None:
    size = (case["image"][0], case["image"][1])
    left, top, right, bottom = case["mask_box"] or (0, 0, 0, 0)
    box: Box = (left, top, right, bottom)
    found = crop_region(mask_of_box(size, box), case["pad"])
    assert (list(found) if found else None) == case["crop"]
    if found:
        width, height = case["process"]
        assert list(expanded_to(found, width, height, size[0], size[1])) == case["expanded"]


@given(
    st.tuples(st.integers(8, 300), st.integers(8, 300)),
    st.tuples(st.integers(64, 768), st.integers(64, 768)),
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.integers(0, 64),
)
def test_a_widened_box_holds_the_mask_and_stays_in_the_picture(
    size: tuple[int, int], frame: tuple[int, int], corners: list[float], padding: int
) -> None:
    left, right = sorted(int(part * (size[0] - 1)) for part in corners[:2])
    top, bottom = sorted(int(part * (size[1] - 1)) for part in corners[2:])
    found = crop_region(mask_of_box(size, (left, top, right + 1, bottom + 1)), padding)
    assert found is not None
    box = expanded_to(found, *frame, *size)
    assert 0 <= box[0] <= left < right + 1 <= box[2] <= size[0]
    assert 0 <= box[1] <= top < bottom + 1 <= box[3] <= size[1]


def test_a_box_of_the_right_size_goes_out_and_comes_back_unchanged() -> None:
    pixels, box = noise(40, 30), (5, 3, 29, 19)
    part = cropped(pixels, box, 24, 16)
    back = uncropped(part, box, 40, 30)
    assert np.array_equal(back[3:19, 5:29, :3], pixels[3:19, 5:29])
    assert (back[3:19, 5:29, 3] == 255).all()


def test_around_the_box_nothing_comes_back() -> None:
    back = uncropped(noise(16, 16), (5, 3, 29, 19), 40, 30)
    outside = mask_of_box((40, 30), (5, 3, 29, 19)) == 0
    assert not back[outside].any()


def test_a_box_of_another_shape_comes_back_in_its_place() -> None:
    pixels, box = ramp(90, 60), (10, 20, 80, 40)  # 70x20 within 64x64: edges are filled in, and cut off again
    back = uncropped(cropped(pixels, box, 64, 64), box, 90, 60)
    difference = np.abs(back[22:38, 12:78, :3].astype(int) - pixels[22:38, 12:78])
    assert difference.max() <= 6


def test_a_mask_is_cut_like_its_picture() -> None:
    mask = mask_of_box((90, 60), (20, 25, 60, 35))
    box = (10, 20, 80, 40)
    assert np.array_equal(
        cropped_mask(mask, box, 64, 64), cropped(np.repeat(mask[..., None], 3, axis=2), box, 64, 64)[..., 0]
    )
