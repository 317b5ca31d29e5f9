from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from danqing.base.picture import Pixels
from danqing.pixels.strips import resampled, whole


def picture(width: int, height: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def in_strips(pixels: Pixels, heights: list[int]) -> list[Pixels]:
    edges = np.cumsum([0, *heights])
    return [pixels[start:end] for start, end in pairwise(edges)]


SIZES = [(90, 60), (299, 211), (301, 241), (300, 240), (300, 500), (77, 480), (1200, 13), (1, 1)]
LANCZOS = Image.Resampling.LANCZOS


@pytest.mark.parametrize("to", SIZES)
@pytest.mark.parametrize("heights", [[240], [100, 100, 40], [7] * 34 + [2]])
def test_strips_are_resampled_as_the_whole_is(to: tuple[int, int], heights: list[int]) -> None:
    pixels = picture(300, 240)
    made = np.concatenate(list(resampled(iter(in_strips(pixels, heights)), (300, 240), to)))
    wanted = np.asarray(Image.fromarray(pixels).resize((to[0], 240), LANCZOS).resize(to, LANCZOS))
    assert made.shape == wanted.shape
    assert np.abs(made.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("to", SIZES)
def test_without_overshooting_it_is_what_pillow_makes_in_one_go(to: tuple[int, int]) -> None:
    pixels = picture(300, 240) // 4 + 96
    made = np.concatenate(list(resampled(iter(in_strips(pixels, [80] * 3)), (300, 240), to)))
    assert np.abs(made.astype(int) - np.asarray(Image.fromarray(pixels).resize(to, LANCZOS))).max() <= 2


def test_a_strip_is_given_as_soon_as_its_rows_are_known() -> None:
    strips = iter(in_strips(picture(50, 400), [40] * 10))
    seen = [len(next(made)) for made in [resampled(strips, (50, 400), (25, 200))]]
    assert 0 < seen[0] < 40
    assert len(list(strips)) == 9


def test_the_whole_is_put_together_from_strips() -> None:
    pixels = picture(30, 50)
    assert np.array_equal(whole(iter(in_strips(pixels, [20, 1, 29])), (30, 50)), pixels)
