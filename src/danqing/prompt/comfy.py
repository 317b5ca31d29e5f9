"""ComfyUI's brackets: only round ones, and a number in them says the weight outright instead of multiplying."""

import math
import re
from collections.abc import Iterator

from danqing.prompt.attention import MOST_WEIGHT, ROUND, Span

TOKEN = re.compile(r"\\[()]|[()]|[^()\\]+|\\")


def comfy_attention(text: str) -> tuple[Span, ...]:
    """Spans with the innermost number as weight, times 1.1 for every pair of brackets without one further in.

    What opens and never closes is text to the end. Neighbours of equal weight stay apart: ComfyUI encodes each by
    itself.
    """
    tokens: list[str] = TOKEN.findall(text)
    closes = _closing(tokens)
    spans: list[Span] = []
    waiting: list[tuple[int, int, float, bool]] = [(0, len(tokens), 1.0, False)]
    while waiting:
        start, end, weight, bracket = waiting.pop()
        if bracket and tokens[end - 1] == ")" and end - start > 1:
            inner = _number(tokens, start + 1, end - 1)
            last = end - 1 if tokens[end - 2] else end - 2  # nothing stood before the number
            waiting.append((start + 1, last, weight * ROUND if inner is None else inner, False))
        elif bracket:
            spans.append(_span(tokens[start:end], weight))
        else:
            items = list(_items(tokens, closes, start, end))
            if all(not is_bracket for _, _, is_bracket in items):
                spans.append(_span(tokens[start:end], weight))
            else:
                waiting += [(*item[:2], weight, item[2]) for item in reversed(items)]
    return tuple(span for span in spans if span.text) or (Span(""),)


def _closing(tokens: list[str]) -> dict[int, int]:
    """Where each opening bracket closes; those that never do are missing."""
    closes: dict[int, int] = {}
    waiting: list[int] = []
    for index, token in enumerate(tokens):
        if token == "(":
            waiting.append(index)
        elif token == ")" and waiting:
            closes[waiting.pop()] = index
    return closes


def _items(tokens: list[str], closes: dict[int, int], start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Stretches of text and bracketed items directly in a range: (start, end, whether it opens with a bracket)."""
    level = 0  # below 0 behind a `)` too many: ComfyUI then takes the next `(` for its partner
    text = index = start
    while index < end:
        if tokens[index] == "(" and level == 0:
            if text < index:
                yield text, index, False
            close = closes.get(index, end)
            text = min(close + 1, end)
            yield index, text, True
            index = text
            continue
        level += {"(": 1, ")": -1}.get(tokens[index], 0)
        index += 1
    if text < end:
        yield text, end, False


def _number(tokens: list[str], start: int, end: int) -> float | None:
    """The weight behind the last colon of a bracket's contents, which is then cut off there; None where there is
    none."""
    if start >= end:
        return None
    words, colon, written = tokens[end - 1].rpartition(":")
    if not colon or (not words and end - 1 == start):
        return None
    try:
        weight = float(written[:400])
    except ValueError:
        return None
    if math.isnan(weight):
        return None
    tokens[end - 1] = words
    return max(-MOST_WEIGHT, min(MOST_WEIGHT, weight))


def _span(tokens: list[str], weight: float) -> Span:
    text = "".join(token[1] if token[0:1] == "\\" and len(token) == 2 else token for token in tokens)
    return Span(text, max(-MOST_WEIGHT, min(MOST_WEIGHT, weight)))
