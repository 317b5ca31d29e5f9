"""`AND`: one text cut into prompts that are painted together, each with the weight that ends it."""

import re
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
    return tuple(_weighted(part.rstrip()) for part in AND.split(text))


def _weighted(text: str) -> WeightedText:
    found = WEIGHT.search(text)
    if found is None:
        return WeightedText(text)
    weight = max(-MOST_WEIGHT, min(MOST_WEIGHT, float(found.group(1)[:400])))
    return WeightedText(text[: found.start()].rstrip(), weight)
