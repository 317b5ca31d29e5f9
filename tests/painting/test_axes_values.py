"""Values of axes against what A1111's own functions made of them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from danqing.base.errors import RecipeError
from danqing.painting.axes_values import (
    booleans_of,
    names_of,
    numbers_of,
    orders_of,
    sizes_of,
    texts_of,
    whole_numbers_of,
)

GOLDEN = Path(__file__).parents[1] / "golden"
READERS: dict[str, Callable[[str], list[Any]]] = {
    "int": whole_numbers_of,
    "float": numbers_of,
    "str": texts_of,
    "perm": orders_of,
}


def golden() -> Iterator[object]:
    for case in json.loads((GOLDEN / "a1111_xyz.json").read_text(encoding="utf-8")):
        yield pytest.param(case["type"], case["in"], case.get("out"), id=f"{case['type']} {case['in']}")
    for case in json.loads((GOLDEN / "xyz_axis.json").read_text(encoding="utf-8"))["cases"]:
        if case["type"] in READERS:
            refused = isinstance(case["expected"], dict)
            yield pytest.param(case["type"], case["text"], None if refused else case["expected"], id=case["id"])


@pytest.mark.parametrize(("kind", "text", "expected"), list(golden()))
def test_values_are_read_as_a1111_reads_them(kind: str, text: str, expected: list[Any] | None) -> None:
    if expected is None:
        with pytest.raises(RecipeError):
            READERS[kind](text)
    elif kind == "float":
        assert READERS[kind](text) == pytest.approx(expected, abs=1e-9)
    else:
        assert READERS[kind](text) == expected


def test_names_are_never_empty() -> None:
    assert names_of(' Euler a,, "DPM++ 2M, Karras" ,') == ["Euler a", "DPM++ 2M, Karras"]


def test_booleans_and_sizes() -> None:
    assert booleans_of("True, false, yes, 0") == [True, False, True, False]
    assert sizes_of("512x768, 640 × 640") == ["512x768", "640x640"]


@pytest.mark.parametrize(
    ("reader", "text", "word"),
    [
        (whole_numbers_of, "7.5", "no whole number"),
        (whole_numbers_of, "1-5 (+0)", "leads nowhere"),
        (whole_numbers_of, "1-99999999", "too many"),
        (whole_numbers_of, "1-5 [99999999]", "too many"),
        (numbers_of, "0-1 (+0.0)", "leads nowhere"),
        (numbers_of, "0-1 (+0.0000001)", "too many"),
        (numbers_of, "nan", "no number"),
        (numbers_of, "1e400", "no number"),
        (orders_of, "a,b,c,d,e,f,g,h,i,j", "too many"),
        (booleans_of, "perhaps", "neither true nor false"),
        (sizes_of, "512", "width first"),
        (texts_of, "x" * 200_000, "between commas"),
    ],
)
def test_what_is_no_value_is_told(reader: Callable[[str], list[Any]], text: str, word: str) -> None:
    with pytest.raises(RecipeError, match=word):
        reader(text)
