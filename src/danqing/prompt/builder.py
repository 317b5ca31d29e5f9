"""The prompt builder's taxonomy, in English, Chinese and Korean, and the prompt of what was chosen from it. The list
itself is data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from danqing.base.errors import PromptError
from danqing.base.table import did_you_mean

Language = Literal["en", "zh", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "zh", "ko")


@dataclass(frozen=True)
class Named:
    """One thing in three languages; the English is what goes into a prompt."""

    en: str
    zh: str
    ko: str

    def label(self, language: Language) -> str:
        """The name in a language."""
        return {"en": self.en, "zh": self.zh, "ko": self.ko}[language]


@dataclass(frozen=True)
class Slot:
    """A kind of detail ("hair") and the tags it offers."""

    name: str
    label: Named
    tags: tuple[Named, ...]


@dataclass(frozen=True)
class Group:
    """Slots that belong together ("subject")."""

    name: str
    label: Named
    slots: tuple[Slot, ...]


@dataclass(frozen=True)
class Taxonomy:
    """Groups in the order in which their words stand in a prompt; `colors` and `words` are for the glossary alone."""

    groups: tuple[Group, ...]
    colors: tuple[Named, ...] = ()
    words: tuple[Named, ...] = ()

    @property
    def slots(self) -> dict[str, Slot]:
        """All slots by name, in order."""
        return {slot.name: slot for group in self.groups for slot in group.slots}


def read_taxonomy(text: str) -> Taxonomy:
    """The taxonomy in assets/wordlists/taxonomy.json."""
    data = json.loads(text)
    groups = (
        Group(group["name"], _named(group["label"]), tuple(map(_slot, group["slots"]))) for group in data["groups"]
    )
    return Taxonomy(tuple(groups), _tags(data["colors"]), _tags(data["words"]))


def build_prompt(taxonomy: Taxonomy, chosen: Mapping[str, Sequence[str]]) -> str:
    """The chosen words by slot, as a prompt in the taxonomy's order. A tag may be given in any of its languages; words
    that the slot doesn't know go in as they are. Raises PromptError for a slot that isn't there.
    """
    slots = taxonomy.slots
    for name in chosen:
        if name not in slots:
            raise PromptError(f"the prompt builder has no slot named {name!r}{did_you_mean(name, list(slots))}")
    words = (_english(slot, word) for slot in slots.values() for word in chosen.get(slot.name, ()))
    return ", ".join(dict.fromkeys(word for word in words if word))


def _english(slot: Slot, word: str) -> str:
    wanted = word.strip().casefold()
    return next((tag.en for tag in slot.tags if wanted in (tag.en.casefold(), tag.zh.casefold(), tag.ko)), word.strip())


def _named(label: Mapping[str, str]) -> Named:
    return Named(label["en"], label["zh"], label["ko"])


def _slot(slot: Mapping[str, object]) -> Slot:
    label, tags = cast(Mapping[str, str], slot["label"]), cast(Sequence[Sequence[str]], slot["tags"])
    return Slot(str(slot["name"]), _named(label), _tags(tags))


def _tags(rows: Sequence[Sequence[str]]) -> tuple[Named, ...]:
    return tuple(Named(*row) for row in rows)
