"""`<lora:name:0.8>` and its kin: tags that name a file, lifted out of the prompt before it is read."""

import re
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
        """The number under `key` or, without it, at `position` after the name; `default` where neither stands. Raises PromptError for no number."""
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
    """The text without its tags, the blanks round them left as they are, and the tags in order. Any word before the colon is a kind."""
    # Nothing after the last `>` can be a tag; looking there would be quadratic in a text of `<a:<a:<a:`.
    end = text.rfind(">") + 1
    tags = tuple(_tag(found.group(1), found.group(2)) for found in TAG.finditer(text, 0, end))
    return (TAG.sub("", text[:end]) + text[end:], tags) if tags else (text, ())


def _tag(kind: str, inside: str) -> Tag:
    positional: list[str] = []
    named: dict[str, str] = {}
    for part in inside.split(":"):
        key, equals, value = part.partition("=")
        if equals:
            named[key] = value
        else:
            positional.append(part)
    # A file may be called `a=b`: the first place is the name whatever stands in it.
    if not positional:
        first = inside.split(":")[0]
        named.pop(first.partition("=")[0], None)
        positional = [first]
    return Tag(kind, positional[0], tuple(positional[1:]), tuple(named.items()))
