"""Canvases: their geometry, what their margins begin with, and originals that stay byte for byte."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.base.errors import ImageError, RecipeError
from danqing.pixels.blend import overlaid
from danqing.pixels.outpaint import (
    DIRECTIONS,
    Ground,
    Margins,
    ShapedNoise,
    extended,
    margins_into,
    margins_of,
    seam_mask,
    shaped_noise,
    zoomed_out,
)
from tests.pixels.pictures import noise, ramp

GROUNDS = get_args(Ground)


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("margins", [Margins(8, 0, 0, 0), Margins(0, 16, 3, 0), Margins(40, 30, 20, 50)])
def test_the_original_lies_unchanged_on_its_canvas(ground: Ground, margins: Margins) -> None:
    pixels = noise(48, 32)
    canvas = extended(pixels, margins, ground)
    left, top, right, bottom = canvas.kept
    assert canvas.pixels.shape == (32 + margins.top + margins.bottom, 48 + margins.left + margins.right, 3)
    assert np.array_equal(canvas.pixels[top:bottom, left:right], pixels)
    assert not canvas.mask[top:bottom, left:right].any()
    assert (canvas.mask == 255).sum() == canvas.mask.size - 48 * 32


def test_whatever_is_painted_the_original_comes_back() -> None:
    pixels = noise(48, 32)
    canvas = extended(pixels, Margins(8, 8, 8, 8), "edge", seam=6)
    result = overlaid(noise(64, 48, seed=9), canvas.pixels, canvas.mask)
    assert np.array_equal(result[8 + 6 : 40 - 6, 8 + 6 : 56 - 6], pixels[6:-6, 6:-6])


def test_a_seam_falls_off_inside_of_new_edges_only() -> None:
    mask = seam_mask((60, 40), (20, 0, 60, 40), 8)
    assert (mask[:, :20] == 255).all()
    assert (mask[:, 28:] == 0).all()
    step = mask[5, 19:29].astype(int)
    assert (np.diff(step) < 0).all()
    assert (mask == mask[0]).all()


@pytest.mark.parametrize("ground", GROUNDS)
def test_one_colour_goes_on_as_it_is(ground: Ground) -> None:
    pixels = np.full((40, 40, 3), (90, 120, 30), np.uint8)
    far = extended(pixels, Margins(24, 24, 24, 24), ground).pixels.astype(int) - pixels[0, 0]
    assert np.abs(far).max() <= 1


def test_every_side_begins_with_its_own_colours() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = (220, 30, 30), (30, 30, 220)
    for ground in GROUNDS:
        around = extended(pixels, Margins(16, 0, 16, 0), ground).pixels.astype(int)
        assert (around[:, 2:14, 0] > around[:, 2:14, 2] + 30).all(), ground
        assert (around[:, -14:-2, 2] > around[:, -14:-2, 0] + 30).all(), ground


def test_noise_has_the_colours_of_its_picture() -> None:
    pixels = np.concatenate([ramp(96, 48, 8), ramp(96, 48, 8)[..., ::-1] // 2])
    made = shaped_noise(pixels, (160, 120), ShapedNoise(seed=1)).reshape(-1, 3).astype(float)
    like = pixels.reshape(-1, 3).astype(float)
    assert np.abs(made.mean(axis=0) - like.mean(axis=0)).max() < 4
    axis = np.linalg.svd(np.cov(like.T))[0][:, 0]
    shares = np.linspace(0.02, 0.98, 25)
    assert np.abs(np.quantile(made @ axis, shares) - np.quantile(like @ axis, shares)).max() < 6


def test_more_variation_spreads_the_colours_as_wide_as_in_the_picture() -> None:
    pixels = np.concatenate([ramp(96, 48, 8), ramp(96, 48, 8)[..., ::-1] // 2])
    whole = np.cov(pixels.reshape(-1, 3).astype(float).T).trace()
    narrow, wide = (
        np.cov(shaped_noise(pixels, (120, 90), ShapedNoise(color_variation=v)).reshape(-1, 3).astype(float).T).trace()
        for v in (0.0, 1.0)
    )
    assert narrow < wide
    assert wide == pytest.approx(whole, rel=0.08)


def test_noise_invents_no_third_colour_between_two() -> None:
    pixels = np.full((64, 64, 3), (30, 60, 230), np.uint8)
    pixels[20:44, 20:44] = (240, 220, 20)
    made = shaped_noise(pixels, (64, 64), ShapedNoise(color_variation=0)).astype(int)
    far = np.minimum(*(np.abs(made - color).max(axis=2) for color in (pixels[0, 0], pixels[32, 32])))
    assert (far <= 2).mean() > 0.99


def roughness(pixels: np.ndarray) -> float:
    """Difference of neighbours, beside the deviation of all."""
    levels = pixels.astype(float)
    return float(np.abs(np.diff(levels, axis=1)).mean() / levels.std())


def test_noise_is_as_fine_as_its_picture() -> None:
    coarse, fine = ramp(96, 96), noise(96, 96)
    assert roughness(shaped_noise(fine, (96, 96), ShapedNoise())) > 4 * roughness(
        shaped_noise(coarse, (96, 96), ShapedNoise())
    )


def test_the_falloff_makes_noise_coarser() -> None:
    rough = [roughness(shaped_noise(ramp(96, 96, 4), (96, 96), ShapedNoise(falloff=q))) for q in (0.0, 0.5, 1.0, 2.0)]
    assert rough == sorted(rough, reverse=True)


def test_the_same_seed_makes_the_same_noise() -> None:
    one, two, other = (shaped_noise(ramp(40, 40, 9), (40, 40), ShapedNoise(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


@given(
    st.tuples(st.integers(1, 900), st.integers(1, 900)),
    st.sets(st.sampled_from(DIRECTIONS), min_size=1),
    st.integers(1, 256),
    st.sampled_from([1, 8, 64]),
)
def test_margins_bring_extended_axes_to_a_multiple(
    size: tuple[int, int], directions: set[str], pixels: int, multiple: int
) -> None:
    margins = margins_of(size, directions, pixels, multiple)
    sides = dict(zip(DIRECTIONS, (margins.left, margins.top, margins.right, margins.bottom), strict=True))
    assert all((sides[name] >= pixels) == (name in directions) for name in DIRECTIONS)
    for side, names, whole in zip(size, (("left", "right"), ("up", "down")), margins.around(size), strict=True):
        asked = sum(pixels for name in names if name in directions)
        assert whole == side if not asked else whole % multiple == 0 and side + asked <= whole < side + asked + multiple


@pytest.mark.parametrize("factor", [1.1, 1.5, 2.0, 3.7])
def test_zooming_out_keeps_the_size(factor: float) -> None:
    small, margins = zoomed_out(ramp(128, 96), factor)
    assert margins.around((small.shape[1], small.shape[0])) == (128, 96)
    assert small.shape[1] == round(128 / factor)
    assert abs(margins.left - margins.right) <= 1


def test_an_anchor_says_where_the_picture_lies() -> None:
    assert margins_into((10, 10), (30, 20), (0, 1)) == Margins(0, 10, 20, 0)
    assert margins_into((10, 10), (30, 20)) == Margins(10, 5, 10, 5)


def test_what_cannot_be_extended_is_refused() -> None:
    with pytest.raises(RecipeError, match="did you mean left"):
        margins_of((8, 8), ["lefft"], 8)
    with pytest.raises(RecipeError, match="nothing to extend"):
        margins_of((8, 8), [], 8)
    with pytest.raises(RecipeError, match="less than nothing"):
        Margins(left=-1)
    with pytest.raises(RecipeError, match="smaller first"):
        margins_into((64, 64), (32, 96))
    with pytest.raises(RecipeError, match="shows nothing more"):
        zoomed_out(ramp(8, 8), 1.0)
    with pytest.raises(ImageError, match="too large"):
        extended(ramp(8, 8), Margins(100_000, 100_000, 0, 0))
