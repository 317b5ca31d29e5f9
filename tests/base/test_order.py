"""Orders: what was said is told apart from what was left to the model, and stays so through JSON."""

import pytest

from danqing.base.errors import RecipeError
from danqing.base.order import MODEL_CHOSEN, Axis, Order
from danqing.base.recipe import Recipe


def test_what_the_user_did_not_say_is_left_to_the_model() -> None:
    order = Order(recipe=Recipe(prompt="a", steps=20))
    assert set(order.left_to_model) == set(MODEL_CHOSEN) - {"steps"}


@pytest.mark.parametrize(
    "order",
    [
        Order(),
        Order(recipe=Recipe(steps=20)),
        Order(recipe=Recipe(steps=20), left_to_model=()),
        Order(recipe=Recipe(steps=30), left_to_model=MODEL_CHOSEN),
        Order(recipe=Recipe(prompt="x"), axes=(Axis(knob="steps", values=(1, 2)),), count=3),
    ],
)
def test_an_order_survives_its_sparse_form(order: Order) -> None:
    assert Order.model_validate(order.sparse()) == order
    assert Order.model_validate(order.sparse()).digest == order.digest


def test_pictures_counts_batches_and_cells() -> None:
    axes = (Axis(knob="steps", values=(1, 2, 3)), Axis(knob="seed", values=(1, 2)))
    assert Order(count=2, batch_size=4, axes=axes).pictures == 48


def test_a_wrong_part_deep_inside_is_named() -> None:
    with pytest.raises(RecipeError, match="count must be at least 1"):
        Order(count=0)
