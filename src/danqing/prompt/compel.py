"""Compel's prompts, as InvokeAI writes them: `word++`, `(phrase)1.3`, `("a", "b").blend(0.7, 0.3)` and `.and()`."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from danqing.prompt.attention import BREAK_SPAN, MOST_WEIGHT, Span, merged, number, weights_of
from danqing.prompt.composition import WeightedText

PLUS, MINUS = 1.1, 0.9
TOKEN = re.compile(
    r"\\."
    r"|\)(?:(?P<signs>\++|-+)|(?P<number>-?(?:\d+\.?\d*|\.\d+)))?"
    r"|\("
    r"|(?P<word>[^\s()\\+,;:!?\"-]+(?:-[^\s()\\+,;:!?\"-]+)*)(?P<stress>\++|-+)(?=[\s,;:!?)\"]|$)"
    r"|[^\s()\\+,;:!?\"-]+(?:-[^\s()\\+,;:!?\"-]+)*|\s+|.",
    re.DOTALL,
)
QUOTED = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*')
CALL = re.compile(r"\.(and|blend)\(([-\d.,\s]*)\)\s*\Z")
SWAP = ".swap("

Joint = Literal["one", "and", "blend"]


@dataclass(frozen=True)
class Conjunction:
    """The prompts of one text. "and" lays their encodings behind each other, "blend" mixes them by weight."""

    parts: tuple[WeightedText, ...]
    joint: Joint = "one"


def compel_parts(text: str) -> Conjunction:
    """`("a", "b").blend(.7, .3)` to its parts, weights 1 where none are given; any other text is one part."""
    call = CALL.search(text, max(0, text.rfind(").")))
    start = text.find("(")
    if call is None or start < 0 or text[:start].strip():
        return Conjunction((WeightedText(text),))
    parts: list[str] = []
    at = start + 1
    while found := QUOTED.match(text, at):
        parts.append(found.group(1))
        at = found.end() + 1
        if text[found.end() : at] != ",":
            break
    if not parts or text[at - 1 : at] != ")" or at != call.start():
        return Conjunction((WeightedText(text),))
    given = [number(word) for word in call.group(2).split(",") if word.strip()]
    weights = [1.0 if weight is None else weight for weight in given] + [1.0] * len(parts)
    told = tuple(WeightedText(part, weight) for part, weight in zip(parts, weights, strict=False))
    return Conjunction(told, "and" if call.group(1) == "and" else "blend")


def compel_attention(text: str) -> tuple[Span, ...]:
    """Spans with the product of all weights round them: a plus is 1.1, a minus 0.9. Of `cat.swap(dog)` the second is
    taken."""
    texts: list[str] = []
    factors: list[tuple[int, int, float]] = []
    opened: list[int] = []
    for found in TOKEN.finditer(_swapped(text)):
        token = found.group()
        if token == "(":
            opened.append(len(texts))
        elif token[0] == ")" and opened:
            factors.append((opened.pop(), len(texts), _factor(found.group("signs"), found.group("number"))))
        elif found.group("word"):
            texts.append(found.group("word"))
            factors.append((len(texts) - 1, len(texts), _factor(found.group("stress"), None)))
        else:
            texts.append(token[1:] if token[0] == "\\" and len(token) == 2 else token)
    weights = weights_of(len(texts), factors)
    return merged(Span(piece, weight) for piece, weight in zip(texts, weights, strict=True))


def _swapped(text: str) -> str:
    """The text with the second word of every swap: exchanging them in the attention maps is another matter."""
    pieces: list[str] = []
    done = 0
    while (at := text.find(SWAP, done)) >= 0 and (close := text.find(")", at)) >= 0:
        start = text.rfind("(", done, at) if text[at - 1 : at] == ")" else at - len(_last_word(text[done:at]))
        pieces += [text[done : max(done, start)], text[at + len(SWAP) : close]]
        done = close + 1
    return "".join(pieces) + text[done:]


def _last_word(text: str) -> str:
    end = next((place for place in range(len(text), 0, -1) if text[place - 1] in " \t\n().,"), 0)
    return text[end:]


def compel_spans(text: str) -> tuple[Span, ...]:
    """Spans of a text that is no blend: the parts of an `.and()` have a break between them."""
    spans: list[Span] = []
    for part in compel_parts(text).parts:
        spans += [BREAK_SPAN] if spans else []
        spans += [span._replace(weight=span.weight * part.weight) for span in compel_attention(part.text)]
    return tuple(spans)


def _factor(signs: str | None, written: str | None) -> float:
    if written:
        return number(written) or 0.0
    if not signs:
        return 1.0
    base = PLUS if signs[0] == "+" else MINUS
    return min(MOST_WEIGHT, math.exp(min(60.0, len(signs) * math.log(base))))
