import pytest

from danqing.base.errors import RecipeError
from danqing.base.order import MODEL_CHOSEN, Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.cli.asking import order_of, parse_settings


def test_nothing_said_leaves_all_to_the_model_and_to_chance() -> None:
    order = order_of({})
    assert order.left_to_model == MODEL_CHOSEN
    assert order.seeds == "random"
    assert order.recipe == Recipe()


def test_what_was_said_is_not_left_to_the_model() -> None:
    order = order_of({"steps": "9", "width": "64"})
    assert set(MODEL_CHOSEN) - set(order.left_to_model) == {"steps", "width"}


@pytest.mark.parametrize("word", ["-1", "random", "Random"])
def test_a_seed_of_minus_one_is_drawn(word: str) -> None:
    assert order_of({"seed": word}).seeds == "random"


def test_a_seed_is_kept() -> None:
    order = order_of({"seed": "7"})
    assert (order.seeds, order.recipe.seed) == ("increasing", 7)


def test_a_drawn_seed_may_be_the_same_for_all() -> None:
    assert order_of({"seeds": "same", "seed": "3"}).seeds == "same"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"steps": "x"}, "steps must be a whole number, found 'x'"),
        ({"steps": "1000000000"}, "steps must be at most 1000"),
        ({"width": "0"}, "width must be at least 16"),
        ({"seed": "x"}, "seed must be a whole number"),
        ({"cfg_scale": "nan"}, "cfg_scale must be a number"),
        ({"hires.upscaler": 3}, "hires.upscaler: "),
        ({"stepz": "3"}, "did you mean steps?"),
        ({"hires.stepz": "3"}, "did you mean steps?"),
        ({"nopart.steps": "3"}, "no field 'nopart'"),
        ({"steps.more": "3"}, "steps"),
        ({"noise.source": "GPU"}, "noise.source must be one of"),
        ({"count": "0"}, "count must be at least 1"),
    ],
)
def test_a_value_that_can_not_be_is_said_in_one_sentence(words: dict[str, object], sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        order_of(words)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_knob_and_the_part_it_belongs_to_can_not_both_be_said() -> None:
    with pytest.raises(RecipeError, match="hires"):
        order_of({"hires": 3, "hires.steps": "3"})


def test_settings_are_json_where_they_can_be() -> None:
    found = parse_settings(["hires.steps=5", "tiling=true", "prompt=a = b", "controls=[]", "model=3"])
    assert found == {"hires.steps": 5, "tiling": True, "prompt": "a = b", "controls": [], "model": 3}


@pytest.mark.parametrize("assignment", ["steps", "=5", ""])
def test_a_setting_without_a_name_or_value_is_refused(assignment: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        parse_settings([assignment])


BASE = Order(
    recipe=Recipe.model_validate(
        {"prompt": "a fox", "seed": 7, "steps": 9, "model": {"name": "old", "sha256": "ab" * 32}, "hires": {"steps": 3}}
    )
)


def test_a_base_keeps_what_is_not_said() -> None:
    order = order_of({"hires.upscale": "1.5"}, BASE)
    assert order.recipe.prompt == "a fox"
    assert (order.recipe.seed, order.seeds) == (7, "increasing")
    assert order.recipe.hires is not None
    assert (order.recipe.hires.steps, order.recipe.hires.upscale) == (3, 1.5)
    assert order.left_to_model == BASE.left_to_model


def test_another_model_takes_the_place_of_the_bases_with_its_hash() -> None:
    assert order_of({"model": "new"}, BASE).recipe.model == ModelRef(name="new")
    assert order_of({"model": {"sha256": "cd" * 32}}, BASE).recipe.model == ModelRef(sha256="cd" * 32)
    assert order_of({"vae": "None"}, BASE).recipe.vae == ModelRef()


def test_a_drawn_seed_takes_the_place_of_the_bases() -> None:
    order = order_of({"seed": "-1"}, BASE)
    assert order.seeds == "random"


def test_a_resolved_recipe_leaves_nothing_to_the_model() -> None:
    base = Order(recipe=BASE.recipe, left_to_model=())
    assert order_of({"seed": "8"}, base).left_to_model == ()


def test_a_seed_settles_a_base_that_would_draw_one() -> None:
    order = order_of({"seed": "8"}, Order(seeds="random"))
    assert (order.seeds, order.recipe.seed) == ("increasing", 8)
