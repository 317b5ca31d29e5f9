"""Lists of words by name, from text, JSON and YAML files: what `__name__` stands for. The files are read elsewhere."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from danqing.base.errors import PromptError

WEIGHTED = re.compile(r"\s*(\d{1,9}(?:\.\d{0,9})?)\s*::(.*)", re.DOTALL)
MOST_ENTRIES = 1_000_000
DEEPEST = 50


@dataclass(frozen=True)
class Wildcards:
    """Names ("artists/dutch") and their entries with weights, in the files' order."""

    lists: Mapping[str, tuple[tuple[float, str], ...]] = field(default_factory=dict[str, tuple[tuple[float, str], ...]])

    def entries(self, path: str) -> tuple[tuple[float, str], ...]:
        """Entries of all lists that a name or a pattern (`*` within a folder, `**` across) matches, none twice; () for
        none.

        A name that isn't there is looked for in every folder.
        """
        found = self._matching(path) or self._matching(f"**/{path}")
        return tuple({text: (weight, text) for name in found for weight, text in reversed(self.lists[name])}.values())

    def _matching(self, path: str) -> list[str]:
        if path in self.lists:
            return [path]
        pattern = re.compile(_regular(path[:500]))
        return sorted(name for name in self.lists if pattern.fullmatch(name))


def _regular(path: str) -> str:
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", path))


def wildcards_of(files: Mapping[str, str]) -> Wildcards:
    """The lists in files given as relative path and text. A `.txt` holds an entry a line (`#` begins a comment line),
    JSON and YAML hold trees of lists; `3::word` is three times as likely. Raises PromptError for a file that can't be
    understood.
    """
    lists: dict[str, tuple[tuple[float, str], ...]] = {}
    for path, text in files.items():
        stem, _, kind = path.replace("\\", "/").rpartition(".")
        if kind == "txt":
            lists[stem] = tuple(_entry(line) for line in text.splitlines() if _says_something(line))
        elif kind in ("json", "yaml", "yml"):
            folder = stem.rpartition("/")[0]
            for name, entries in _tree(_loaded(path, text), stem.rpartition("/")[2]):
                lists[f"{folder}/{name}" if folder else name] = tuple(_entry(entry) for entry in entries)
    if sum(map(len, lists.values())) > MOST_ENTRIES:
        raise PromptError(f"the wildcards have more than {MOST_ENTRIES:,} entries")
    return Wildcards(lists)


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _entry(line: str) -> tuple[float, str]:
    found = WEIGHTED.fullmatch(line.strip())
    return (float(found.group(1)), found.group(2).strip()) if found else (1.0, line.strip())


def _loaded(path: str, text: str) -> object:
    try:
        return json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as trouble:
        raise PromptError(f"wildcard file {path} can't be read: {trouble}") from trouble


def _tree(data: object, stem: str) -> Iterator[tuple[str, list[str]]]:
    """(name, entries) for every list in a tree; a file that is one list goes by its own name."""
    waiting: list[tuple[str, object, int]] = [("", data, 0)]
    room = MOST_ENTRIES
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, dict) and depth < DEEPEST:
            for key, inner in cast(dict[Any, object], value).items():
                waiting.append((f"{name}/{key}" if name else str(key), inner, depth + 1))
        elif isinstance(value, list):
            entries = [str(item) for item in cast(list[Any], value) if isinstance(item, str | int | float)]
            yield name or stem, entries
            room -= len(entries)
        elif isinstance(value, str) and name:
            yield name, [value]
        room -= 1
        if room < 0:
            raise PromptError(f"the wildcards have more than {MOST_ENTRIES:,} entries")
