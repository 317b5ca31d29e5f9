"""A preset run: where its results lie, what they tell of themselves, and how it ends when it is stopped."""

from pathlib import Path

import numpy as np
import pytest

from danqing.base.picture import Picture, Provenance
from danqing.base.progress import Progress, Verdict
from danqing.base.recipe import Recipe, recipe_of_json
from danqing.pixels.files import read_metadata, read_picture, write_picture
from danqing.studio.presets.files import find_preset
from danqing.studio.presets.pieces import PresetStopped
from danqing.studio.presets.run import run_preset
from danqing.studio.story import infotext_of, story_in, story_of
from tests.pixels.pictures import ramp
from tests.studio.presets.conftest import Presets, apple

SMALL = {"side": 64, "dpi": 72, "paper": "A6"}


def story(path: Path) -> Provenance:
    return story_in(read_metadata(path).recipe_json or "").provenance


def test_results_lie_in_a_numbered_folder_of_the_outputs(presets: Presets) -> None:
    file = find_preset("pattern", presets.studio.home)
    folders = [run_preset(presets.studio, file, {"pictures": [presets.put(ramp(32, 32))]}).folder for _ in range(2)]
    assert [folder.name for folder in folders] == ["pattern-0000", "pattern-0001"]
    assert folders[0].parent.parent == presets.studio.gallery.root / "presets"


def test_a_second_run_into_a_folder_writes_over_nothing(presets: Presets) -> None:
    first = presets("sticker", apple(), **SMALL)
    before = {one.path: one.path.read_bytes() for one in first.results}
    second = presets("sticker", apple(ground=(20, 160, 60)), **SMALL)
    assert not {one.path for one in first.results} & {one.path for one in second.results}
    assert {path: path.read_bytes() for path in before} == before


def test_what_was_painted_tells_its_recipe_and_the_preset(presets: Presets) -> None:
    done = presets("pattern", prompt="leaves", seed=5)
    told = story(presets.folder / "tile.png")
    painted = story(next((presets.folder / "painted").iterdir()))
    assert told.recipe == painted.recipe
    assert told.recipe.seed == 5
    (edition,) = told.after
    assert edition.name == "preset"
    assert edition.settings == {"preset": "pattern", "makes": "tile", "settings": done.settings.sparse()}
    assert painted.after == ()


def test_the_recipes_of_all_pictures_are_told(presets: Presets) -> None:
    presets("poster", prompt="a fox", scenes="running; sleeping", title="Fox", seed=9)
    (edition,) = story(presets.folder / "character-poster.png").after
    (other,) = edition.settings["from"]
    assert recipe_of_json(other).prompt == "a fox, sleeping"


def test_a_seed_is_drawn_and_told(presets: Presets) -> None:
    done = presets("pattern", prompt="leaves")
    assert done.settings.seed >= 0
    again = presets("pattern", prompt="leaves", seed=done.settings.seed)
    first, second = (read_picture(one.results[0].path) for one in (done, again))
    assert np.array_equal(first, second)


def test_a_photograph_tells_what_was_done_to_it(presets: Presets) -> None:
    presets("sticker", apple(), border=7, **SMALL)
    told = read_metadata(presets.folder / "sticker-1.png")
    assert told.recipe_json is None
    assert told.raw["postprocessing"].startswith("Preset: sticker, Preset settings: ")
    assert '"border' in told.raw["postprocessing"].replace("\\", "")


def test_a_picture_that_danqing_painted_tells_still(presets: Presets, tmp_path: Path) -> None:
    picture = Picture(apple(), Provenance(recipe=Recipe(prompt="an apple", seed=3)))
    path = tmp_path / "apple.png"
    write_picture(path, picture.pixels, infotext=infotext_of(picture), recipe_json=story_of(picture))
    words = {"pictures": [presets.studio.images.put(path)], **SMALL}
    run_preset(presets.studio, find_preset("sticker", presets.studio.home), words, to=presets.folder)
    told = story(presets.folder / "sticker-1.png")
    assert told.recipe.prompt == "an apple"
    assert [edition.name for edition in told.after] == ["preset"]


def test_a_users_own_fields_of_the_recipe_are_painted_with(presets: Presets) -> None:
    presets.studio.home.presets.mkdir()
    text = 'preset = "pattern"\nprompt = "{prompt} on cloth"\n[recipe]\nsampler = "Euler"\nsteps = 3\n'
    (presets.studio.home.presets / "cloth.toml").write_text(text)
    presets("cloth", prompt="dots", seed=1)
    recipe = story(presets.folder / "tile.png").recipe
    assert (recipe.prompt, recipe.sampler, recipe.steps) == ("dots on cloth", "Euler", 3)


def test_progress_counts_all_pictures_and_a_stop_keeps_what_is_painted(presets: Presets) -> None:
    seen: list[Progress] = []

    def watch(progress: Progress) -> Verdict:
        seen.append(progress)
        return Verdict.ABANDON if progress.picture == 1 else Verdict.CONTINUE

    words = {"prompt": "a fox", "count": 3, "seed": 1, **SMALL}
    with pytest.raises(PresetStopped, match="1 of 3"):
        run_preset(presets.studio, find_preset("sticker", presets.studio.home), words, watch, to=presets.folder)
    assert {progress.pictures for progress in seen} == {3}
    assert [path.name for path in presets.folder.iterdir()] == ["painted"]
    assert len(list((presets.folder / "painted").iterdir())) == 1
