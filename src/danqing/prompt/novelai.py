"""NovelAI's prompt mixing: `a cat:1|a dog:0.5`, several prompts whose encodings are blended. Its brackets are attention.py's
part."""

import re
from collections.abc import Iterator

from danqing.prompt.composition import WeightedText, weighted_text

SIGNS = re.compile(r"[|{}\[\]]")


def novelai_parts(text: str) -> tuple[WeightedText, ...]:
    """The prompts between `|` and the weight that ends each, 1 where none does; a text without `|` is one part.

    A `|` within brackets is text.
    """
    parts = tuple(_parts(text))
    return tuple(map(weighted_text, parts)) if len(parts) > 1 else (WeightedText(text),)


def _parts(text: str) -> Iterator[str]:
    depth = start = 0
    for found in SIGNS.finditer(text):
        if found.group() in "{[":
            depth += 1
        elif found.group() in "}]":
            depth = max(0, depth - 1)
        elif not depth:
            yield text[start : found.start()]
            start = found.end()
    yield text[start:]
