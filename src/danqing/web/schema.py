"""The OpenAPI of the application, with what knobs say of themselves: label and help beside each field's bounds."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from danqing.base.knobs import knob_of, part_of
from danqing.base.order import Order
from danqing.base.value import Value


def describe(app: FastAPI) -> dict[str, Any]:
    """The description, made at the first question."""
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = described.get("components", {}).get("schemas", {})
        for value in _values(Order):
            for name in (value.__name__, f"{value.__name__}-Input"):
                _tell_knobs(schemas.get(name, {}).get("properties", {}), value)
        app.openapi_schema = described
    return app.openapi_schema


def _values(model: type[Value]) -> Iterator[type[Value]]:
    """A value's class and those of its parts."""
    yield model
    for field in model.model_fields.values():
        part = part_of(field.annotation)
        if part is not None:
            yield from _values(part)


def _tell_knobs(properties: dict[str, Any], value: type[Value]) -> None:
    for name, field in value.model_fields.items():
        knob = knob_of(field)
        if knob is not None and name in properties:
            properties[name] |= {"title": knob.label, "description": knob.help}
