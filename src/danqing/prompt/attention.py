"""Brackets to weights: a text cut into spans, each with its weight, as A1111, NovelAI and ComfyUI reckon them.
Timelines and AND come before it."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Kind = Literal["text", "break"]

ROUND = 1.1
SQUARE = 1 / 1.1
CURLY = 1.05
MOST_WEIGHT = 1e30
"""A weight beyond it would leave float32 and paint nothing but NaN."""

EXACT_WORK = 1_000_000
BREAK = re.compile(r"\bBREAK\b")


class Span(NamedTuple):
    """A piece of prompt and its weight; kind "break" is BREAK, which closes a chunk and has no text."""

    text: str
    weight: float = 1.0
    kind: Kind = "text"


BREAK_SPAN = Span("", 1.0, "break")


@dataclass(frozen=True)
class Brackets:
    """What brackets do in one dialect: factor by opening sign. `weights` says whether `(x:1.2)` is known, `numbers`
    whether `1.2::x::` is."""

    factors: dict[str, float]
    weights: bool = True
    numbers: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        """Splits a text into escapes, brackets, closing weights, colons and the text between."""
        signs = "".join(f"\\{sign}\\{CLOSING[sign]}" for sign in self.factors)
        # A run of colons is one piece, but for a last one that may begin a weight.
        weight = r":\s*[+-]?[.\d]+\s*\)|" if self.weights else ""
        return re.compile(rf"\\[{signs}\\]|\\|{weight}[{signs}]|[^\\{signs}:]+|:(?::(?!\s*[+-]?[.\d]))*")


CLOSING = {"(": ")", "[": "]", "{": "}"}
OPENING = {closing: opening for opening, closing in CLOSING.items()}
A1111 = Brackets({"(": ROUND, "[": SQUARE})
DANQING = Brackets({"(": ROUND, "[": SQUARE, "{": CURLY})
NOVELAI = Brackets({"{": CURLY, "[": 1 / CURLY}, weights=False, numbers=True)
NUMBERED = re.compile(r"((?<![\w.])[-+]?(?:\d{1,9}\.?\d{0,9}|\.\d{1,9})::|:{2,})")
"""Where `1.2::x::` begins and ends. A number right before the signs begins one, so a text that ends in a number needs a
blank before its end."""


def attention(text: str, brackets: Brackets = A1111) -> tuple[Span, ...]:
    """Spans with the product of all brackets round them; neighbours of equal weight are one. An empty text is one empty
    span.

    A bracket that is never closed holds to the end, one that closes nothing is text. Unlike A1111, BREAK inside
    brackets stays a break and `(a:1.2.3)` is the text `a:1.2.3` in plain brackets.
    """
    reading = _Reading()
    for index, piece in enumerate(NUMBERED.split(text) if brackets.numbers else (text,)):
        if index % 2:
            reading.number(piece)
            continue
        for token in brackets.pattern.finditer(piece):
            _take(reading, token.group(), brackets)
    reading.end_number()
    for sign in brackets.factors:
        for start in reading.open[sign]:
            reading.scale(start, brackets.factors[sign])
    return merged(reading.spans())


@dataclass
class _Reading:
    """What has been read: texts, which of them are breaks, where brackets stand open, and the factors laid over
    stretches of texts."""

    texts: list[str] = field(default_factory=list[str])
    breaks: set[int] = field(default_factory=set[int])
    open: dict[str, list[int]] = field(default_factory=lambda: {"(": [], "[": [], "{": []})
    factors: list[tuple[int, int, float]] = field(default_factory=list[tuple[int, int, float]])
    numbered: tuple[int, float] | None = None
    """Where a `1.2::` began, and its weight."""

    def number(self, sign: str) -> None:
        """`1.2::` ends the weight before it and begins its own; `::` alone ends it, or is text where none began."""
        written = sign.rstrip(":")
        if not written and self.numbered is None:
            self.add(sign)
        self.end_number()
        if written:
            self.numbered = len(self.texts), float(written)

    def end_number(self) -> None:
        if self.numbered is not None:
            self.scale(*self.numbered)
        self.numbered = None

    def scale(self, start: int, factor: float) -> None:
        self.factors.append((start, len(self.texts), factor))

    def add(self, text: str) -> None:
        # Blanks are cut from the parts, not matched by the pattern: `\s*BREAK` is quadratic in a long run of blanks.
        parts = BREAK.split(text)
        for index, part in enumerate(parts):
            if index:
                self.breaks.add(len(self.texts))
                self.texts.append("")
                part = part.lstrip()
            self.texts.append(part.rstrip() if index < len(parts) - 1 else part)

    def spans(self) -> Iterator[Span]:
        for index, (text, weight) in enumerate(zip(self.texts, weights_of(len(self.texts), self.factors), strict=True)):
            yield BREAK_SPAN if index in self.breaks else Span(text, weight)


def _take(reading: _Reading, token: str, brackets: Brackets) -> None:
    if token[0] == "\\":
        reading.add(token[1:])
    elif token in brackets.factors:
        reading.open[token].append(len(reading.texts))
    elif token[0] == ":" and token[-1] == ")":
        weight = number(token[1:-1])
        if weight is None:
            reading.add(token[:-1])
        if not reading.open["("]:
            reading.add(token if weight is not None else ")")
        else:
            reading.scale(reading.open["("].pop(), ROUND if weight is None else weight)
    elif OPENING.get(token) in brackets.factors and reading.open[OPENING[token]]:
        reading.scale(reading.open[OPENING[token]].pop(), brackets.factors[OPENING[token]])
    else:
        reading.add(token)


def number(text: str) -> float | None:
    """A weight as people write it (`1.2`, ` +.5 `, `-1`), within what float32 holds; None for `1.2.3` and the like."""
    try:
        value = float(text.strip()[:400])
    except ValueError:
        return None
    return None if math.isnan(value) else max(-MOST_WEIGHT, min(MOST_WEIGHT, value))


def weights_of(count: int, factors: list[tuple[int, int, float]]) -> list[float]:
    """The product of the factors over each of `count` places, multiplied in the order given while that is cheap.

    Thousands of brackets in brackets would take quadratic time; then logarithms are added up, right to about 1e-12.
    """
    if sum(end - start for start, end, _ in factors) > EXACT_WORK:
        return _weights_by_logarithm(count, factors)
    weights = [1.0] * count
    for start, end, factor in factors:
        for index in range(start, end):
            weights[index] *= factor
    return [max(-MOST_WEIGHT, min(MOST_WEIGHT, weight)) for weight in weights]


def _weights_by_logarithm(count: int, factors: list[tuple[int, int, float]]) -> list[float]:
    logs, signs, zeros = ([0.0] * (count + 1) for _ in range(3))
    for start, end, factor in factors:
        for place, way in ((start, 1), (end, -1)):
            logs[place] += way * math.log(abs(factor)) if factor else 0.0
            signs[place] += way * (factor < 0)
            zeros[place] += way * (factor == 0)
    weights: list[float] = []
    log = sign = zero = 0.0
    for index in range(count):
        log, sign, zero = log + logs[index], sign + signs[index], zero + zeros[index]
        size = 0.0 if zero else math.exp(max(-700.0, min(math.log(MOST_WEIGHT), log)))
        weights.append(-size if sign % 2 else size)
    return weights


def merged(spans: Iterator[Span]) -> tuple[Span, ...]:
    """Neighbours of equal weight joined, breaks kept; one empty span when there is nothing."""
    result: list[tuple[list[str], float, Kind]] = []
    for span in spans:
        if result and span.kind == "text" == result[-1][2] and result[-1][1] == span.weight:
            result[-1][0].append(span.text)
        else:
            result.append(([span.text], span.weight, span.kind))
    return tuple(Span("".join(texts), weight, kind) for texts, weight, kind in result) or (Span(""),)
