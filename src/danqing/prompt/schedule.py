"""Prompt editing and alternation: `[from:to:when]` and `[a|b]` to the text that holds at every step. Brackets of
emphasis pass through as they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from danqing.base.errors import PromptError

NUMBER = re.compile(r"\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*\Z")
TOKEN = re.compile(r"\\.|[()\[\]:|]|[^\\()\[\]:|]+|\\")
MOST_CHARACTERS = 1_000_000
"""Of all different texts of a timeline together: a long text that switches on hundreds of steps."""
MOST_PIECES = 500_000
"""Pieces of the tree times steps on which it switches."""


@dataclass(frozen=True)
class Editing:
    """`[before:after:when]`. `when` is kept as written: whether it has a point decides if it counts steps or shares of
    them."""

    before: "Timed"
    after: "Timed"
    when: str


@dataclass(frozen=True)
class Alternating:
    """`[a|b|c]`: one option a step, round and round."""

    options: tuple["Timed", ...]


@dataclass(frozen=True)
class Timed:
    """A text with timed places in it."""

    items: tuple[str | Editing | Alternating, ...]


class Moments(NamedTuple):
    """How steps are counted: over the first pass's `steps`, or over a hires pass's own, whose numbers count on from the
    first pass."""

    steps: int
    hires_steps: int | None = None
    old: bool = False

    @property
    def length(self) -> int:
        """Steps the timeline runs over; old timelines count the first pass's again in the hires pass."""
        return self.steps if self.old or self.hires_steps is None else self.hires_steps

    def step_of(self, when: str) -> int:
        """The last step on which the text before a switch holds, 0 or less if it never does."""
        value = float(when)
        later = self.hires_steps is not None
        if self.old:
            step = value * self.steps if value < 1 else value
        elif "." in when:
            step = (value - later) * self.length
        else:
            step = value - later * self.steps
        return int(max(-1, min(self.length, step)))


def schedule_of(text: str, steps: int, hires_steps: int | None = None, old: bool = False) -> list[tuple[int, str]]:
    """(last step, text) in order, steps counted from 1. With `hires_steps` it is the hires pass's, after a first pass
    of `steps`.

    Equal texts may follow each other where a switch changes nothing, as in A1111. Raises PromptError when texts times
    steps are too many.
    """
    moments = Moments(steps, hires_steps, old)
    tree = read_timeline(text)
    ends, pieces = _ends(tree, moments)
    result: list[tuple[int, str]] = []
    different: set[str] = set()
    room = MOST_CHARACTERS
    for end in ends:
        now = text_at(tree, end, moments)
        result.append((end, now))
        room -= 0 if now in different else len(now)
        different.add(now)
        if len(ends) > 1 and (room < 0 or pieces * len(ends) > MOST_PIECES):
            raise PromptError(f"a prompt of {len(text):,} characters can't switch on {len(ends)} steps; shorten it")
    return result


def read_timeline(text: str) -> Timed:
    """The tree of switches in a text. As in A1111 a lone `|` or a `\\` at a line's end makes the whole text plain."""
    if "[" not in text or "]" not in text:
        return Timed((text,) if text else ())
    reading = _Reading()
    for token in TOKEN.finditer(text):
        sign = token.group()
        if sign == "\\" or not reading.take(sign):
            return Timed((text,))
    reading.spill()
    if reading.lost_bar:
        return Timed((text,))
    return _timed(reading.frames[0].parts[0])


class _Frame:
    """A bracket, open or closed: its parts, cut at the colons or bars standing directly in it.

    Closed ones stand in others unflattened, so that deep nesting copies nothing.
    """

    __slots__ = ("closing", "parts", "separators", "sign")

    def __init__(self, sign: str) -> None:
        self.sign = sign
        self.parts: list[list[_Piece]] = [[]]
        self.separators: list[str] = []
        self.closing = ""

    def pieces(self) -> Iterator["_Piece"]:
        """The contents as they were written, with the brackets."""
        yield self.sign
        for index, part in enumerate(self.parts):
            if index:
                yield self.separators[index - 1]
            yield from part
        yield self.closing


Item = str | Editing | Alternating
_Piece = str | Editing | Alternating | _Frame


class _Reading:
    """A stack of open brackets, so that no depth of nesting can break it."""

    def __init__(self) -> None:
        self.frames = [_Frame("")]
        self.lost_bar = False

    def take(self, sign: str) -> bool:
        """False when the text can't be a timeline at all."""
        top = self.frames[-1]
        if sign in "([":
            self.frames.append(_Frame(sign))
        elif sign in ")]":
            if top.sign == {")": "(", "]": "["}[sign]:
                self.close(self.frames.pop(), sign)
            else:
                self.spill()
                self.put(sign)
        elif sign in ":|" and top.sign:
            top.separators.append(sign)
            top.parts.append([])
        elif sign == "|":
            return False
        else:
            self.put(sign)
        return not self.lost_bar

    def put(self, piece: _Piece) -> None:
        self.frames[-1].parts[-1].append(piece)

    def close(self, frame: _Frame, sign: str) -> None:
        frame.closing = sign
        colons, bars = frame.separators.count(":"), frame.separators.count("|")
        when = _when(frame) if sign == "]" and not bars and colons in (1, 2) else None
        if when is not None:
            before = frame.parts[0] if colons == 2 else []
            self.put(Editing(_timed(before), _timed(frame.parts[-2]), when))
        elif sign == "]" and bars and not colons:
            self.put(Alternating(tuple(_timed(part) for part in frame.parts)))
        elif not bars and (not colons or (sign == ")" and colons == 1)):
            self.put(frame)
        else:
            # No construct: its brackets are text, and so no bracket round it can be one either.
            self.frames.append(frame)
            self.spill()

    def spill(self) -> None:
        """All open brackets were none: what is in them stands in the text."""
        for frame in self.frames[1:]:
            self.lost_bar = self.lost_bar or "|" in frame.separators
            self.frames[0].parts[0].append(frame)
        del self.frames[1:]


def _when(frame: _Frame) -> str | None:
    last = frame.parts[-1]
    if not all(isinstance(piece, str) for piece in last):
        return None
    matched = NUMBER.fullmatch("".join(str(piece) for piece in last))
    return matched.group(1) if matched else None


def _timed(pieces: list[_Piece]) -> Timed:
    """The pieces with brackets laid flat and neighbouring texts joined."""
    result: list[Item] = []
    texts: list[str] = []
    waiting = [iter(pieces)]
    while waiting:
        piece = next(waiting[-1], None)
        if piece is None:
            waiting.pop()
        elif isinstance(piece, str):
            texts.append(piece)
        elif isinstance(piece, _Frame):
            waiting.append(piece.pieces())
        else:
            if text := "".join(texts):
                result.append(text)
            texts = []
            result.append(piece)
    if text := "".join(texts):
        result.append(text)
    return Timed(tuple(result))


def _ends(tree: Timed, moments: Moments) -> tuple[list[int], int]:
    """The last step of every stretch that a switch ends, in order, and how many pieces the tree has."""
    ends = {moments.length}
    waiting = [tree]
    alternates = False
    pieces = 0
    while waiting:
        items = waiting.pop().items
        pieces += len(items) + 1
        for item in items:
            if isinstance(item, Editing):
                ends.add(moments.step_of(item.when))
                waiting += (item.before, item.after)
            elif isinstance(item, Alternating):
                alternates = True
                waiting += item.options
    if alternates:
        ends.update(range(1, moments.length + 1))
    return sorted(end for end in ends if end >= 1), pieces


def text_at(tree: Timed, step: int, moments: Moments) -> str:
    """The text that holds on a step, counted from 1."""
    texts: list[str] = []
    waiting: list[Item | Timed] = [tree]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, Timed):
            waiting.extend(reversed(item.items))
        elif isinstance(item, Editing):
            waiting.append(item.before if step <= moments.step_of(item.when) else item.after)
        else:
            waiting.append(item.options[(step - 1) % len(item.options)])
    return "".join(texts)
