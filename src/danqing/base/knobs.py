"""A knob says everything a door needs to show and check one field: label, help, range, step, choices, cost, its name in the infotext."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import BaseMetadata, Ge, GroupedMetadata, Le
from pydantic.fields import FieldInfo

from danqing.base.value import Value

Group = Literal["basic", "advanced", "expert"]


@dataclass(frozen=True)
class Knob(GroupedMetadata):
    """Metadata of a recipe field, given as `Annotated[int, Knob(...)]`; `least` and `most` are checked by pydantic.

    `cost` orders X/Y/Z axes: 1.0 is a change of checkpoint, 0.0 one that costs nothing. `infotext` is A1111's key.
    """

    label: str
    help: str
    least: float | None = None
    most: float | None = None
    step: float | None = None
    cost: float = 0.0
    infotext: str = ""
    group: Group = "advanced"

    def __iter__(self) -> Iterator[BaseMetadata]:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.least is not None:
            yield Ge(self.least)
        if self.most is not None:
            yield Le(self.most)


@dataclass(frozen=True)
class KnobField:
    """One knob where it stands: `path` is dotted from the recipe ('hires.steps'); `choices` are a Literal's values."""

    path: str
    knob: Knob
    annotation: Any
    default: Any
    choices: tuple[str, ...] = ()


def knob_of(field: FieldInfo) -> Knob | None:
    """The knob in a field's metadata."""
    for item in field.metadata:
        if isinstance(item, Knob):
            return item
    return None


def knobs(model: type[Value], prefix: str = "") -> Iterator[KnobField]:
    """Every knob of a value and of its parts, in the order of declaration. Parts that may be absent are walked too."""
    for name, field in model.model_fields.items():
        knob = knob_of(field)
        part = part_of(field.annotation)
        if knob is not None:
            default = field.get_default(call_default_factory=True)
            yield KnobField(prefix + name, knob, field.annotation, default, choices_of(field.annotation))
        if part is not None:
            yield from knobs(part, f"{prefix}{name}.")


def part_of(annotation: Any) -> type[Value] | None:
    """The part's class when a field holds one part, perhaps optional; None for plain values and for sequences of parts."""
    for candidate in (annotation, *(() if get_origin(annotation) is tuple else get_args(annotation))):
        if isinstance(candidate, type) and issubclass(candidate, Value) and not candidate.atomic:
            return candidate
    return None


def choices_of(annotation: Any) -> tuple[str, ...]:
    """The values of a Literal annotation."""
    if get_origin(annotation) is Literal:
        return tuple(str(choice) for choice in get_args(annotation))
    return ()
