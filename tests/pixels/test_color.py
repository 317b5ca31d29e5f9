"""Colour correction against scikit-image and the blend mode's formula; contrast against WCAG's own examples."""

import numpy as np
import pytest

from danqing.base.errors import RecipeError
from danqing.pixels.color import LUMA, color_of, contrast, histogram_matched, luminance, matched
from tests.pixels.pictures import array, golden, ramp

CASE = golden("a1111_pixels")["matched"]


def test_matched_colours_are_a1111s() -> None:
    assert np.array_equal(matched(array(CASE["picture"]), array(CASE["like"])), array(CASE["expected"]))


def test_matched_histograms_are_scikit_images() -> None:
    assert np.array_equal(histogram_matched(array(CASE["picture"]), array(CASE["like"])), array(CASE["histogram"]))


def test_a_tint_is_taken_back() -> None:
    picture = ramp(80, 60, grain=10)
    tinted = np.clip(picture * np.array([1.0, 0.8, 0.6]) + (0, 10, 40), 0, 255).astype(np.uint8)

    def tint(pixels: np.ndarray) -> np.ndarray:
        return (pixels - (pixels @ LUMA)[..., None]).mean(axis=(0, 1))

    off, back = np.abs(tint(tinted) - tint(picture)), np.abs(tint(matched(tinted, picture)) - tint(picture))
    assert back.max() < off.max() / 4


def test_the_picture_keeps_its_own_light() -> None:
    picture, like = ramp(60, 40, grain=5), ramp(50, 50, grain=5)[..., ::-1] // 2
    assert np.abs(matched(picture, like) @ LUMA - picture @ LUMA).max() < 1.5


def test_matching_a_picture_with_itself_changes_little() -> None:
    picture = ramp(40, 40)
    assert np.abs(matched(picture, picture).astype(int) - picture).max() <= 10  # what 8-bit LAB loses


@pytest.mark.parametrize(
    ("text", "color"),
    [("#ff8800", (255, 136, 0)), ("#f80", (255, 136, 0)), (" Orange ", (255, 165, 0)), ("rgb(1,2,3)", (1, 2, 3))],
)
def test_colours_are_read(text: str, color: tuple[int, int, int]) -> None:
    assert color_of(text) == color


@pytest.mark.parametrize("text", ["", "#12345", "no colour", "#gggggg"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="no colour"):
        color_of(text)


def test_contrast_is_wcags() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(
        4.54, abs=0.01
    )  # the palest grey for AA on white
    assert contrast((255, 0, 0), (255, 0, 0)) == 1
    assert luminance((255, 0, 0)) == pytest.approx(0.2126)
