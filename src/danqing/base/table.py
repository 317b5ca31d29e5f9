"""A table from names to things, with aliases and "did you mean". Not a registry: a table never changes; `with_entries` makes a larger one."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Generic, TypeVar

from danqing.base.errors import DanqingError, RecipeError

T = TypeVar("T")


def did_you_mean(word: str, names: Iterator[str] | list[str]) -> str:
    """'; did you mean X?' when a name lies close to `word`, else the possible names (at most twelve)."""
    known = list(names)
    by_fold = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(word.casefold(), list(by_fold), n=1, cutoff=0.6)
    if close:
        return f"; did you mean {by_fold[close[0]]}?"
    if not known:
        return "; there is none"
    shown = ", ".join(sorted(known)[:12])
    return f"; possible: {shown}{', ...' if len(known) > 12 else ''}"


@dataclass(frozen=True)
class Table(Generic[T]):
    """`what` names the kind of thing in errors ("sampler"). Look-up ignores case; an alias leads to the name it stands for."""

    what: str
    entries: Mapping[str, T]
    aliases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    error: type[DanqingError] = RecipeError

    def name_of(self, word: str) -> str:
        """The proper name for a name or alias in any case. Raises `error` with the nearest name."""
        wanted = word.strip().casefold()
        for name in self.entries:
            if name.casefold() == wanted:
                return name
        for alias, name in self.aliases.items():
            if alias.casefold() == wanted:
                return name
        raise self.error(f"no {self.what} named {word!r}{did_you_mean(word, [*self.entries, *self.aliases])}")

    def find(self, word: str) -> T:
        """The thing behind a name or alias."""
        return self.entries[self.name_of(word)]

    def names(self) -> list[str]:
        """Proper names in the table's own order."""
        return list(self.entries)

    def with_entries(self, entries: Mapping[str, T]) -> "Table[T]":
        """A table with more entries; a name that exists already is an error, for two extensions must not replace each other."""
        for name in entries:
            if name in self.entries:
                raise self.error(f"there is already a {self.what} named {name!r}")
        return Table(self.what, {**self.entries, **entries}, self.aliases, self.error)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __contains__(self, word: object) -> bool:
        if not isinstance(word, str):
            return False
        try:
            self.name_of(word)
        except DanqingError:
            return False
        return True
