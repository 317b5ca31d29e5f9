"""Every dialect to one tree, weights worked out in the dialect's own way. Writing the tree in another dialect is
translate.py's part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from danqing.base.errors import PromptError
from danqing.prompt import attention as brackets
from danqing.prompt.attention import Brackets, Span, attention
from danqing.prompt.comfy import comfy_attention
from danqing.prompt.compel import Swap, compel_attention, compel_parts, compel_spans, swaps_in
from danqing.prompt.composition import and_parts, shares
from danqing.prompt.midjourney import parts_of
from danqing.prompt.novelai import novelai_parts
from danqing.prompt.reading import Dialect
from danqing.prompt.schedule import Alternating, Editing, Timed, read_timeline
from danqing.prompt.tags import TAG, Tag, extract_tags

DEEPEST = 60
PRIVATE_USE = range(0xE000, 0xF8FF)


@dataclass(frozen=True)
class Words:
    """Text and the weight it has in the end, all brackets round it taken together."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Break:
    """The end of a chunk."""


@dataclass(frozen=True)
class TagItem:
    """`<lora:...>` where it stands."""

    tag: Tag


@dataclass(frozen=True)
class Edit:
    """`[before:after:when]`; `when` as written."""

    before: tuple["Item", ...]
    after: tuple["Item", ...]
    when: str


@dataclass(frozen=True)
class Alternate:
    """`[a|b]`."""

    options: tuple[tuple["Item", ...], ...]


Item = Words | Break | TagItem | Edit | Alternate
_Hole = Editing | Alternating | Tag
T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """One of the prompts painted together."""

    weight: float
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Prompt:
    """A whole prompt, whatever its dialect was. `mixed` says that the parts' encodings are blended, not their
    predictions."""

    parts: tuple[Part, ...]
    mixed: bool = False

    def words(self) -> Iterator[Words]:
        """All words in order, of every state that the prompt goes through."""
        waiting: list[Item] = [item for part in reversed(self.parts) for item in reversed(part.items)]
        while waiting:
            item = waiting.pop()
            if isinstance(item, Words):
                yield item
            elif isinstance(item, Edit):
                waiting += [*reversed(item.after), *reversed(item.before)]
            elif isinstance(item, Alternate):
                waiting += [inner for option in reversed(item.options) for inner in reversed(option)]


def parse(text: str, dialect: Dialect = "danqing") -> Prompt:
    """The tree of a prompt without variants. Raises PromptError where timed parts nest more than 60 deep."""
    if dialect in ("danqing", "a1111"):
        signs = brackets.DANQING if dialect == "danqing" else brackets.A1111
        # A tag may hold anything, "AND" included: it is a hole in the text while the rest is read.
        text, tags = _with_holes(text)
        return Prompt(
            tuple(
                Part(part.weight, _weighed(read_timeline(part.text), signs, 1.0, tags, 0)) for part in and_parts(text)
            )
        )
    if dialect == "midjourney":
        parts = shares(parts_of(text))
        return Prompt(tuple(Part(part.weight, (Words(part.text),)) for part in parts) or (Part(1.0, (Words(text),)),))
    if dialect == "compel":
        return _compel(text)
    if dialect == "novelai":
        parts = novelai_parts(text)
        mixed = len(parts) > 1
        read = (
            Part(part.weight, _items(attention(part.text, brackets.NOVELAI)))
            for part in (shares(parts) if mixed else parts)
        )
        return Prompt(tuple(read), mixed=mixed)
    return Prompt((Part(1.0, _items(comfy_attention(text))),))


def _compel(text: str) -> Prompt:
    text, swaps = _without_swaps(text)
    told = compel_parts(text)
    if told.joint == "blend":
        parts = (Part(part.weight, _swapped_items(compel_attention(part.text), swaps)) for part in shares(told.parts))
        return Prompt(tuple(parts), mixed=True)
    return Prompt((Part(1.0, _swapped_items(compel_spans(text), swaps)),))


def _without_swaps(text: str) -> tuple[str, dict[str, Swap]]:
    """The text with a private sign for every swap, and the swaps by sign; more than there are signs end as words."""
    free = (chr(code) for code in PRIVATE_USE if chr(code) not in text)
    swaps: dict[str, Swap] = {}
    texts: list[str] = []
    for piece in swaps_in(text):
        if isinstance(piece, Swap):
            sign = next(free, "")
            swaps |= {sign: piece} if sign else {}
            piece = sign or piece.after
        texts.append(piece)
    return "".join(texts), swaps


def _swapped_items(spans: Sequence[Span], swaps: dict[str, Swap]) -> tuple[Item, ...]:
    result: list[Item] = []
    for span in spans:
        if span.kind == "break":
            result.append(Break())
            continue
        for piece in _cut(span.text, swaps):
            swap = swaps.get(piece)
            if swap is None:
                result.append(Words(piece, span.weight))
                continue
            before, after = (
                tuple(Words(one.text, one.weight * span.weight) for one in compel_attention(side))
                for side in (swap.before, swap.after)
            )
            when = f"{swap.start:g}"
            result.append(Edit(before, after, when if "." in when else f"{when}.0"))
    return tuple(result)


def _items(spans: Sequence[Span]) -> tuple[Item, ...]:
    return tuple(Break() if span.kind == "break" else Words(span.text, span.weight) for span in spans)


def _with_holes(text: str) -> tuple[str, dict[str, Tag]]:
    """The text with a private sign for every tag, and the tags by sign."""
    free = (chr(code) for code in PRIVATE_USE if chr(code) not in text)
    holes = dict(zip(free, extract_tags(text)[1], strict=False))
    signs = iter(holes)
    end = text.rfind(">") + 1
    return TAG.sub(lambda found: next(signs, found.group()), text[:end]) + text[end:], holes


def _weighed(tree: Timed, signs: Brackets, weight: float, tags: dict[str, Tag], depth: int) -> tuple[Item, ...]:
    if depth > DEEPEST:
        raise PromptError(f"switches in square brackets are nested more than {DEEPEST} deep")
    free = iter(chr(code) for code in PRIVATE_USE if chr(code) not in tags)
    holes: dict[str, _Hole] = dict(tags)
    texts: list[str] = []
    whole = "".join(item for item in tree.items if isinstance(item, str))
    for item in tree.items:
        if isinstance(item, str):
            texts.append(item)
            continue
        sign = next((sign for sign in free if sign not in whole), "")
        if not sign:
            raise PromptError("the prompt has more than 6,000 switches")
        holes[sign] = item
        texts.append(sign)
    result: list[Item] = []
    for span in attention("".join(texts), signs):
        if span.kind == "break":
            result.append(Break())
            continue
        for piece in _cut(span.text, holes):
            hole = holes.get(piece)
            if hole is None:
                result.append(Words(piece, span.weight * weight))
            elif isinstance(hole, Tag):
                result.append(TagItem(hole))
            else:
                result.append(_switch(hole, signs, span.weight * weight, tags, depth + 1))
    return tuple(result)


def _switch(hole: Editing | Alternating, signs: Brackets, weight: float, tags: dict[str, Tag], depth: int) -> Item:
    if isinstance(hole, Editing):
        before, after = (_weighed(tree, signs, weight, tags, depth) for tree in (hole.before, hole.after))
        return Edit(_told(before), _told(after), hole.when)
    return Alternate(tuple(_told(_weighed(option, signs, weight, tags, depth)) for option in hole.options))


def _told(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(item for item in items if not (isinstance(item, Words) and not item.text))


def _cut(text: str, holes: dict[str, T]) -> Iterator[str]:
    """The text in pieces, each hole by itself."""
    start = 0
    for at, sign in enumerate(text):
        if sign in holes:
            if start < at:
                yield text[start:at]
            yield sign
            start = at + 1
    if start < len(text) or not text:
        yield text[start:]
