"""Damage that the tests made is found and mended; what is no damage is left alone."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from danqing.base.picture import Pixels
from danqing.pixels.mask import Mask, grown
from danqing.pixels.restore import (
    Damage,
    brightened,
    denoised,
    dust_mask,
    grain,
    is_monochrome,
    mended,
    scratch_mask,
    unfaded,
    with_colors_of,
)
from tests.pixels.pictures import noise, ramp

SIDE = 240


def scene(noise_level: float = 4.0) -> Pixels:
    """A house under the sun: edges, corners, a disc, fields of one colour, and grain."""
    image = Image.new("RGB", (SIDE, SIDE), (150, 170, 190))
    draw = ImageDraw.Draw(image)
    draw.rectangle((50, 110, 170, 220), fill=(120, 90, 70))
    draw.polygon([(40, 110), (110, 50), (180, 110)], fill=(90, 60, 50))
    draw.rectangle((80, 140, 110, 170), fill=(200, 200, 170))
    draw.ellipse((180, 20, 220, 60), fill=(220, 210, 150))
    return np.clip(np.array(image) + np.random.default_rng(5).normal(0, noise_level, (SIDE, SIDE, 1)), 0, 255).astype(
        np.uint8
    )


def scratched(pixels: Pixels) -> tuple[Pixels, Mask]:
    image, truth = Image.fromarray(pixels), Image.new("L", (SIDE, SIDE))
    lines = [
        ([(20, 10), (24, 230)], (250, 245, 240), 2),
        ([(230, 70), (120, 235)], (20, 15, 10), 1),
        ([(60, 30), (235, 190)], (245, 245, 240), 1),
    ]
    for points, color, width in lines:
        ImageDraw.Draw(image).line(points, color, width)
        ImageDraw.Draw(truth).line(points, 255, width)
    return np.array(image), np.array(truth)


def dusty(pixels: Pixels) -> tuple[Pixels, Mask]:
    image, truth = Image.fromarray(pixels), Image.new("L", (SIDE, SIDE))
    for x, y in np.random.default_rng(2).integers(8, SIDE - 8, (25, 2)).tolist():
        for drawn, color in ((image, (250, 250, 245)), (truth, 255)):
            ImageDraw.Draw(drawn).ellipse((x - 1, y - 1, x + 1, y + 1), color)
    return np.array(image), np.array(truth)


def test_scratches_are_found() -> None:
    picture, truth = scratched(scene())
    found = scratch_mask(picture)
    assert (found[truth > 0] > 0).mean() > 0.9
    assert (grown(truth, 4)[found > 0] > 0).mean() > 0.9


def test_edges_are_no_scratches() -> None:
    assert (scratch_mask(scene()) > 0).mean() < 0.002


def test_sensitivity_finds_more() -> None:
    picture, _ = scratched(scene(12))
    shares = [(scratch_mask(picture, Damage(sensitivity=s)) > 0).mean() for s in (0.1, 0.5, 0.8)]
    assert shares[0] < shares[1] < shares[2]


def test_broad_bands_are_no_scratches() -> None:
    picture = scene()
    picture[:, 60:80] = (240, 240, 240)
    assert not scratch_mask(picture)[20:100, 55:85].any()


def test_specks_of_dust_are_found() -> None:
    picture, truth = dusty(scene())
    found = dust_mask(picture)
    assert (found[truth > 0] > 0).mean() > 0.85
    assert (grown(truth, 3)[found > 0] > 0).mean() > 0.7  # the corners of the house are small and bright too


def test_a_scratch_is_no_dust() -> None:
    picture, truth = scratched(scene())
    assert (dust_mask(picture)[truth > 0] > 0).mean() < 0.3


def test_mending_brings_the_picture_back() -> None:
    clean = scene(0)
    picture, truth = scratched(clean)
    result = mended(picture, grown(truth, 1))
    before, after = (np.abs(each.astype(int) - clean)[truth > 0].mean() for each in (picture, result))
    assert after < before / 8
    outside = grown(truth, 1) == 0
    assert np.array_equal(result[outside], picture[outside])


def test_nothing_masked_is_nothing_mended() -> None:
    picture = scene()
    assert np.array_equal(mended(picture, np.zeros((SIDE, SIDE), np.uint8)), picture)


@pytest.mark.parametrize("sigma", [3.0, 8.0, 15.0])
def test_grain_is_measured(sigma: float) -> None:
    assert grain(scene(sigma)) == pytest.approx(sigma, rel=0.12)


def test_edges_are_no_grain() -> None:
    assert grain(scene(0)) < 0.5


def test_denoising_takes_most_of_the_grain_and_keeps_the_edges() -> None:
    clean, noisy = scene(0).astype(float), scene(10)
    result = denoised(noisy)
    assert np.abs(result - clean).mean() < np.abs(noisy - clean).mean() / 2.5
    edge = result[180, 45:56].astype(float).mean(axis=1)
    assert edge[0] - edge[-1] > 0.8 * (clean[180, 45].mean() - clean[180, 55].mean())


def test_a_clean_picture_stays_as_it_is() -> None:
    assert np.array_equal(denoised(scene(0)), scene(0))
    assert np.array_equal(denoised(scene(10), 0), scene(10))


def test_a_faded_picture_gets_its_range_back() -> None:
    faded = (ramp(120, 90) * 0.4 + (90, 60, 40)).astype(np.uint8)
    result = unfaded(faded)
    for channel in range(3):
        low, high = np.quantile(result[..., channel], (0.01, 0.99))
        assert low < 8
        assert high > 247
    assert np.abs(result.astype(int) - ramp(120, 90)).mean() < 6


def sepia(strength: float = 1.0) -> Pixels:
    light = ramp(120, 90).mean(axis=2, keepdims=True)
    return np.clip(light * (np.array([1.0, 0.85, 0.65]) * strength) + 30, 0, 255).astype(np.uint8)


def test_sepia_stays_sepia() -> None:
    result = unfaded(sepia(0.5)).astype(int)
    assert (result[..., 0] - result[..., 2]).mean() > 20
    assert np.ptp(result.mean(axis=2)) > 180


def test_a_tint_can_be_kept() -> None:
    warm = (ramp(120, 90) * 0.4 + (90, 60, 40)).astype(np.uint8)
    kept, lost = (unfaded(warm, keep_tint=keep).mean(axis=(0, 1)) for keep in (True, False))
    assert kept[0] - kept[2] > lost[0] - lost[2] + 30


def test_an_all_grey_picture_is_not_torn_apart() -> None:
    flat = np.full((30, 30, 3), 120, np.uint8)
    assert np.abs(unfaded(flat).astype(int) - flat).max() <= 1


def test_a_dark_picture_becomes_brighter_between_black_and_white() -> None:
    dark = ramp(100, 100) // 4
    dark[0, 0], dark[0, 1] = 0, 255
    result = brightened(dark)
    assert result.mean() > dark.mean() * 1.3
    assert (result[0, 0] == 0).all()
    assert (result[0, 1] == 255).all()


def test_one_tint_is_monochrome_and_colours_are_not() -> None:
    grey = np.repeat(noise(60, 60)[..., :1], 3, axis=2)
    assert is_monochrome(grey)
    assert is_monochrome(sepia())
    assert not is_monochrome(ramp(60, 60))


def test_colours_of_another_picture_come_over_and_the_light_stays() -> None:
    grey = np.repeat(ramp(80, 60)[..., :1] // 2 + 64, 3, axis=2)
    blue = np.zeros((15, 20, 3), np.uint8)
    blue[:] = (70, 110, 170)
    result = with_colors_of(grey, blue).astype(int)
    assert (result[..., 2] > result[..., 0] + 20).all()
    assert np.abs(result @ (0.299, 0.587, 0.114) - grey[..., 0]).mean() < 8
    assert np.abs(with_colors_of(grey, grey[::2, ::2]).astype(int) - grey).max() <= 3


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (5, 3)])
def test_tiny_pictures_do_no_harm(size: tuple[int, int]) -> None:
    picture = noise(*size)
    for found in (scratch_mask(picture), dust_mask(picture)):
        assert found.shape == (size[1], size[0])
    assert denoised(picture).shape == unfaded(picture).shape == picture.shape
