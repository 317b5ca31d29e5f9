"""The prompt matrix: which combinations, in which order, and what they read."""

import pytest

from danqing.base.errors import RecipeError
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.painting.grid_matrix import MatrixOptions, matrix_of, matrix_orders, split_at_bars


def order_of(prompt: str, negative: str = "") -> Order:
    return Order(recipe=Recipe(prompt=prompt, negative_prompt=negative, seed=7))


def prompts(order: Order, options: MatrixOptions) -> list[str]:
    return [one.recipe.prompt for one in matrix_orders(order, options)]


def test_every_choice_of_the_parts_is_painted_the_first_part_changing_fastest() -> None:
    found = prompts(order_of("a house|autumn,| at night|snow"), MatrixOptions())
    assert found == [
        "a house",
        "a house, autumn",
        "a house, at night",
        "a house, autumn, at night",
        "a house, snow",
        "a house, autumn, snow",
        "a house, at night, snow",
        "a house, autumn, at night, snow",
    ]


def test_a_comma_at_the_end_of_a_part_goes_as_in_a1111() -> None:
    assert prompts(order_of("a|b,|,c"), MatrixOptions())[3] == "a, b, c"


def test_parts_may_come_first_and_be_joined_by_spaces() -> None:
    options = MatrixOptions(at_start=True, delimiter="space")
    assert prompts(order_of("a house|autumn|at night"), options)[3] == "autumn at night a house"


def test_the_negative_prompt_may_have_the_bars() -> None:
    found = matrix_orders(order_of("a|b", "dark|blurry"), MatrixOptions(negative=True))
    assert [(one.recipe.prompt, one.recipe.negative_prompt) for one in found] == [
        ("a|b", "dark"),
        ("a|b", "dark, blurry"),
    ]


def test_seeds_count_up_only_when_asked() -> None:
    order = order_of("a|b")
    assert [one.recipe.seed for one in matrix_orders(order, MatrixOptions())] == [7, 7]
    assert [one.recipe.seed for one in matrix_orders(order, MatrixOptions(different_seeds=True))] == [7, 8]


def test_the_first_half_of_the_parts_goes_across() -> None:
    rows, columns = matrix_of(order_of("x|a|b|c"), MatrixOptions()).lanes()
    assert columns.labels == ("–", "a", "b", "a, b")
    assert rows.labels == ("–", "c")


def test_bars_of_alternations_and_variants_stay() -> None:
    assert split_at_bars(r"[a|b] {c|d}|e\(|(f|g)") == ["[a|b] {c|d}", r"e\(", "(f|g)"]


@pytest.mark.parametrize("prompt", ["a house", "x" + "|y" * 17])
def test_no_bar_or_too_many_are_refused(prompt: str) -> None:
    with pytest.raises(RecipeError, match=r"bars|at most 16"):
        matrix_of(order_of(prompt), MatrixOptions())
