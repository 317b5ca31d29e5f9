"""How the values of an axis are typed: A1111's lists, ranges and counts, as text to values. What they turn is not known here."""

import csv
import io
import re
from itertools import chain, permutations
from math import factorial

import numpy as np

from danqing.base.errors import RecipeError

MOST_VALUES = 10_000
"""On one axis: a range typed with a zero too many must not fill the memory."""
INT_RANGE = re.compile(r"([+-]?\d{1,18})\s*-\s*([+-]?\d{1,18})(?:\s*\(([+-]\d{1,18})\s*\))?")
INT_COUNT = re.compile(r"([+-]?\d{1,18})\s*-\s*([+-]?\d{1,18})\s*\[(\d{1,18})\s*\]")
FLOAT = r"[+-]?\d{1,18}(?:\.\d{0,18})?"
FLOAT_RANGE = re.compile(rf"({FLOAT})\s*-\s*({FLOAT})(?:\s*\(([+-]\d{{1,18}}(?:\.\d{{0,18}})?)\s*\))?")
FLOAT_COUNT = re.compile(rf"({FLOAT})\s*-\s*({FLOAT})\s*\[(\d{{1,18}})\s*\]")
SIZE = re.compile(r"(\d{1,6})\s*[xX×*]\s*(\d{1,6})")
YES, NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def texts_of(text: str) -> list[str]:
    """Values between commas, trimmed; quotes keep a comma, and an empty value stays one."""
    try:
        found = [value.strip() for value in chain.from_iterable(csv.reader(io.StringIO(text), skipinitialspace=True))]
    except csv.Error as problem:
        raise RecipeError(f"{text[:60]!r} can't be read as values between commas ({problem})") from problem
    _refuse_too_many(len(found))
    return found


def names_of(text: str) -> list[str]:
    """As `texts_of`, empty values left out: no sampler and no file has an empty name."""
    return [value for value in texts_of(text) if value]


def whole_numbers_of(text: str) -> list[int]:
    """Whole numbers: `1, 2, 5-7`, `1-10 (+2)`, `10-1 (-3)`, `1-10 [5]` for five spread over the range."""
    return list(chain.from_iterable(map(_whole_numbers, names_of(text))))


def numbers_of(text: str) -> list[float]:
    """Numbers: `7, 8.5`, `1-3` in ones, `7-15 (+2.5)`, `0-1 [5]`. As in A1111 a step may lead beyond the end."""
    return list(chain.from_iterable(map(_numbers, names_of(text))))


def booleans_of(text: str) -> list[bool]:
    """`true, false`, also yes and no, on and off, 1 and 0."""
    return [boolean_of(word) for word in names_of(text)]


def boolean_of(word: str) -> bool:
    """One of these words. Raises RecipeError for any other."""
    plain = word.strip().casefold()
    if plain not in (*YES, *NO):
        raise RecipeError(f"{word!r} is neither true nor false")
    return plain in YES


def sizes_of(text: str) -> list[str]:
    """`512x768, 640x640`: each as WIDTHxHEIGHT."""
    return ["x".join(map(str, size_of(word))) for word in names_of(text)]


def size_of(word: str) -> tuple[int, int]:
    """(width, height) of `512x768`."""
    match = SIZE.fullmatch(word.strip())
    if match is None:
        raise RecipeError(f"{word!r} is no size; possible: 512x768, width first")
    return int(match[1]), int(match[2])


def orders_of(text: str) -> list[list[str]]:
    """Every order that the values can stand in, the typed one first."""
    words = names_of(text)
    _refuse_too_many(factorial(min(len(words), 20)))
    return [list(order) for order in permutations(words)]


def _whole_numbers(word: str) -> list[int]:
    if match := INT_RANGE.fullmatch(word):
        step = int(match[3] or 1)
        if step == 0:
            raise RecipeError(f"{word!r}: a step of 0 leads nowhere")
        # A1111 adds 1 to the end whatever the sign of the step: 10-1 (-3) ends at 4, not at 1.
        steps = range(int(match[1]), int(match[2]) + 1, step)
        _refuse_too_many(len(steps))
        return list(steps)
    if match := INT_COUNT.fullmatch(word):
        return [int(value) for value in _spread(match)]
    try:
        return [int(word)]
    except ValueError:
        raise RecipeError(
            f"{word!r} is no whole number; possible: 20, 1-5, 1-10 (+2) in steps of two, 1-10 [5] for five of them"
        ) from None


def _numbers(word: str) -> list[float]:
    if match := FLOAT_RANGE.fullmatch(word):
        start, end, step = float(match[1]), float(match[2]), float(match[3] or 1)
        if step == 0:
            raise RecipeError(f"{word!r}: a step of 0 leads nowhere")
        _refuse_too_many(int(np.ceil((end + step - start) / step)))
        return [float(value) for value in np.arange(start, end + step, step)]
    if match := FLOAT_COUNT.fullmatch(word):
        return _spread(match)
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise RecipeError(f"{word!r} is no number; possible: 7.5, 1-3, 7-15 (+2.5) in steps, 0-1 [5] for five of them")
    return [value]


def _spread(match: re.Match[str]) -> list[float]:
    _refuse_too_many(int(match[3]))
    return [float(value) for value in np.linspace(float(match[1]), float(match[2]), int(match[3]))]


def _refuse_too_many(count: int) -> None:
    if count > MOST_VALUES:
        raise RecipeError(f"{count:,} values on one axis are too many; at most {MOST_VALUES:,} are possible")
