"""Which combinations of attributes are never trained on, by a fixed rule: no list, no random state, the same on every
machine."""

from collections.abc import Iterator
from hashlib import sha256

from danqing.training.mini.content import Content

RULE = "danqing-mini-1"
"""Part of every hash; a new rule needs a new name, for the old weights were trained by the old one."""

SHARE = 8
"""Of a hundred combinations, how many are held out."""


def combinations(content: Content) -> Iterator[tuple[str, str, str]]:
    """The pairs that the rule looks at: hair with background, hair with clothes, object with background."""
    key = content.backdrop.key
    for person in content.people:
        if person.hair_color:
            yield "hair on", person.hair_color, key
            if person.clothes_color:
                yield "hair with", person.hair_color, person.clothes_color
    for thing in content.things:
        yield "thing on", thing.noun, key


def is_held_out(combination: tuple[str, str, str]) -> bool:
    """Whether this pair is kept for testing."""
    digest = sha256("|".join((RULE, *combination)).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < SHARE


def is_unseen(content: Content) -> bool:
    """Whether the content holds a pair that training never shows."""
    return any(is_held_out(pair) for pair in combinations(content))
