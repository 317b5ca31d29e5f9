"""Recipes: checked at the door, changed only by `but`, digested the same for ever."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from danqing.base.errors import RecipeError
from danqing.base.picture_parts import Hires, InitImage, Inpaint
from danqing.base.recipe import RECIPE_VERSION, Recipe, recipe_of_json
from danqing.base.refs import ImageRef, LoraUse, ModelRef, Use
from tests.base.pinned import PINNED

DIGESTS = json.loads((Path(__file__).parents[1] / "golden" / "recipe_digests.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(PINNED))
def test_digest_is_the_one_that_was_pinned(name: str) -> None:
    assert PINNED[name].digest == DIGESTS[name]


def test_twenty_digests_are_pinned_and_all_differ() -> None:
    assert len(DIGESTS) >= 20
    assert len(set(DIGESTS.values())) == len(DIGESTS)
    assert set(DIGESTS) == set(PINNED)


def test_a_field_said_with_its_default_does_not_move_the_digest() -> None:
    assert Recipe(prompt="a", steps=20, cfg_scale=7).digest == Recipe(prompt="a").digest


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": 10**9}, ["steps", "at most 1000", "1000000000"]),
        ({"width": 0}, ["width", "at least 16", "found 0"]),
        ({"seed": "x"}, ["seed", "whole number", "'x'"]),
        ({"seed": -1}, ["seed", "at least 0"]),
        ({"stepz": 3}, ["stepz", "did you mean steps?"]),
        ({"dialect": "latin"}, ["dialect", "danqing", "'latin'"]),
        ({"cfg_scale": float("nan")}, ["cfg_scale", "number"]),
        ({"hires": {"upscale": "big"}}, ["hires.upscale", "number", "'big'"]),
        ({"hires": {"upscaler_": "x"}}, ["hires has no field 'upscaler_'", "did you mean upscaler?"]),
        ({"sampling": {"eta": 11}}, ["sampling.eta", "at most 10", "11"]),
        ({"init": {}}, ["init.image", "missing"]),
    ],
)
def test_wrong_values_are_refused_in_plain_words(fields: dict[str, object], words: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.model_validate(fields)
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def test_but_makes_another_recipe_and_checks_it() -> None:
    first = Recipe(prompt="a")
    second = first.but(seed=7)
    assert (first.seed, second.seed, second.prompt) == (0, 7, "a")
    with pytest.raises(RecipeError, match="seed"):
        first.but(seed="x")


def test_a_recipe_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Recipe().prompt = "b"  # type: ignore[misc]


def test_recipe_survives_json() -> None:
    recipe = PINNED["everything"]
    assert recipe_of_json(recipe.to_json()) == recipe


@given(
    st.builds(
        Recipe,
        prompt=st.text(),
        seed=st.integers(0, 2**64 - 1),
        width=st.integers(16, 4096),
        cfg_scale=st.floats(0, 100),
        loras=st.lists(st.builds(LoraUse, model=st.builds(ModelRef, name=st.text()), unet=st.floats(-10, 10))).map(
            tuple
        ),
        finishers=st.lists(st.builds(Use, name=st.text(), settings=st.dictionaries(st.text(), st.integers()))).map(
            tuple
        ),
        hires=st.none() | st.builds(Hires, upscale=st.floats(1, 8)),
    )
)
def test_any_recipe_survives_json(recipe: Recipe) -> None:
    again = recipe_of_json(recipe.to_json())
    assert again == recipe
    assert again.digest == recipe.digest


def test_an_older_version_is_migrated_step_by_step() -> None:
    def renamed(fields: dict[str, object]) -> dict[str, object]:
        return {("prompt" if name == "text" else name): value for name, value in fields.items()}

    old = json.dumps({"recipe": RECIPE_VERSION - 1, "text": "a cat"})
    assert recipe_of_json(old, migrations={RECIPE_VERSION - 1: renamed}).prompt == "a cat"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not JSON"),
        ("[1]", "JSON object"),
        ('{"prompt": "a"}', '"recipe"'),
        ('{"recipe": 99}', "update danqing"),
        ('{"recipe": 0}', "can't bring"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_recipe_is_named(text: str, word: str) -> None:
    with pytest.raises(RecipeError, match=word):
        recipe_of_json(text)


def test_tools_settings_are_kept_word_for_word() -> None:
    use = Use(name="not installed", settings={"a": [1, 2.5, None, {"b": "ü"}]})
    assert recipe_of_json(Recipe(finishers=(use,)).to_json()).finishers == (use,)


def test_inpaint_and_init_need_their_images() -> None:
    image = ImageRef(sha256="0" * 64)
    recipe = Recipe(init=InitImage(image=image), inpaint=Inpaint(mask=image))
    assert recipe.inpaint is not None
    assert recipe.inpaint.blur_x == 4
