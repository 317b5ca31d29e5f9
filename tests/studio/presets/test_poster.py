"""Posters of one character; poses of somebody else, and poses that are none, are said."""

import numpy as np
import pytest

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.pixels.files import read_picture
from danqing.pixels.layout import page_named
from danqing.studio.presets.poster import alike
from tests.pixels.pictures import noise
from tests.studio.presets.conftest import Presets, apple, verdicts


def at_the_left(pixels: Pixels) -> Pixels:
    return np.roll(pixels, -15, axis=1)


def test_a_character_in_two_poses_is_good(presets: Presets) -> None:
    done = presets("poster", apple(500), at_the_left(apple(500, (240, 220, 60))), title="Apple")
    assert done.good, [finding.sentence for finding in done.findings if not finding.good]
    poster = read_picture(presets.folder / "character-poster.png")
    page = page_named("character-poster")
    for place in page.pictures[:2]:
        left, top, right, bottom = page.box(place.place)
        assert tuple(poster[(top + bottom) // 2, (left + right) // 2]) == (200, 30, 20)


def test_somebody_else_is_said(presets: Presets) -> None:
    done = presets("poster", apple(), noise(96, 96), title="Apple")
    assert not verdicts(done)["one character"]


def test_the_same_picture_twice_is_said(presets: Presets) -> None:
    assert not verdicts(presets("poster", apple(), apple(), title="Apple"))["another pose"]


def test_scenes_are_painted_from_one_seed(presets: Presets) -> None:
    presets("poster", prompt="a fox", scenes="running; sleeping", title="Fox", seed=9)
    names = sorted(path.name for path in (presets.folder / "painted").iterdir())
    assert len(names) == 2
    told = [presets.studio.images.told(presets.studio.images.put(presets.folder / "painted" / name)) for name in names]
    assert all("Seed: 9," in (one.infotext or "") for one in told)
    assert {(one.infotext or "").splitlines()[0] for one in told} == {"a fox, running", "a fox, sleeping"}


def test_more_scenes_than_places_are_refused_before_painting(presets: Presets) -> None:
    with pytest.raises(RecipeError, match="places for 4 pictures; 5"):
        presets("poster", prompt="a fox", scenes="1;2;3;4;5")
    assert not (presets.folder / "painted").exists()


def test_a_background_of_its_own_makes_nobody_else() -> None:
    assert alike(apple(), apple(ground=(240, 220, 60))) > 0.9
    assert alike(apple(), 255 - apple()) < 0.1
