"""`AND`: one text cut into prompts that are painted together, each with the weight that ends it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from danqing.prompt.attention import MOST_WEIGHT

AND = re.compile(r"\bAND\b")
WEIGHT = re.compile(r":\s*([-+]?(?:\d+\.?|\d*\.\d+))\Z")


class WeightedText(NamedTuple):
    """One of the prompts and how strongly it pulls."""

    text: str
    weight: float = 1.0


def and_parts(text: str) -> tuple[WeightedText, ...]:
    """The prompts between `AND`s, the blanks at their ends cut. `a:1.5` alone is a prompt with weight 1.5, as in
    A1111."""
    return tuple(weighted_text(part.rstrip()) for part in AND.split(text))


def weighted_text(text: str) -> WeightedText:
    """A text without the `:1.5` that ends it, and that weight; 1 where there is none."""
    found = WEIGHT.search(text)
    if found is None:
        return WeightedText(text)
    weight = max(-MOST_WEIGHT, min(MOST_WEIGHT, float(found.group(1)[:400])))
    return WeightedText(text[: found.start()].rstrip(), weight)


def shares(parts: Sequence[WeightedText]) -> tuple[WeightedText, ...]:
    """The parts with weights that sum to 1; weights whose sum isn't above 0 stay."""
    whole = sum(part.weight for part in parts)
    return tuple(WeightedText(part.text, part.weight / whole) for part in parts) if whole > 0 else tuple(parts)
