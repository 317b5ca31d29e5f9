"""Patterns repeat without a seam, painted or repaired; one with a seam, or with nothing on it, is said."""

import numpy as np
import pytest

from danqing.base.errors import RecipeError
from danqing.pixels.files import read_picture
from danqing.pixels.seamless import is_seamless, repeated
from danqing.studio.presets.pattern import Pattern, PatternSettings, check_pattern
from danqing.studio.story import story_in
from tests.pixels.pictures import ramp
from tests.studio.presets.conftest import Presets, verdicts


def test_a_painted_tile_goes_on_over_its_edges(presets: Presets) -> None:
    done = presets("pattern", prompt="leaves", seed=1, columns=2, rows=3)
    tile = read_picture(presets.folder / "tile.png")
    assert verdicts(done)["no seam"]
    assert is_seamless(tile)
    assert np.array_equal(read_picture(presets.folder / "repeated.png"), repeated(tile, 2, 3))
    told = story_in(
        presets.studio.images.told(presets.studio.images.put(presets.folder / "tile.png")).recipe_json or ""
    )
    assert told.recipe.tiling
    assert told.recipe.prompt == "leaves, seamless pattern"


@pytest.mark.parametrize(("repair", "good"), [("none", False), ("fade", True), ("paint", True)])
def test_a_given_picture_is_repaired(repair: str, good: bool, presets: Presets) -> None:
    done = presets("pattern", ramp(64, 64), repair=repair, seed=1, seam=40)
    assert verdicts(done)["no seam"] is good
    assert is_seamless(read_picture(presets.folder / "tile.png")) is good


def test_painting_over_the_seam_leaves_the_rest_as_it_was(presets: Presets) -> None:
    picture = ramp(64, 64)
    presets("pattern", picture, repair="paint", seed=1, seam=25)
    tile = read_picture(presets.folder / "tile.png")
    assert np.array_equal(tile[4:16, 4:16], np.roll(picture, (32, 32), (0, 1))[4:16, 4:16])
    assert not np.array_equal(tile[30:34, 30:34], np.roll(picture, (32, 32), (0, 1))[30:34, 30:34])


def test_a_tile_with_nothing_on_it_is_said() -> None:
    flat = Pattern((), np.full((32, 32, 3), 90, np.uint8))
    assert [finding.good for finding in check_pattern(flat, PatternSettings())] == [True, False]


def test_two_pictures_are_too_many(presets: Presets) -> None:
    with pytest.raises(RecipeError, match="one picture"):
        presets("pattern", ramp(16, 16), ramp(16, 16))
