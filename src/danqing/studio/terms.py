"""What a picture is found by: the words of its prompt, pairs of signs where a script has no spaces, and its parameters. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from danqing.base.recipe import Recipe

LONGEST_TERM = 150
LONGEST_NAME = 80
WORD = re.compile(r"[^\W_]+")
# Chinese, Japanese kana, Korean syllables: written without spaces, or with endings that hide the word.
SIGNS = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+)")
CORE = ("model", "seed", "width", "height", "steps", "sampler", "schedule", "cfg_scale", "clip_skip")
"""Parameters that every picture is found by; others only where they differ from their default."""
TEXTS = ("prompt", "negative_prompt")
SHORT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "lora": "loras.model",
        "hypernet": "hypernets.model",
        "embedding": "embeddings",
        "finisher": "finishers",
        "control": "controls.module",
        "cfg": "cfg_scale",
        "hash": "model_hash",
    }
)
"""What people type for the longer path."""


@dataclass(frozen=True)
class Found:
    """The terms of one picture, and its numbers by name."""

    terms: frozenset[str]
    numbers: frozenset[tuple[str, float]]


@dataclass(frozen=True)
class Asked:
    """The words of a query: `whole` are looked up as they are, of `beginnings` (red*) only the first letters count."""

    whole: tuple[str, ...]
    beginnings: tuple[str, ...] = ()


def plain(text: str) -> str:
    """The text as it is compared: one way of writing each letter, small letters."""
    return unicodedata.normalize("NFKC", text).casefold()


def words_of(text: str) -> frozenset[str]:
    """Every word; of a run of signs each sign and each pair of neighbours."""
    return frozenset(_words(plain(text)))


def _words(text: str) -> Iterator[str]:
    for word in WORD.findall(text):
        for place, part in enumerate(SIGNS.split(word)):
            if place % 2 == 0:
                yield from [part[:LONGEST_TERM]] if part else []
            else:
                yield from part
                yield from (part[index : index + 2] for index in range(len(part) - 1))


def asked_words(text: str) -> Asked:
    """The words of a query, all of which must be there. A run of signs is asked for by its pairs, a single sign by itself."""
    whole: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    for piece in plain(text).split():
        words = WORD.findall(piece)
        for number, word in enumerate(words):
            if piece.endswith("*") and number == len(words) - 1 and not SIGNS.search(word):
                beginnings[word[:LONGEST_TERM]] = None
                continue
            for place, part in enumerate(SIGNS.split(word)):
                if place % 2 and len(part) > 1:
                    whole.update(dict.fromkeys(part[index : index + 2] for index in range(len(part) - 1)))
                elif part:
                    whole[part[:LONGEST_TERM]] = None
    return Asked(tuple(whole), tuple(beginnings))


def found_by(prompt: str, recipe: Recipe | None, more: Mapping[str, object] = MappingProxyType({})) -> Found:
    """What a picture is found by; `more` are parameters beside the recipe's, such as its size and marks."""
    terms = set(words_of(prompt))
    numbers: set[tuple[str, float]] = set()
    pairs = list(_flat("", dict(more)))
    if recipe is not None:
        pairs += _worth_finding(recipe)
    for name, value in pairs:
        terms |= {term_of(name, value), presence_of(name)}
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            numbers.add((name[:LONGEST_NAME], float(value)))
    return Found(frozenset(terms), frozenset(numbers))


def term_of(name: str, value: object) -> str:
    """ "steps=20": one spelling for every value."""
    return f"{name}={shown(value)}"[:LONGEST_TERM]


def presence_of(name: str) -> str:
    """What stands for a parameter that is there at all, whatever its value."""
    return f"{name}="[:LONGEST_TERM]


def shown(value: object) -> str:
    """A value as a query would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return plain(str(value)).strip()


def full_name(name: str) -> str:
    """The path of a parameter as it is stored: short names and other cases understood."""
    small = name.strip().casefold()
    return SHORT_NAMES.get(small, small)


@cache
def defaults() -> Mapping[str, object]:
    """The parameters that a picture has when nothing is said of them, by path."""
    return MappingProxyType(dict(_flat("", Recipe().model_dump(mode="json"))))


def _worth_finding(recipe: Recipe) -> list[tuple[str, object]]:
    usual = defaults()
    pairs = [
        (name, value)
        for name, value in _flat("", recipe.model_dump(mode="json"))
        if name in CORE or usual.get(name, "") != value
    ]
    if recipe.model.sha256:
        pairs.append(("model_hash", recipe.model.sha256[:10]))
    return pairs


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    """Leaves by dotted path. A reference ({"name", "sha256"}) counts as its name; of a list each element stands under the list's path."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        if path and set(fields) <= {"name", "sha256"}:
            yield from [(path, fields["name"])] if fields.get("name") else []
            return
        if "name" in fields and path:
            yield path, fields["name"]
        for name, part in fields.items():
            yield from _flat(f"{path}.{name}" if path else name, part)
    elif isinstance(value, (list, tuple)):
        for part in cast("list[object]", value):
            yield from _flat(path, part)
    elif value is not None and value != "" and path.rpartition(".")[2] not in TEXTS:
        yield path, value
