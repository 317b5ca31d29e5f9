"""Knobs: every field that a user can turn says what it is, and its range is checked."""

import pytest

from danqing.base.errors import RecipeError
from danqing.base.knobs import knobs
from danqing.base.order import Order
from danqing.base.recipe import Recipe

FIELDS = {field.path: field for field in knobs(Recipe)}
WHOLE = (
    "loras",
    "hypernets",
    "embeddings",
    "controls",
    "patches",
    "finishers",
    "variation",
    "noise",
    "sampling",
    "guidance",
)
PARTS = (*WHOLE, "text", "sdxl", "speed", "hires", "refiner", "init", "inpaint", "tiled")


def test_every_plain_field_of_a_recipe_has_a_knob() -> None:
    assert {name for name in Recipe.model_fields if name not in PARTS} <= set(FIELDS)


def test_parts_that_may_be_absent_have_their_knobs_too() -> None:
    assert {"hires.upscaler", "inpaint.soft.contrast", "init.denoising_strength", "refiner.switch_at"} <= set(FIELDS)


@pytest.mark.parametrize("path", sorted(FIELDS))
def test_a_range_holds_its_own_default(path: str) -> None:
    field = FIELDS[path]
    if field.knob.least is not None and field.knob.most is not None:
        assert field.knob.least <= field.default <= field.knob.most


def test_the_range_of_a_knob_is_checked() -> None:
    with pytest.raises(RecipeError, match="at most 12"):
        Recipe(clip_skip=13)


def test_choices_come_from_the_type() -> None:
    assert FIELDS["text.emphasis"].choices == ("Original", "No norm", "Ignore", "None")


def test_infotext_names_are_not_given_twice_but_where_a1111_does() -> None:
    names = [field.knob.infotext for field in FIELDS.values() if field.knob.infotext]
    assert {name for name in names if names.count(name) > 1} == {"Denoising strength"}


def test_an_order_has_knobs_too() -> None:
    assert {"count", "batch_size", "seeds"} <= {field.path for field in knobs(Order)}
