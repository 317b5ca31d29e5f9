"""The public surface: these names are kept; everything else may move between versions."""

import inspect

import pytest

import danqing
from danqing.base import errors
from danqing.base.knobs import knobs
from danqing.base.order import Order
from danqing.base.recipe import Recipe

NAMES = [
    "Engine",
    "Order",
    "Picture",
    "Recipe",
    "Studio",
    "errors",
    "paint",
    "read_infotext",
    "write_infotext",
]
KNOBS = {field.path.removeprefix("recipe."): field for model in (Recipe, Order) for field in knobs(model)}


def test_the_public_names_are_these() -> None:
    assert danqing.__all__ == NAMES
    assert sorted(danqing.__all__) == danqing.__all__


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_can_be_had_and_explains_itself(name: str) -> None:
    assert inspect.getdoc(getattr(danqing, name))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="paintt"):
        danqing.paintt  # noqa: B018 - asking is the test


def test_every_error_for_users_is_of_the_tree() -> None:
    own = [thing for thing in vars(errors).values() if inspect.isclass(thing) and thing.__module__ == errors.__name__]
    assert own
    assert [thing for thing in own if not issubclass(thing, errors.DanqingError)] == []


def test_every_knob_has_a_label_and_helps_in_a_sentence() -> None:
    assert [path for path, field in KNOBS.items() if not field.knob.label or not field.knob.help.endswith(".")] == []
