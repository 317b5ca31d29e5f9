"""The base of everything that never changes: a frozen pydantic model with `but`, canonical JSON and errors that a user can read."""

import hashlib
import json
import math
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.table import did_you_mean


class Value(BaseModel):
    """A value: equal when its fields are equal, changed only by making another with `but`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants")

    atomic: ClassVar[bool] = False
    """True for references (a model, an image) that doors show as one field."""
    error: ClassVar[type[DanqingError]] = RecipeError

    def __init__(self, **fields: Any) -> None:
        """Raises the class's `error` in plain words, with the dotted path of the field."""
        try:
            super().__init__(**fields)
        except ValidationError as problem:
            raise self.error(explain(problem, type(self))) from problem

    # Says to pydantic that this is its own __init__ in other words: parts inside a value are then checked by the core,
    # which keeps the path to the field ("hires.upscale") that a nested call would lose.
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]

    @classmethod
    def model_validate(cls, obj: Any, **how: Any) -> Self:
        """As pydantic's, with `error` in plain words."""
        try:
            return super().model_validate(obj, **how)
        except ValidationError as problem:
            raise cls.error(explain(problem, cls)) from problem

    def but(self, **changes: Any) -> Self:
        """The same value with some fields changed, checked again. Fields that were never set stay unset."""
        kept = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).model_validate({**kept, **changes})

    def sparse(self) -> dict[str, Any]:
        """JSON-ready fields that differ from their defaults: what digests and files hold."""
        return self.model_dump(mode="json", exclude_defaults=True)


def canonical_json(data: Any) -> str:
    """One text for one value: keys sorted, no spaces, no NaN, UTF-8 left as it is."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(text: str) -> str:
    """Hex sha256 of a text's UTF-8 bytes; lone surrogates, which a hostile prompt may hold, are kept as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def explain(problem: ValidationError, model: type[BaseModel]) -> str:
    """The first thing that is wrong, as one sentence: where, what is possible, what was found."""
    first = problem.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or model.__name__
    sentence = _sentence(first, where, model)
    more = problem.error_count() - 1
    return sentence + (f" (and {more} more)" if more else "")


def _sentence(detail: ErrorDetails, where: str, model: type[BaseModel]) -> str:
    found = _short(detail.get("input"))
    context: dict[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    if kind == "extra_forbidden":
        *path, name = (str(part) for part in detail["loc"])
        owner = _part_at(model, path)
        return f"{'.'.join(path) or model.__name__} has no field {name!r}{did_you_mean(name, list(owner.model_fields))}"
    if kind == "missing":
        return f"{where} is missing"
    if kind in ("less_than_equal", "less_than"):
        return f"{where} must be at most {_number(context.get('le', context.get('lt')))}, found {found}"
    if kind in ("greater_than_equal", "greater_than"):
        return f"{where} must be at least {_number(context.get('ge', context.get('gt')))}, found {found}"
    if kind.startswith("int_"):
        return f"{where} must be a whole number, found {found}"
    if kind in ("float_parsing", "float_type", "finite_number"):
        return f"{where} must be a number, found {found}"
    if kind == "literal_error":
        return f"{where} must be one of {context.get('expected')}, found {found}"
    return f"{where}: {detail['msg'].removeprefix('Value error, ')}, found {found}"


def _part_at(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """The class of the part that a path leads to; the model itself where it leads into something else."""
    for name in path:
        field = model.model_fields.get(name)
        parts = (field.annotation, *get_args(field.annotation)) if field else ()
        found = [part for part in parts if isinstance(part, type) and issubclass(part, BaseModel)]
        if not found:
            return model
        model = found[0]
    return model


def _number(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    return str(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
