"""`<lora:name:0.8>` and its kin: tags that name a file, lifted out of the prompt before it is read."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from danqing.base.errors import PromptError

TAG = re.compile(r"<(\w+):([^>]+)>")


@dataclass(frozen=True)
class Tag:
    """`<kind:name:arg:arg:key=value>`; `args` and `named` are as written; the first place is the name."""

    kind: str
    name: str
    args: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    def weight(self, key: str = "", position: int = 0, default: float = 1.0) -> float:
        """The number under `key` or, without it, at `position` after the name; `default` where neither stands. Raises
        PromptError for no number."""
        text = dict(self.named).get(key, self.args[position] if position < len(self.args) else "")
        if not text.strip():
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e6:
            raise PromptError(f"{self}: {text!r} is no weight; write a number, as in <{self.kind}:{self.name}:0.8>")
        return value

    def __str__(self) -> str:
        named = (f"{key}={value}" for key, value in self.named)
        return f"<{':'.join([self.kind, self.name, *self.args, *named])}>"


def extract_tags(text: str) -> tuple[str, tuple[Tag, ...]]:
    """The text without its tags, the blanks round them left as they are, and the tags in order. Any word before the
    colon is a kind."""
    # Nothing after the last `>` can be a tag; looking there would be quadratic in a text of `<a:<a:<a:`.
    end = text.rfind(">") + 1
    tags = tuple(_tag(found.group(1), found.group(2)) for found in TAG.finditer(text, 0, end))
    return (TAG.sub("", text[:end]) + text[end:], tags) if tags else (text, ())


def drop_tags(text: str, unwanted: Callable[[Tag], bool]) -> str:
    """The text without the tags that are unwanted; the others stay as they were written."""

    def kept(found: re.Match[str]) -> str:
        return "" if unwanted(_tag(found.group(1), found.group(2))) else found.group()

    end = text.rfind(">") + 1
    return TAG.sub(kept, text[:end]) + text[end:]


def _tag(kind: str, inside: str) -> Tag:
    # A file may be called `a=b`: the first place is the name whatever stands in it.
    name, *rest = inside.split(":")
    named = dict(part.split("=", 1) for part in rest if "=" in part)
    return Tag(kind, name, tuple(part for part in rest if "=" not in part), tuple(named.items()))


def embeddings_named(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Which of the known textual inversions stand in a text as whole words, in any case, in the order of `known`."""
    low = text.casefold()
    return tuple(name for name in known if name and _stands_in(name.casefold(), low))


def _stands_in(name: str, text: str) -> bool:
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(name) : at + len(name) + 1]
        if not (before.isalnum() and name[0].isalnum()) and not (after.isalnum() and name[-1].isalnum()):
            return True
        at = text.find(name, at + 1)
    return False
