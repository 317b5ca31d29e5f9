"""Fitting pictures into frames as A1111 does, against the golden geometry; resampling that keeps what it must."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture_parts import ResizeMode
from danqing.pixels.resize import enlarged, fit, fitted, resize

GOLDEN = Path(__file__).parents[1] / "golden"
GEOMETRY = json.loads((GOLDEN / "a1111_resize_geometry.json").read_text(encoding="utf-8"))
ROUNDING = [
    case
    for case in json.loads((GOLDEN / "size_rounding.json").read_text(encoding="utf-8"))["cases"]
    if case["kind"] == "resize_mode"
]
MODES: tuple[ResizeMode, ...] = ("just resize", "crop and resize", "resize and fill", "latent upscale")


def picture(width: int, height: int, channels: int = 3) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("case", GEOMETRY)
def test_geometry_is_a1111s(case: dict[str, Any]) -> None:
    found = fit(tuple(case["image"]), tuple(case["target"]), MODES[case["mode"]])
    assert [list(found.scaled), list(found.at)] == [case["resize"], case["box"]]


@pytest.mark.parametrize("case", ROUNDING, ids=[case["id"] for case in ROUNDING])
def test_geometry_of_the_second_list(case: dict[str, Any]) -> None:
    asked, expected = case["in"], case["expected"]
    found = fit(tuple(asked["image"]), tuple(asked["target"]), MODES[asked["mode"]])
    assert [list(found.scaled), list(found.at)] == [expected["scaled"], expected["paste_at"]]


@pytest.mark.parametrize("mode", MODES[:3])
@pytest.mark.parametrize("size", [(33, 100), (100, 33), (64, 64), (1, 50), (257, 3)])
@pytest.mark.parametrize("frame", [(64, 64), (65, 31), (7, 90)])
def test_the_frame_is_always_full(mode: ResizeMode, size: tuple[int, int], frame: tuple[int, int]) -> None:
    assert fitted(picture(*size), *frame, mode).shape == (frame[1], frame[0], 3)


def test_crop_and_resize_keeps_the_middle() -> None:
    pixels = np.zeros((10, 30, 3), np.uint8)
    pixels[:, 10:20] = 200
    assert (fitted(pixels, 10, 10, "crop and resize", "Nearest") == 200).all()


def test_resize_and_fill_stretches_the_edges() -> None:
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[0], pixels[-1] = 10, 90
    filled = fitted(pixels, 8, 11, "resize and fill", "Nearest")
    assert (filled[:3] == 10).all()
    assert (filled[-4:] == 90).all()


def test_latent_upscale_leaves_pixels_alone() -> None:
    pixels = picture(20, 10)
    assert np.array_equal(fitted(pixels, 40, 40, "latent upscale"), pixels)


def test_nearest_repeats_pixels() -> None:
    pixels = picture(5, 7)
    assert np.array_equal(enlarged(pixels, 3, "Nearest"), pixels.repeat(3, axis=0).repeat(3, axis=1))


def test_lanczos_keeps_a_flat_colour() -> None:
    assert (resize(np.full((9, 9, 3), 77, np.uint8), 40, 31) == 77).all()


def test_hidden_colours_do_not_bleed() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4] = (255, 0, 0, 255)
    pixels[:, 4:] = (0, 255, 0, 0)
    small = resize(pixels, 3, 3)
    visible = small[small[..., 3] > 20]
    assert (visible[:, 1] < 10).all()


def test_the_same_size_is_the_same_picture_but_not_the_same_memory() -> None:
    pixels = picture(6, 5)
    same = resize(pixels, 6, 5)
    assert np.array_equal(same, pixels)
    assert not np.shares_memory(same, pixels)


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(RecipeError, match="did you mean Lanczos"):
        resize(picture(4, 4), 8, 8, "Lanzcos")


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (10**6, 10**6)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match="16384"):
        resize(picture(4, 4), *size)
