"""JSON in and out, strictly: what comes may hold no infinities and no half letters, so that whatever is echoed is JSON again."""

import json
import math
import re
from collections.abc import Callable
from typing import Any, cast

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import JSONResponse, Response

from danqing.base.errors import RecipeError

HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escaped half of a surrogate pair, alone or beside the other."""


class Answer(JSONResponse):
    """JSON as ASCII: half surrogate pairs, which a picture's texts may hold, survive as escapes."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def read_json(body: bytes) -> Any:
    """The JSON in a body, halves of surrogate pairs replaced: no database holds them.

    Raises RequestValidationError for what is none, and for numbers that JSON can't hold.
    """
    try:
        found = json.loads(body, parse_constant=_no_constant, parse_float=_finite)
        return _whole(found) if HALF.search(body) else found
    except (ValueError, RecursionError) as problem:
        told = {
            "type": "json_invalid",
            "loc": ("body",),
            "msg": f"JSON decode error: {str(problem)[:200]}",
            "input": {},
        }
        raise RequestValidationError([told]) from problem


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_whole(name): _whole(one) for name, one in cast("dict[str, Any]", value).items()}
    return value


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is no number that JSON has")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


class StrictRequest(Request):
    """A request whose JSON is read strictly; an empty body is an empty object, as void POSTs have it."""

    async def json(self) -> Any:
        body = await self.body()
        return read_json(body) if body.strip() else {}


class StrictRoute(APIRoute):
    """A route that reads its requests so."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return cast("Response", await handle(StrictRequest(request.scope, request.receive)))

        return strictly


async def object_in(request: Request) -> dict[str, Any]:
    """The JSON object in a body whose fields aren't known beforehand. Raises RecipeError for anything else."""
    found = await StrictRequest(request.scope, request.receive).json()
    if not isinstance(found, dict):
        raise RecipeError(f"a JSON object is needed, found {type(found).__name__}")
    return cast("dict[str, Any]", found)
