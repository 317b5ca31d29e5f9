"""Compel's prompts, as InvokeAI writes them: `word++`, `(phrase)1.3`, `("a", "b").blend(0.7, 0.3)`, `.and()`, `cat.swap(dog)`."""

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
OPTION = re.compile(r",\s*([a-z_]+)\s*=\s*(\d?\.?\d{1,9})\s*(?=,|$)")
USUAL_START = 0.2
"""The share of the steps after which a swap's second words come in, where none is said; Compel's own is about the same."""

Joint = Literal["one", "and", "blend"]


@dataclass(frozen=True)
class Conjunction:
    """The prompts of one text. "and" lays their encodings behind each other, "blend" mixes them by weight."""

    parts: tuple[WeightedText, ...]
    joint: Joint = "one"


@dataclass(frozen=True)
class Swap:
    """`before.swap(after, s_start=0.2)`: the picture is laid out with `before` and painted with `after`."""

    before: str
    after: str
    start: float = USUAL_START


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
    """Spans with the product of all weights round them: a plus is 1.1, a minus 0.9. Swaps are taken out before."""
    texts: list[str] = []
    factors: list[tuple[int, int, float]] = []
    opened: list[int] = []
    for found in TOKEN.finditer(text):
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


def swaps_in(text: str) -> tuple[str | Swap, ...]:
    """The text with its swaps in their places; a text without any is one piece.

    Exchanging attention maps, as Compel does it, is another matter; a switch at the same share of the steps comes near.
    """
    pieces: list[str | Swap] = []
    done = 0
    while (at := text.find(SWAP, done)) >= 0 and (close := text.find(")", at)) >= 0:
        start = text.rfind("(", done, at) if text[at - 1 : at] == ")" else at - len(_last_word(text[done:at]))
        start = max(done, start)
        pieces += [text[done:start], _swap(text[start:at], text[at + len(SWAP) : close])]
        done = close + 1
    return (*pieces, text[done:])


def swapped(text: str, share: float) -> str:
    """The text as it stands after a share of the steps."""
    texts = (
        piece if isinstance(piece, str) else piece.after if share > piece.start else piece.before
        for piece in swaps_in(text)
    )
    return "".join(texts)


def _swap(before: str, arguments: str) -> Swap:
    options = {found.group(1): float(found.group(2)) for found in OPTION.finditer(arguments)}
    after = OPTION.sub("", arguments)
    start = options.get("s_start", options.get("shape_freedom", USUAL_START))
    return Swap(_bare(before.removeprefix("(").removesuffix(")")), _bare(after), min(1.0, start))


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def _last_word(text: str) -> str:
    end = next((place for place in range(len(text), 0, -1) if text[place - 1] in ' \t\n().,"'), 0)
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
