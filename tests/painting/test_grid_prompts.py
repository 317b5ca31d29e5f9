"""Prompts from a text: plain lines, lines of flags, and what is wrong with a line."""

import pytest

from danqing.base.errors import RecipeError
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.painting.grid_prompts import PromptLines, line_orders

BASE = Order(recipe=Recipe(seed=7, steps=20))


def lines(text: str, order: Order = BASE, **options: object) -> list[Order]:
    return line_orders(order, PromptLines.model_validate({"text": text, **options}))


def test_a_line_is_a_prompt_and_empty_ones_are_passed_over() -> None:
    found = lines("a fox\n\n  a (red:1.2) bird  \r\na cat --steps 5\n")
    assert [one.recipe.prompt for one in found] == ["a fox", "a (red:1.2) bird", "a cat --steps 5"]
    assert {one.recipe.steps for one in found} == {20}


def test_flags_of_a1111_turn_their_knobs() -> None:
    (one,) = lines(
        '--prompt "a fox, (red:1.2)" --negative_prompt blurry, dark --steps 12 --sampler_name "Euler a" --width 320 '
        "--height 448 --seed 3 --cfg_scale 4.5 --tiling true --subseed 9 --subseed_strength 0.2 --n_iter 2 --batch_size 3 "
        "--sd_model anything --styles ink,oil --seed_resize_from_w 64 --seed_resize_from_h 32 --do_not_save_grid true"
    )
    recipe = one.recipe
    assert (recipe.prompt, recipe.negative_prompt) == ("a fox, (red:1.2)", "blurry, dark")
    assert (recipe.steps, recipe.sampler, recipe.width, recipe.height) == (12, "Euler a", 320, 448)
    assert (recipe.seed, recipe.cfg_scale, recipe.tiling, recipe.model) == (3, 4.5, True, ModelRef(name="anything"))
    assert recipe.variation.model_dump() == {"seed": 9, "strength": 0.2, "from_width": 64, "from_height": 32}
    assert (one.count, one.batch_size, one.styles) == (2, 3, ("ink", "oil"))
    assert set(one.left_to_model) & {"width", "height", "sampler", "cfg_scale"} == set()


def test_any_knob_is_a_flag_and_a_sampler_has_its_place_in_the_menu() -> None:
    (one,) = lines("--prompt a fox --hires_steps 4 --hires-upscaler Lanczos --sampler_index 6")
    assert one.recipe.hires is not None
    assert (one.recipe.hires.steps, one.recipe.hires.upscaler, one.recipe.sampler) == (4, "Lanczos", "Euler a")
    assert one.recipe.prompt == "a fox"


@pytest.mark.parametrize(("at", "expected"), [("start", "fox best quality"), ("end", "best quality fox")])
def test_the_common_prompt_joins_each_line(at: str, expected: str) -> None:
    order = Order(recipe=Recipe(prompt="best quality"))
    assert [one.recipe.prompt for one in lines("fox\n--prompt fox", order, at=at)] == [expected, expected]


def test_seeds_stay_or_count_by_the_pictures_before() -> None:
    text = "a\n--prompt b --n_iter 3\nc\n--prompt d --seed 100"
    assert [one.recipe.seed for one in lines(text)] == [7, 7, 7, 100]
    assert [one.recipe.seed for one in lines(text, count_seeds=True)] == [7, 8, 11, 100]


def test_a_seed_of_minus_one_is_still_to_be_drawn() -> None:
    assert [one.seeds for one in lines("--prompt a --seed -1\nb")] == ["random", "increasing"]
    assert [one.seeds for one in lines("a\n--prompt b --seed 3", Order(seeds="random"))] == ["random", "increasing"]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a\n\n--promt b", "line 3 of the prompts: no flag named '--promt'; did you mean --prompt"),
        ('--prompt "a', "line 1 of the prompts: No closing quotation"),
        ("--steps", "--steps needs a value"),
        ("--steps many", "steps must be a whole number"),
        ("--steps 5 6", "'6' stands where a --flag is needed"),
        ("--tiling perhaps", "neither true nor false"),
        ("--sampler_index 20", "0 to 19"),
        ("--n_iter 0", "count must be at least 1"),
        (" \n\n", "no prompt in the text"),
        ("a\n" * 10_001, "too many"),
    ],
)
def test_what_a_line_gets_wrong_is_told_with_its_number(text: str, word: str) -> None:
    with pytest.raises(RecipeError, match=word):
        lines(text)
