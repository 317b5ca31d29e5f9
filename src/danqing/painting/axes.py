"""Axes of grids: an axis is found by A1111's label or by any knob's path, its values are read, and an order is turned along it. Free of torch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, cast

from pydantic import JsonValue

from danqing.base.errors import RecipeError
from danqing.base.knobs import KnobField, knobs
from danqing.base.order import Axis, Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.base.table import did_you_mean
from danqing.painting.axes_table import (
    ALIASES,
    BARE,
    DENOISING,
    KNOBS,
    NONE_WORDS,
    NOT_HERE,
    NOTHING,
    PROMPT_ORDER,
    PROMPT_SR,
    SEED,
    SIZE,
    STYLES,
    WORDS,
)
from danqing.painting.axes_values import (
    booleans_of,
    names_of,
    numbers_of,
    orders_of,
    size_of,
    sizes_of,
    texts_of,
    whole_numbers_of,
)

DRAWN = -1
"""A seed that is still to be drawn."""
SEEDS = ("seed", "variation.seed")


@dataclass(frozen=True)
class AxisKind:
    """What an axis turns: `fields` are its knobs, none for those that work on the whole order (Prompt S/R, Size ...)."""

    name: str
    fields: tuple[KnobField, ...] = ()

    @property
    def cost(self) -> float:
        """1.0 where a step means another checkpoint, 0.0 where it costs nothing."""
        return max((field.knob.cost for field in self.fields), default=0.0)

    def values_of(self, text: str) -> tuple[JsonValue, ...]:
        """The values that were typed. Raises RecipeError for what can't be one."""
        if self.fields:
            return tuple(cast("list[JsonValue]", _reader(self.fields[0])(text)))
        return tuple(cast("list[JsonValue]", _READERS[self.name](text)))

    def label(self, value: JsonValue) -> str:
        """How a value is shown beside a grid: `Steps: 20`, or the value alone where it says itself what it is."""
        if isinstance(value, list):
            shown = ", ".join(str(part) for part in value)
        elif isinstance(value, dict):
            shown = str(value.get("name", value))
        else:
            shown = f"{round(value, 8):g}" if isinstance(value, float) else str(value)
        return shown if self.name in BARE else f"{self.name}: {shown}"


def axis_kind(word: str) -> AxisKind:
    """The axis that goes by a label of A1111's or by a knob's path, label or infotext key. Raises RecipeError with the nearest name."""
    wanted = word.strip().casefold()
    fields = {field.path: field for field in knobs(Recipe)}
    names = {name.casefold(): name for name in (*_READERS, *KNOBS)}
    aliases = {alias.casefold(): name for alias, name in ALIASES.items()}
    name = names.get(wanted) or aliases.get(wanted)
    if name is not None:
        return AxisKind(name, tuple(fields[path] for path in KNOBS.get(name, ())))
    by_word = {
        name.casefold(): field
        for field in fields.values()
        for name in (field.path, field.knob.infotext or field.path, field.knob.label)
    }
    if wanted in by_word:
        return AxisKind(by_word[wanted].path, (by_word[wanted],))
    for unknown, why in NOT_HERE.items():
        if unknown.casefold() == wanted:
            raise RecipeError(f"the axis {unknown} turns nothing here, for {why}; leave it out")
    raise RecipeError(f"no knob named {word.strip()!r}{did_you_mean(word, [*names.values(), *ALIASES, *fields])}")


def read_axis(text: str) -> Axis:
    """An axis as it is typed, `Steps: 10, 20-30 (+5)`. Raises RecipeError for an unknown name, a bad value or none."""
    name, sign, typed = text.partition(":") if "=" not in text.partition(":")[0] else text.partition("=")
    kind = axis_kind(name)
    if kind.name != NOTHING and not (sign and typed.strip()):
        raise RecipeError(f"the axis {kind.name} needs values, as in --x {'Steps: 10, 20, 30'!r}")
    try:
        values = kind.values_of(typed)
    except RecipeError as problem:
        raise RecipeError(f"axis {kind.name}: {problem}") from problem
    if not values:
        raise RecipeError(f"axis {kind.name}: {typed.strip()!r} gives no value; a range runs from the lower end up")
    return Axis(knob=kind.name, values=values)


def axis_names() -> Iterator[tuple[str, str]]:
    """(name, paths of the knobs it turns) of every axis that has a name of its own, in A1111's order."""
    for name in _READERS:
        yield name, ""
    for name, paths in KNOBS.items():
        yield name, ", ".join(paths)


def cells(order: Order) -> Iterator[Order]:
    """The order of every cell, without axes, in display order: the last axis runs along a row, the first over pages.

    Raises RecipeError for an axis or a value that isn't possible, and says which.
    """
    bare = order.but(axes=())
    for values in product(*(axis.values for axis in order.axes)):
        cell = bare
        # As A1111 turns X, then Y, then Z: it shows where two axes replace words of one prompt.
        for axis, value in reversed(list(zip(order.axes, values, strict=True))):
            cell = turned(cell, axis, value)
        yield cell


def turned(order: Order, axis: Axis, value: JsonValue) -> Order:
    """The order with one axis at one of its values; what was left to the model there is said now."""
    kind = axis_kind(axis.knob)
    try:
        if kind.fields:
            return _with_knobs(order, kind, value)
        return _TURNS[kind.name](order, axis, value)
    except RecipeError as problem:
        raise RecipeError(f"axis {kind.name}, value {kind.label(value)!r}: {problem}") from problem


def with_drawn_seeds(order: Order, random_seed: Callable[[], int], paths: tuple[str, ...] = SEEDS) -> Order:
    """The order with a seed drawn for every -1 on its axes: once for the whole grid, as A1111 fixes them."""
    axes = tuple(_drawn(axis, random_seed, paths) for axis in order.axes)
    return order if axes == order.axes else order.but(axes=axes)


def _drawn(axis: Axis, random_seed: Callable[[], int], paths: tuple[str, ...]) -> Axis:
    if not any(field.path in paths for field in axis_kind(axis.knob).fields):
        return axis
    return axis.but(values=tuple(random_seed() if value == DRAWN else value for value in axis.values))


def with_knob(recipe: Recipe, path: str, value: object) -> Recipe:
    """The recipe with one knob turned; `path` is dotted ("hires.steps"), and an absent part appears with its defaults."""
    head, _, rest = path.partition(".")
    if not rest:
        return recipe.but(**{head: value})
    if head not in type(recipe).model_fields:
        raise RecipeError(f"no part named {head!r} in a recipe{did_you_mean(head, list(type(recipe).model_fields))}")
    part: Any = getattr(recipe, head)
    fields: dict[str, Any] = {} if part is None else {name: getattr(part, name) for name in part.model_fields_set}
    return recipe.but(**{head: {**fields, rest: value}})


def _with_knobs(order: Order, kind: AxisKind, value: JsonValue) -> Order:
    if kind.name == SEED and value == DRAWN:
        return order.but(seeds="random")
    fields = kind.fields
    if kind.name == DENOISING:
        fields = tuple(field for field in fields if getattr(order.recipe, field.path.partition(".")[0]) is not None)[:1]
        if not fields:
            raise RecipeError("there is nothing to denoise; start from a picture, or add a hires pass")
    recipe = order.recipe
    for field in fields:
        recipe = _with_field(recipe, field, value)
    return _said(order, recipe, tuple(field.path for field in fields))


def _with_field(recipe: Recipe, field: KnobField, value: JsonValue) -> Recipe:
    head, _, rest = field.path.partition(".")
    if head in ("init", "inpaint") and getattr(recipe, head) is None:
        raise RecipeError("it works on a picture to start from, and there is none")
    if field.annotation is ModelRef and isinstance(value, str):
        if value.strip().casefold() in NONE_WORDS:
            return recipe.but(refiner=None) if head == "refiner" else with_knob(recipe, field.path, ModelRef())
        return with_knob(recipe, field.path, ModelRef(name=value))
    if field.path.count(".") > 1:
        raise RecipeError(f"{field.path} lies too deep for an axis; set it for the whole grid with --set")
    return with_knob(recipe, field.path, value) if rest else recipe.but(**{head: value})


def _said(order: Order, recipe: Recipe, paths: tuple[str, ...]) -> Order:
    return order.but(recipe=recipe, left_to_model=tuple(name for name in order.left_to_model if name not in paths))


def _unchanged(order: Order, axis: Axis, value: JsonValue) -> Order:
    return order


def _sized(order: Order, axis: Axis, value: JsonValue) -> Order:
    width, height = size_of(str(value))
    return _said(order, order.recipe.but(width=width, height=height), ("width", "height"))


def _styled(order: Order, axis: Axis, value: JsonValue) -> Order:
    """A value may name several styles between commas; they come after the order's own."""
    names = tuple(name for name in names_of(str(value)) if name.casefold() not in NONE_WORDS)
    return order.but(styles=(*order.styles, *names))


def _replaced(order: Order, axis: Axis, value: JsonValue) -> Order:
    """The axis's first value, wherever it stands in the prompts, replaced by this one."""
    recipe, wanted = order.recipe, str(axis.values[0])
    if wanted not in recipe.prompt and wanted not in recipe.negative_prompt:
        raise RecipeError(f"{wanted!r}, the axis's first value, is what gets replaced, and no prompt has it")
    return order.but(
        recipe=recipe.but(
            prompt=recipe.prompt.replace(wanted, str(value)),
            negative_prompt=recipe.negative_prompt.replace(wanted, str(value)),
        )
    )


def _reordered(order: Order, axis: Axis, value: JsonValue) -> Order:
    """The prompt with these words at the places where they stand, in this order."""
    words = [str(word) for word in value] if isinstance(value, list) else [str(value)]
    prompt = order.recipe.prompt
    missing = [word for word in words if word not in prompt]
    if missing:
        raise RecipeError(f"the prompt has no {missing[0]!r} to be put elsewhere")
    rest, built = prompt, ""
    for standing, coming in zip(sorted(words, key=prompt.find), words, strict=True):
        before, _, rest = rest.partition(standing)
        built += before + coming
    return order.but(recipe=order.recipe.but(prompt=built + rest))


def _reader(field: KnobField) -> Callable[[str], list[Any]]:
    """How a knob's values are typed."""
    if field.choices:
        return lambda text: [_choice(field, word) for word in names_of(text)]
    by_type: Mapping[Any, Callable[[str], list[Any]]] = {int: whole_numbers_of, float: numbers_of, bool: booleans_of}
    # Prompts may be empty; names of samplers and files may not.
    return by_type.get(field.annotation, texts_of if field.path.endswith("prompt") else names_of)


def _choice(field: KnobField, word: str) -> str:
    known = {choice.casefold(): choice for choice in field.choices} | dict(WORDS.get(field.path, {}))
    if word.casefold() not in known:
        raise RecipeError(f"no {field.knob.label} named {word!r}{did_you_mean(word, list(field.choices))}")
    return known[word.casefold()]


def _one_cell(text: str) -> list[str]:
    return [""]


_READERS: Mapping[str, Callable[[str], list[Any]]] = {
    NOTHING: _one_cell,
    PROMPT_SR: texts_of,
    PROMPT_ORDER: orders_of,
    STYLES: texts_of,
    SIZE: sizes_of,
}
_TURNS: Mapping[str, Callable[[Order, Axis, JsonValue], Order]] = {
    NOTHING: _unchanged,
    PROMPT_SR: _replaced,
    PROMPT_ORDER: _reordered,
    STYLES: _styled,
    SIZE: _sized,
}
