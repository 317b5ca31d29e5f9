"""Recipes into files and back: with danqing's own JSON to the letter, without it as far as A1111's text can name a field."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from danqing.base.infotext import write_infotext
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef
from danqing.cli.sources import read_source
from danqing.pixels.files import write_picture
from tests.base.test_infotext import as_named, recipes

PIXELS = np.zeros((8, 8, 3), np.uint8)
IMAGE = ImageRef(sha256="ab" * 32, name="a.png")
NAMELESS: dict[str, st.SearchStrategy[Any]] = {
    "prediction": st.sampled_from(["auto", "epsilon", "velocity"]),
    "init": st.none() | st.builds(lambda strength: {"image": IMAGE, "denoising_strength": strength}, st.floats(0, 1)),
    "inpaint": st.none() | st.just({"mask": IMAGE, "blur_x": 3}),
    "patches": st.just(()) | st.just(({"name": "freeu", "settings": {"b1": 1.5}},)),
    "finishers": st.just(()) | st.just(({"name": "upscale", "settings": {"by": 2, "名": [1, None]}},)),
}
ENDINGS = st.sampled_from([".png", ".jpg", ".webp"])
often = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


def file_of(folder: Path, ending: str, recipe: Recipe, *, with_json: bool) -> str:
    path = folder / f"a{ending}"
    path.unlink(missing_ok=True)
    infotext = write_infotext(recipe, hashes={}, version="0.1.0")
    write_picture(path, PIXELS, infotext=infotext, recipe_json=recipe.to_json() if with_json else "")
    return str(path)


@often
@given(recipe=recipes(), more=st.fixed_dictionaries(NAMELESS), ending=ENDINGS)
def test_with_its_json_a_recipe_comes_back_identical(
    tmp_path: Path, recipe: Recipe, more: dict[str, Any], ending: str
) -> None:
    whole = recipe.but(**more, model={"name": "m", "sha256": "cd" * 32})
    found = read_source(file_of(tmp_path, ending, whole, with_json=True))
    assert found.order.recipe == whole
    assert found.order.recipe.digest == whole.digest
    assert found.order.left_to_model == ()
    assert found.exact


@often
@given(
    recipe=recipes(),
    more=st.fixed_dictionaries({name: NAMELESS[name] for name in ("prediction", "patches", "finishers")}),
    ending=ENDINGS,
)
def test_without_it_every_field_that_a1111_names_is_equal(
    tmp_path: Path, recipe: Recipe, more: dict[str, Any], ending: str
) -> None:
    found = read_source(file_of(tmp_path, ending, recipe.but(**more), with_json=False))
    assert found.order.recipe.sparse() == as_named(recipe).sparse()
    assert not found.exact


def swarm_picture(path: Path, prompt: str) -> Path:
    chunks = PngImagePlugin.PngInfo()
    said = {"prompt": prompt, "negativeprompt": "ugly", "model": "x", "steps": 8, "seed": 7, "cfgscale": 5}
    chunks.add_text("parameters", json.dumps({"sui_image_params": {**said, "width": 64, "height": 64}}))
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    return path


def test_swarmuis_tags_are_said_in_danqings_words(tmp_path: Path) -> None:
    found = read_source(str(swarm_picture(tmp_path / "a.png", "a <fromto[0.5]:cat, dog> <segment:face> detailed")))
    recipe = found.order.recipe
    assert (recipe.prompt, recipe.negative_prompt, recipe.dialect) == ("a [cat:dog:0.5]", "ugly", "danqing")
    assert any("<segment:face> was left out" in note for note in found.notes)


def test_without_such_tags_the_prompt_stays_comfys(tmp_path: Path) -> None:
    recipe = read_source(str(swarm_picture(tmp_path / "a.png", "a (cat:1.2) <lora:ink:1>"))).order.recipe
    assert (recipe.prompt, recipe.dialect) == ("a (cat:1.2) <lora:ink:1>", "comfy")


@pytest.mark.parametrize("text", ['{"recipe": 1, "prompt"', '{"steps": ', "{ }x"])
def test_half_a_recipe_is_refused_and_no_prompt(tmp_path: Path, text: str) -> None:
    from danqing.base.errors import RecipeError

    (tmp_path / "a.json").write_text(text, "utf-8")
    with pytest.raises(RecipeError, match="begins like a recipe, but is no JSON"):
        read_source(str(tmp_path / "a.json"))
