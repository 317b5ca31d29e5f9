"""A prompt to what painting encodes: parts, their timelines, their chunks. The one door from this floor to painting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from danqing.base.errors import PromptError
from danqing.prompt import attention as brackets
from danqing.prompt.attention import Span, attention
from danqing.prompt.chunks import Chunk, Chunked, Words, chunks_of, comfy_chunks
from danqing.prompt.comfy import comfy_attention
from danqing.prompt.compel import Swap, compel_parts, compel_spans, swapped, swaps_in
from danqing.prompt.composition import WeightedText, and_parts, shares
from danqing.prompt.midjourney import parts_of
from danqing.prompt.novelai import novelai_parts
from danqing.prompt.schedule import schedule_of

MOST_CHARACTERS = 120_000
NO_EMBEDDINGS: Mapping[str, int] = MappingProxyType({})
Dialect = Literal["danqing", "a1111", "novelai", "comfy", "compel", "midjourney"]


@dataclass(frozen=True)
class ReadingOptions:
    """How a prompt is read; most are recipe fields.

    `steps` is what switches count: twice the steps for second-order samplers, the full count in img2img. In a hires
    pass they are its own and `first_pass_steps` says how many went before. `plain` is emphasis "None": brackets and
    BREAK are text. A negative prompt knows no `AND`, as in A1111.
    """

    dialect: Dialect = "danqing"
    steps: int = 20
    first_pass_steps: int | None = None
    old_timelines: bool = False
    comma_backtrack: int = 20
    plain: bool = False
    negative: bool = False


@dataclass(frozen=True)
class Stretch:
    """The chunks that hold up to and with step `until`, steps counted from 1. `text` is the prompt as it stands then,
    `count` its tokens as A1111 counts them."""

    until: int
    chunks: tuple[Chunk, ...]
    text: str
    count: int


@dataclass(frozen=True)
class PromptPart:
    """One of the prompts between `AND`s: how strongly it pulls, and its stretches in order, at least one."""

    weight: float
    spans: tuple[Stretch, ...]

    def at(self, call: int) -> Stretch:
        """The stretch that holds at a model call, counted from 0.

        As in A1111 a stretch until step n holds on n + 1 calls: with 20 steps `[a:b:0.5]` is `a` for 11 of them.
        Pictures depend on it.
        """
        return next((stretch for stretch in self.spans if call <= stretch.until), self.spans[-1])


@dataclass(frozen=True)
class PromptPlan:
    """All that a text encoder and the CFG need of one prompt: plain values, so that equal chunks can be encoded once.

    With `around_empty` a weight w acts as (z - z_empty) * w + z_empty, z_empty being the empty prompt's encoding
    (ComfyUI's way and Compel's); else it multiplies z, and `Reading.emphasis` says whether the mean is restored. With
    emphasis "Ignore" all weights are 1.
    """

    parts: tuple[PromptPart, ...]
    around_empty: bool = False

    @property
    def chunks(self) -> tuple[Chunk, ...]:
        """Every different chunk, in order of appearance: what is to be encoded."""
        stretches = (stretch for part in self.parts for stretch in part.spans)
        return tuple(dict.fromkeys(chunk for stretch in stretches for chunk in stretch.chunks))

    @property
    def longest(self) -> int:
        """The greatest number of chunks that any part has at any step."""
        return max(len(stretch.chunks) for part in self.parts for stretch in part.spans)

    @property
    def embeddings(self) -> tuple[str, ...]:
        """Names of the textual inversions that the prompt uses, each once."""
        return tuple(dict.fromkeys(place.name for chunk in self.chunks for place in chunk.embeddings))


def read_prompt(
    text: str,
    vocabulary: Words,
    options: ReadingOptions = ReadingOptions(),
    embeddings: Mapping[str, int] = NO_EMBEDDINGS,
) -> PromptPlan:
    """The plan of one resolved prompt: no tags, no variants left in it.

    `embeddings` maps the names of available textual inversions to their numbers of vectors. Raises PromptError for more
    than 120,000 characters, and where text times switches grows beyond reason.
    """
    if len(text) > MOST_CHARACTERS:
        raise PromptError(f"the prompt has {len(text):,} characters; {MOST_CHARACTERS:,} are the most")
    chunked: dict[str, Chunked] = {}
    parts: list[PromptPart] = []
    for part in prompt_parts(text, options):
        stretches: list[Stretch] = []
        for until, now in prompt_timeline(part.text, options):
            if now not in chunked:
                chunked[now] = _chunked(prompt_spans(now, options), vocabulary, embeddings, options)
            found = chunked[now]
            if stretches and stretches[-1].chunks == found.chunks:
                stretches.pop()
            stretches.append(Stretch(until, found.chunks, now, found.count))
        parts.append(PromptPart(part.weight, tuple(stretches)))
    return PromptPlan(tuple(parts), around_empty=options.dialect in ("comfy", "compel"))


def prompt_parts(text: str, options: ReadingOptions) -> tuple[WeightedText, ...]:
    """The prompts painted together, in the dialect's own way of saying so."""
    if options.negative:
        return (WeightedText(text),)
    if options.dialect in ("danqing", "a1111"):
        return and_parts(text)
    if options.dialect == "midjourney":
        return shares(parts_of(text)) or (WeightedText(text),)
    if options.dialect == "novelai":
        parts = novelai_parts(text)
        return shares(parts) if len(parts) > 1 else parts
    if options.dialect == "compel" and (told := compel_parts(text)).joint == "blend":
        return shares(told.parts)
    return (WeightedText(text),)


def prompt_timeline(text: str, options: ReadingOptions) -> Sequence[tuple[int, str]]:
    """(last step, text); dialects without prompt editing have one text for all steps."""
    if options.dialect == "compel":
        return _compel_timeline(text, options)
    if options.dialect not in ("danqing", "a1111"):
        return [(options.steps, text)]
    if options.first_pass_steps is None:
        return schedule_of(text, options.steps, old=options.old_timelines)
    return schedule_of(text, options.first_pass_steps, options.steps, options.old_timelines)


def _compel_timeline(text: str, options: ReadingOptions) -> Sequence[tuple[int, str]]:
    """Swaps as switches; in a hires pass they are over."""
    starts = {piece.start for piece in swaps_in(text) if isinstance(piece, Swap)}
    if options.first_pass_steps is not None or len(text) * len(starts) > MOST_CHARACTERS:
        return [(options.steps, swapped(text, 2.0))]
    ends = {int(start * options.steps): start for start in sorted(starts)} | {options.steps: 2.0}
    return [(end, swapped(text, start)) for end, start in sorted(ends.items()) if end >= 1]


def prompt_spans(text: str, options: ReadingOptions) -> tuple[Span, ...]:
    """Weighted spans of a text without timelines, by the dialect's brackets."""
    if options.plain or options.dialect == "midjourney":
        return (Span(text),)
    if options.dialect == "a1111":
        return attention(text, brackets.A1111)
    if options.dialect == "novelai":
        return attention(text, brackets.NOVELAI)
    if options.dialect == "comfy":
        return comfy_attention(text)
    if options.dialect == "compel":
        return compel_spans(text)
    return attention(text, brackets.DANQING)


def _chunked(spans: tuple[Span, ...], words: Words, embeddings: Mapping[str, int], options: ReadingOptions) -> Chunked:
    if options.dialect == "comfy":
        return comfy_chunks(spans, words, embeddings)
    backtrack = 0 if options.dialect == "compel" else options.comma_backtrack
    return chunks_of(spans, words, embeddings, backtrack)
