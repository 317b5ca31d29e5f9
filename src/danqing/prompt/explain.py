"""A prompt in lines that people can read: its tree, and its plan with parts, steps, chunks and the weight of every token."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from danqing.prompt.chunks import Chunk
from danqing.prompt.grammar import Break, Edit, Item, Prompt, TagItem, Words
from danqing.prompt.reading import PromptPlan


class Speller(Protocol):
    """What explaining needs of a vocabulary."""

    @property
    def end(self) -> int: ...
    def words(self, ids: Sequence[int]) -> list[str]: ...


def explain(plan: PromptPlan, vocabulary: Speller) -> list[str]:
    """One line a part, a stretch of steps and a chunk; tokens are joined where their weight is the same."""
    lines: list[str] = []
    for number, part in enumerate(plan.parts, start=1):
        if len(plan.parts) > 1 or part.weight != 1.0:
            lines.append(f"part {number}, weight {part.weight:.4g}")
        first = 1
        for stretch in part.spans:
            steps = f"steps {first} to {stretch.until}" if len(part.spans) > 1 else f"{stretch.until} steps"
            lines.append(f"  {steps}, {stretch.count} tokens: {stretch.text}")
            first = stretch.until + 1
            for index, chunk in enumerate(stretch.chunks, start=1):
                lines.append(f"    chunk {index}: {' '.join(_runs(chunk, vocabulary)) or '(empty)'}")
    return lines


def _runs(chunk: Chunk, vocabulary: Speller) -> Iterator[str]:
    run: list[str] = []
    weight = 1.0
    for piece, now in token_weights(chunk, vocabulary):
        if run and now != weight:
            yield _run(run, weight)
            run = []
        weight = now
        run.append(piece)
    if run:
        yield _run(run, weight)


def _run(pieces: list[str], weight: float) -> str:
    text = "".join(pieces).strip()
    return text if weight == 1.0 else f"({text}:{weight:.4g})"


def token_weights(chunk: Chunk, vocabulary: Speller) -> list[tuple[str, float]]:
    """(piece of text, weight) of every token between start and padding; a piece that ends a word ends with a blank."""
    names = {place.offset: place for place in chunk.embeddings}
    spelled = vocabulary.words(chunk.tokens)
    last = max((at for at, token in enumerate(chunk.tokens) if token != vocabulary.end), default=0)
    rows: list[tuple[str, float]] = []
    at = 1
    while at <= last:
        place = names.get(at)
        text = f"<{place.name}> " if place else spelled[at].replace("</w>", " ")
        rows.append((text, chunk.weights[at]))
        at += place.vectors if place else 1
    return rows


def tree_lines(prompt: Prompt) -> list[str]:
    """The tree, a line a node, what belongs to a node further in."""
    lines: list[str] = []
    for number, part in enumerate(prompt.parts, start=1):
        joint = ", encodings blended" if prompt.mixed else ""
        lines.append(f"part {number}, weight {part.weight:.4g}{joint}")
        lines += _branches(part.items, "  ")
    return lines


def _branches(items: Sequence[Item], margin: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, Words):
            if item.text:
                yield f"{margin}{item.text!r}" + (f", weight {item.weight:.4g}" if item.weight != 1.0 else "")
        elif isinstance(item, Break):
            yield f"{margin}a new chunk"
        elif isinstance(item, TagItem):
            yield f"{margin}{item.tag}"
        elif isinstance(item, Edit):
            what = "of the steps" if "." in item.when else "steps"
            yield f"{margin}a switch after {item.when} {what}"
            for name, side in (("before", item.before), ("after", item.after)):
                yield f"{margin}  {name}"
                yield from _branches(side, f"{margin}    ")
        else:
            yield f"{margin}in turns"
            for number, option in enumerate(item.options, start=1):
                yield f"{margin}  option {number}"
                yield from _branches(option, f"{margin}    ")


def plan_data(plan: PromptPlan, vocabulary: Speller) -> list[dict[str, object]]:
    """The same as `explain`, JSON-ready: parts, their stretches of steps, chunks as [piece of text, weight]."""
    parts: list[dict[str, object]] = []
    for part in plan.parts:
        first = 1
        stretches: list[dict[str, object]] = []
        for stretch in part.spans:
            chunks = [[list(row) for row in token_weights(chunk, vocabulary)] for chunk in stretch.chunks]
            steps = [first, stretch.until]
            stretches.append({"steps": steps, "text": stretch.text, "tokens": stretch.count, "chunks": chunks})
            first = stretch.until + 1
        parts.append({"weight": part.weight, "stretches": stretches})
    return parts
