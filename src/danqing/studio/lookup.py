"""Which model is meant by a name, by A1111's rules: exactly, else (checkpoints) the shortest title with it in."""

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

_HASH = re.compile(r"\s*\[([0-9a-fA-F]{4,64})\]\s*$")


class Named(Protocol):
    """What a look-up needs of an entry."""

    @property
    def name(self) -> str: ...
    @property
    def label(self) -> str: ...


N = TypeVar("N", bound=Named)


def split_hash(text: str) -> tuple[str, str]:
    """("anything", "89d59c3dde") of A1111's title "anything [89d59c3dde]"; no hash is ''."""
    found = _HASH.search(text)
    return (text[: found.start()].strip(), found[1].lower()) if found else (text.strip(), "")


def exactly(entries: Sequence[N], word: str) -> list[N]:
    """Entries that go by this very name: with or without folder and ending, capitals ignored."""
    wanted = word.replace("\\", "/").casefold()
    same_label = [entry for entry in entries if entry.label.casefold() == wanted or _bare(entry) == wanted]
    if same_label:
        return same_label
    base = [entry for entry in entries if entry.label.rpartition("/")[2].casefold() == wanted]
    return base or [entry for entry in entries if entry.name.casefold() == wanted]


def partly(entries: Sequence[N], word: str) -> list[N]:
    """Entries whose title holds the word, shortest title first."""
    wanted = word.casefold()
    return sorted((entry for entry in entries if wanted in entry.label.casefold()), key=lambda entry: len(entry.label))


def _bare(entry: Named) -> str:
    folder, slash, _ = entry.label.rpartition("/")
    return (folder + slash + entry.name).casefold()
