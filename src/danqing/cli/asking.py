"""What was typed becomes an Order: a template with only what the user said, so that the rest is left to the model."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from danqing.base.errors import RecipeError
from danqing.base.knobs import KnobField
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.cli.knob_options import knob_fields

RANDOM = ("-1", "random")
ORDER_FIELDS = ("count", "batch_size", "seeds", "styles", "axes")

Fields = dict[str, Any]


def order_of(words: Mapping[str, object], base: Order | None = None, more: Fields | None = None) -> Order:
    """The order meant by knob paths and what was typed for them, laid over `base`; `more` are parts of a recipe.

    Without a seed one is drawn. Raises RecipeError for what can't be meant.
    """
    return _order(_fields_of(words, more or {}), base)


def _fields_of(words: Mapping[str, object], more: Fields) -> Fields:
    known = {field.path: field for field in knob_fields()}
    fields: Fields = {}
    for path, value in words.items():
        _put(fields, path, _meant(known.get(path), value))
    return _merged(fields, more)


def _order(fields: Fields, base: Order | None) -> Order:
    order_fields = {name: fields.pop(name) for name in ORDER_FIELDS if name in fields}
    drawn = str(fields.get("seed", "")).strip().casefold() in RANDOM
    if drawn:
        del fields["seed"]
    if base is not None:
        return _laid_over(base, fields, order_fields, drawn)
    if "seed" not in fields and "seeds" not in order_fields:
        order_fields["seeds"] = "random"
    return Order.model_validate({"recipe": Recipe.model_validate(fields), **order_fields})


def parse_settings(assignments: Sequence[str]) -> dict[str, object]:
    """{"hires.steps": 5} of ["hires.steps=5"]; a value is JSON where it can be read as such, else text."""
    found: dict[str, object] = {}
    for assignment in assignments:
        path, sign, text = assignment.partition("=")
        if not sign or not path.strip():
            raise RecipeError(f"--set {assignment!r}: a knob and its value are needed, as in --set hires.steps=5")
        try:
            value: object = json.loads(text)
        except (ValueError, RecursionError):
            value = text
        found[path.strip()] = value
    return found


def _laid_over(base: Order, fields: Fields, order_fields: Fields, drawn: bool) -> Order:
    template = base.recipe.model_dump(exclude_unset=True)
    if drawn:
        template.pop("seed", None)
        order_fields.setdefault("seeds", "random")
    elif "seed" in fields and base.seeds == "random":
        order_fields.setdefault("seeds", "increasing")
    left_open = tuple(name for name in base.left_to_model if name not in fields)
    recipe = Recipe.model_validate(_merged(template, fields))
    return base.but(recipe=recipe, left_to_model=left_open, **order_fields)


def _meant(field: KnobField | None, value: object) -> object:
    """A typed text as the field wants it: a model by its name, a choice in any capitals."""
    if field is not None and field.annotation is ModelRef:
        return _model_meant(value)
    if not isinstance(value, str) or field is None:
        return value
    by_fold = {choice.casefold(): choice for choice in field.choices}
    return by_fold.get(value.strip().casefold(), value)


def _model_meant(value: object) -> Fields:
    """A model's name, or its fields; both are said, so that nothing stays of the model it takes the place of."""
    if isinstance(value, dict):
        return {"name": "", "sha256": "", **cast("Fields", value)}
    none = str(value).casefold() in ("none", "automatic", "auto")
    return {"name": "" if none else value, "sha256": ""}


def _put(fields: Fields, path: str, value: object) -> None:
    parts = path.split(".")
    place = fields
    for depth, part in enumerate(parts[:-1]):
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            raise RecipeError(f"{path} can't be set beside {'.'.join(parts[: depth + 1])}")
        place = cast("Fields", inner)
    place[parts[-1]] = value


def _merged(below: Fields, above: Fields) -> Fields:
    """Both, the upper one winning; parts are merged field by field."""
    merged = dict(below)
    for name, value in above.items():
        there = merged.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            merged[name] = _merged(cast("Fields", there), cast("Fields", value))
        else:
            merged[name] = value
    return merged
