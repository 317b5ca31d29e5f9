"""The grammar of variants: `{a|b}`, `{2$$a|b}`, `__wildcard__`, `${name=...}`, `%{...$$...}` to a tree. Choosing is
variants.py's part."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from danqing.base.errors import PromptError

Method = Literal["", "random", "every", "cycle"]
METHODS: Mapping[str, Method] = {"~": "random", "!": "every", "@": "cycle"}
DEEPEST = 40


@dataclass(frozen=True)
class Sequence:
    """Pieces one after another; a text is a piece."""

    items: tuple["Piece", ...]


@dataclass(frozen=True)
class Choice:
    """`{low-high$$separator$$a|0.5::b}`: some of the options, none twice. `high` None is as many as there are."""

    options: tuple[tuple[float, Sequence], ...]
    low: int = 1
    high: int | None = 1
    separator: str = ","
    method: Method = ""


@dataclass(frozen=True)
class Wildcard:
    """`__path__`, perhaps with variables: `__path(season=winter)__`."""

    path: Sequence
    method: Method = ""
    variables: tuple[tuple[str, Sequence], ...] = ()


@dataclass(frozen=True)
class Assign:
    """`${name=value}`; `at_once` (`=!`) chooses now, else anew at every use; `keep` (`?=`) yields to a value that is
    there."""

    name: str
    value: Sequence
    at_once: bool = False
    keep: bool = False


@dataclass(frozen=True)
class Variable:
    """`${name}` or `${name:default}`."""

    name: str
    default: Sequence | None = None


@dataclass(frozen=True)
class Wrap:
    """`%{before ... after$$inner}`: the dots stand for what is inside."""

    wrapper: Sequence
    inner: Sequence


Piece = str | Sequence | Choice | Wildcard | Assign | Variable | Wrap

COMMENT = re.compile(r"(?:^|(?<=\s))#(?:[^\S\n][^\n]*|$)", re.MULTILINE)
TEXT = re.compile(r"[^\\{}_$%\[\]|]+")
METHOD = re.compile(r"\s*([~!@])?")
BOUNDS = re.compile(r"\s*(?:(\d{1,4})\s*-\s*(\d{1,4})|(\d{1,4})\s*-|-\s*(\d{1,4})|(\d{1,4}))\s*\$\$(?:([^${}]+)\$\$)?")
WEIGHT = re.compile(r"\s*([+-]?(?:\d{1,9}\.?\d{0,9}|\.\d{1,9}))\s*::")
NAME = re.compile(r"\s*([A-Za-z_-][\w-]*)\s*")
ASSIGN = re.compile(r"(\??)=(!?)\s*")
PATH = re.compile(r"__\s*([~!@]?)((?:(?!__)[^({}#])+)(?:\(([^)]*)\))?\s*__")


def parse_template(text: str, emphasis: bool = True) -> Sequence:
    """The tree of a template. With `emphasis` a brace group without a top-level `|` or `n$$` is no variant but stays as
    written (NovelAI's `{x}`); without it every brace group is one, as in the Dynamic Prompts extension.

    A `#` that stands alone begins a comment. Raises PromptError for a variant that is never closed, or nested more than
    40 deep.
    """
    if not any(sign in text for sign in ("{", "__", "#")):
        return Sequence((text,) if text else ())
    return _Parser(COMMENT.sub("", text), emphasis).whole()


def variant_places(text: str) -> tuple[list[tuple[int, int, Piece]], str]:
    """(start, end, piece) of everything in a template that isn't plain text, and the text meant: without comments."""
    if not any(sign in text for sign in ("{", "__", "#")):
        return [], text
    parser = _Parser(COMMENT.sub("", text), emphasis=True)
    places: list[tuple[int, int, Piece]] = []
    while (start := parser.at) < len(parser.text):
        piece = parser.piece(len(parser.text))
        if not isinstance(piece, str):
            places.append((start, parser.at, piece))
    return places, parser.text


class _Parser:
    """Reads from left to right; the depth is bounded, so it may recurse."""

    def __init__(self, text: str, emphasis: bool) -> None:
        self.text = text
        self.emphasis = emphasis
        self.at = 0
        self.depth = 0
        self.closes, self.bars = _braces(text)

    def whole(self) -> Sequence:
        return self.sequence(len(self.text), ())

    def sequence(self, end: int, stops: tuple[int, ...]) -> Sequence:
        """Pieces up to `end` or the first of `stops`; an escape keeps its backslash for the brackets' own reading."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise PromptError(f"variants are nested more than {DEEPEST} deep at character {self.at + 1}")
        items: list[Piece] = []
        texts: list[str] = []
        while self.at < end and self.at not in stops:
            piece = self.piece(end)
            if isinstance(piece, str):
                texts.append(piece)
                continue
            if texts:
                items.append("".join(texts))
                texts = []
            items.append(piece)
        if texts:
            items.append("".join(texts))
        self.depth -= 1
        return Sequence(tuple(items))

    def piece(self, end: int) -> Piece:
        text, at = self.text, self.at
        sign = text[at]
        found = TEXT.match(text, at, end)
        if found:
            self.at = found.end()
            return found.group()
        if sign == "\\":
            self.at = min(at + 2, end)
            return text[at : self.at]
        if sign in "$%" and text.startswith("{", at + 1, end) and at + 1 in self.closes:
            piece = self.variable() if sign == "$" else self.wrap()
            if piece is not None:
                return piece
        if sign == "{":
            return self.braces()
        if sign == "_" and (path := PATH.match(text, at, end)):
            return self.wildcard(path)
        self.at = at + 1
        return sign

    def braces(self) -> Piece:
        """A choice, or the brace alone where the group is emphasis or nothing."""
        start = self.at
        bounds = BOUNDS.match(self.text, self.method(start + 1)[1])
        bars = self.bars.get(start, [])
        variant = bool(bars or bounds) or not self.emphasis
        if variant and start not in self.closes:
            raise PromptError(f"the {{ at character {start + 1} is never closed; close it with }} or write \\{{")
        if not variant:
            self.at = start + 1
            return "{"
        return self.choice(start, self.closes[start], bars)

    def choice(self, start: int, end: int, bars: list[int]) -> Choice:
        method, self.at = self.method(start + 1)
        low, high, separator = 1, 1, ","
        bounds = BOUNDS.match(self.text, self.at, end)
        if bounds:
            low, high, separator = _bounds(bounds)
            self.at = bounds.end()
            bars = [bar for bar in bars if bar >= self.at]
        options: list[tuple[float, Sequence]] = []
        for stop in (*bars, end):
            weight = WEIGHT.match(self.text, self.at, stop)
            self.at = weight.end() if weight else self.skip_blanks(self.at, stop)
            option = self.sequence(stop, (stop,))
            options.append((max(0.0, float(weight.group(1))) if weight else 1.0, option))
            self.at = stop + 1
        return Choice(tuple(options), low, high, separator, method)

    def variable(self) -> Piece | None:
        """`${...}`; None where no name stands in it."""
        end = self.closes[self.at + 1]
        name = NAME.match(self.text, self.at + 2, end)
        if not name:
            return None
        begin = name.end()
        assign = ASSIGN.match(self.text, begin, end)
        if assign:
            value = self.inside(assign.end(), end)
            return Assign(name.group(1), value, bool(assign.group(2)), bool(assign.group(1)))
        if begin < end and self.text[begin] != ":":
            return None
        default = self.inside(begin + 1, end) if begin < end else None
        self.at = end + 1
        return Variable(name.group(1), default)

    def wrap(self) -> Piece | None:
        end = self.closes[self.at + 1]
        middle = self.text.find("$$", self.at, end)
        if middle < 0:
            return None
        self.at += 2
        wrapper = self.sequence(middle, (middle,))
        return Wrap(wrapper, self.inside(middle + 2, end))

    def inside(self, start: int, end: int) -> Sequence:
        """The contents from `start` to a closing brace, which is passed."""
        self.at = self.skip_blanks(start, end)
        inner = self.sequence(end, (end,))
        self.at = end + 1
        return inner

    def method(self, at: int) -> tuple[Method, int]:
        """How the options take turns, and where they begin."""
        found = METHOD.match(self.text, at)
        return (METHODS.get(found.group(1) or "", ""), found.end()) if found else ("", at)

    def skip_blanks(self, start: int, end: int) -> int:
        while start < end and self.text[start].isspace():
            start += 1
        return start

    def wildcard(self, found: re.Match[str]) -> Wildcard:
        self.at = found.end()
        given = [pair.partition("=") for pair in (found.group(3) or "").split(",") if pair.strip()]
        variables = tuple((name.strip(), parse_template(value.strip(), self.emphasis)) for name, _, value in given)
        path = parse_template(found.group(2).strip(), self.emphasis)
        return Wildcard(path, METHODS.get(found.group(1), ""), variables)


def _bounds(found: re.Match[str]) -> tuple[int, int | None, str]:
    low, high, least, most, exact = (int(digits) if digits else None for digits in found.groups()[:5])
    separator = found.group(6) or ","
    if exact is not None:
        return exact, exact, separator
    if most is not None:
        return 1, most, separator
    return (least if least is not None else low or 0), high, separator


def _braces(text: str) -> tuple[dict[int, int], dict[int, list[int]]]:
    """Where each brace closes, and the bars standing directly in it. A bar within square brackets is an
    alternation's."""
    closes: dict[int, int] = {}
    bars: dict[int, list[int]] = {}
    stack: list[tuple[str, int]] = []
    skip = False
    for at, sign in enumerate(text):
        if skip or sign == "\\":
            skip = not skip
        elif sign in "{[":
            stack.append((sign, at))
        elif sign == "]" and stack and stack[-1][0] == "[":
            stack.pop()
        elif sign == "}":
            while stack and stack[-1][0] == "[":
                _, opened = stack.pop()
                # The square bracket closes nowhere in these braces: its bars are theirs.
                if stack:
                    bars.setdefault(stack[-1][1], []).extend(bars.pop(opened, []))
            if stack:
                closes[stack.pop()[1]] = at
        elif sign == "|" and stack:
            bars.setdefault(stack[-1][1], []).append(at)
    return closes, {at: sorted(found) for at, found in bars.items()}
