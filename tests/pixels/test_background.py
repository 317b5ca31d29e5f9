"""Subjects cut out of backgrounds that the tests made: alpha, outline and colours are known, and held against what is found."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from danqing.base.picture import Pixels
from danqing.pixels.background import PLAIN, cut_out, cut_out_by
from danqing.pixels.fill import flattened
from tests.pixels.pictures import noise

SIZE = 160


def subject(*, outline: bool = True) -> Pixels:
    """A figure of two colours with an eye of white and a dark outline, smooth at its edges, (SIZE, SIZE, 4)."""
    big = Image.new("RGBA", (SIZE * 4, SIZE * 4))
    draw = ImageDraw.Draw(big)
    edge = {"outline": (30, 20, 40, 255), "width": 14} if outline else {}
    draw.ellipse((160, 120, 480, 440), fill=(230, 90, 60, 255), **edge)
    draw.polygon([(200, 420), (440, 420), (500, 600), (140, 600)], fill=(60, 90, 200, 255))
    draw.ellipse((260, 220, 340, 300), fill=(255, 255, 255, 255))
    small = big.convert("RGBa").resize((SIZE, SIZE), Image.Resampling.BOX).convert("RGBA")
    return np.array(small, dtype=np.uint8)


def backgrounds() -> dict[str, Pixels]:
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    gradient = np.stack([120 + 80 * y, 200 - 60 * x, 90 + 60 * x * y], -1)
    grain = np.random.default_rng(0).normal(0, 4, (SIZE, SIZE, 3))
    flat = {"white": (255, 255, 255), "green": (20, 160, 70), "grey": (128, 128, 128)}
    made = {name: np.broadcast_to(np.array(color, float), (SIZE, SIZE, 3)) for name, color in flat.items()}
    made |= {"gradient": gradient, "grainy": gradient + grain}
    return {name: np.clip(levels, 0, 255).astype(np.uint8) for name, levels in made.items()}


def on(figure: Pixels, background: Pixels) -> Pixels:
    alpha = figure[..., 3:] / 255
    return np.rint(figure[..., :3] * alpha + background * (1 - alpha)).astype(np.uint8)


def overlap(found: NDArray[Any], true: NDArray[Any]) -> float:
    return float(np.minimum(found, true).sum() / np.maximum(found, true).sum())


@pytest.mark.parametrize("name", backgrounds())
@pytest.mark.parametrize("outline", [True, False])
def test_the_subject_is_found_with_its_alpha(name: str, outline: bool) -> None:
    figure = subject(outline=outline)
    cutout = cut_out(on(figure, backgrounds()[name]))
    found, true = cutout.pixels[..., 3].astype(float), figure[..., 3].astype(float)
    edge = (true > 0) & (true < 255)
    assert overlap(found, true) > 0.985
    assert np.abs(found - true)[edge].mean() < 45
    assert cutout.plainness > 0.95


@pytest.mark.parametrize("name", backgrounds())
def test_on_another_ground_no_old_background_shows(name: str) -> None:
    figure = subject()
    cutout = cut_out(on(figure, backgrounds()[name])).pixels
    for ground in ("#ff00ff", "#000000"):
        difference = np.abs(flattened(cutout, ground).astype(int) - flattened(figure, ground)).max(axis=2)
        edge = (figure[..., 3] > 0) & (figure[..., 3] < 255)
        assert difference[edge].mean() < 40
        assert difference[~edge].mean() < 2


def test_the_white_of_an_eye_stays_on_white() -> None:
    cutout = cut_out(on(subject(), backgrounds()["white"])).pixels
    assert (cutout[58:72, 68:82] == 255).all()


def test_holes_are_taken_out_when_asked() -> None:
    cutout = cut_out(on(subject(), backgrounds()["white"]), holes=True).pixels
    assert (cutout[60:70, 70:80, 3] == 0).all()


def test_a_subject_that_touches_the_border_is_no_background() -> None:
    figure = np.zeros((SIZE, SIZE, 4), np.uint8)
    figure[70:, 30:130] = (200, 60, 40, 255)  # a fifth of the border
    cutout = cut_out(on(figure, backgrounds()["gradient"]))
    assert overlap(cutout.pixels[..., 3].astype(float), figure[..., 3].astype(float)) > 0.98
    assert cutout.plainness < 0.9


def test_specks_in_the_background_go() -> None:
    picture = on(subject(), backgrounds()["green"])
    picture[10:13, 10:13] = (250, 250, 0)
    assert not cut_out(picture).pixels[5:20, 5:20, 3].any()


def test_a_busy_background_is_not_called_plain_but_cut_all_the_same() -> None:
    y, x = np.mgrid[:SIZE, :SIZE]
    waves = np.stack([120 + 60 * np.sin(x / 9), 160 + 60 * np.sin(y / 7), 40 + 20 * np.sin((x + y) / 11)], -1)
    figure = subject()
    cutout = cut_out(on(figure, waves.astype(np.uint8)))
    assert cutout.plainness < PLAIN
    assert overlap(cutout.pixels[..., 3].astype(float), figure[..., 3].astype(float)) > 0.8


def test_the_same_picture_is_cut_the_same_way() -> None:
    picture = on(subject(), noise(SIZE, SIZE))
    assert np.array_equal(cut_out(picture).pixels, cut_out(picture).pixels)


def test_a_picture_of_nothing_but_background_leaves_nothing() -> None:
    assert not cut_out(backgrounds()["gradient"]).pixels[..., 3].any()


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 7)])
def test_tiny_pictures_are_cut_too(size: tuple[int, int]) -> None:
    assert cut_out(noise(*size)).pixels.shape == (size[1], size[0], 4)


def test_a_rough_mask_is_made_smooth() -> None:
    figure = subject()
    rough = np.where(figure[..., 3] > 127, 255, 0).astype(np.uint8)
    found = cut_out_by(on(figure, backgrounds()["grainy"]), rough)[..., 3].astype(float)
    assert overlap(found, figure[..., 3].astype(float)) > 0.97


def test_a_blank_mask_cuts_everything_away() -> None:
    assert not cut_out_by(noise(9, 9), np.zeros((9, 9), np.uint8)).any()
