from typing import Any

import pytest

from danqing.base.knobs import KnobField, knobs
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.cli.asking import order_of
from danqing.cli.knob_options import knob_fields, knob_lines, option_of, parameter_of, path_of
from tests.cli.conftest import Danqing

FIELDS = {field.path: field for field in knob_fields()}
PARTS_WITH_IMAGES: dict[str, dict[str, Any]] = {
    "init": {"init": {"image": {"sha256": "ab" * 32}}},
    "inpaint": {"inpaint": {"mask": {"sha256": "ab" * 32}}},
}


def typed(field: KnobField) -> tuple[str | bool, object]:
    """(what one types, what the field then holds), never the default."""
    if field.annotation is bool:
        return not field.default, not field.default
    if field.annotation is ModelRef:
        return "anything", ModelRef(name="anything")
    if field.choices:
        other = next(choice for choice in field.choices if choice != field.default)
        return other.upper(), other
    if field.annotation is str:
        return "some text", "some text"
    knob = field.knob
    value = knob.least if knob.least not in (None, field.default) else (knob.least or 0) + (knob.step or 1)
    return f"{value:g}", field.annotation(value)


def at(order: Order, path: str) -> object:
    thing: Any = order if path in Order.model_fields else order.recipe
    for part in path.split("."):
        thing = getattr(thing, part)
    return thing


def test_every_knob_of_recipe_and_order_has_an_option() -> None:
    recipe = {field.path for field in knobs(Recipe)} - {"prompt"}
    order = {field.path for field in knobs(Order) if not field.path.startswith("recipe.")}
    assert set(FIELDS) == recipe | order


def test_no_two_knobs_share_an_option() -> None:
    assert len({option_of(path) for path in FIELDS}) == len(FIELDS)


@pytest.mark.parametrize("path", list(FIELDS))
def test_an_option_turns_its_knob(path: str) -> None:
    text, value = typed(FIELDS[path])
    order = order_of({path: text}, more=PARTS_WITH_IMAGES.get(path.partition(".")[0]))
    assert at(order, path) == value


@pytest.mark.parametrize("path", list(FIELDS))
def test_a_parameter_leads_back_to_its_knob(path: str) -> None:
    assert path_of(parameter_of(path)) == path


def test_every_knob_is_listed_with_option_and_path() -> None:
    lines = list(knob_lines())
    assert len(lines) == len(FIELDS)
    assert "--hires-denoising-strength (hires.denoising_strength): " in "\n".join(lines)
    assert [line for line in lines if "None" in line and "Nonetype" in line] == []


def test_the_list_of_knobs_can_be_asked_for(danqing: Danqing) -> None:
    ran = danqing("paint", "--knobs")
    assert ran.code == 0
    assert ran.out.splitlines() == list(knob_lines())


def test_help_shows_the_main_knobs_and_their_short_names(danqing: Danqing) -> None:
    out = danqing("paint", "--help").out
    for option in ("--steps", "-s", "--cfg", "--clip-skip", "--hires-upscale", "--batch-size"):
        assert option in out
    assert "--sampling-beta-alpha" not in out


def test_an_expert_knob_is_an_option_all_the_same(danqing: Danqing) -> None:
    ran = danqing("paint", "a fox", "--steps", "1", "--sampling-eta", "11")
    assert ran.code == 2
    assert "sampling.eta must be at most 10" in ran.err
