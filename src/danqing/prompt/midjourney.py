"""Midjourney's commands: permutations, image prompts, `::` weights and `--parameters` to a plain value. What a
parameter means for a recipe is imagine.py's part."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from danqing.base.errors import PromptError
from danqing.base.table import did_you_mean
from danqing.prompt.composition import WeightedText

Value = int | float | str | bool | tuple[str, ...]
Reader = Callable[[str, str], Value]

COMMAND = re.compile(r"\s*/imagine(?:\s+prompt\s*:?|\s*:|\s+|$)\s*", re.IGNORECASE)
MARK = re.compile(r"(?:^|(?<=\s))(--|[—–])([A-Za-z]+)(?=\s|$)")
PART = re.compile(r"::([-+]?(?:\d{1,9}\.?\d{0,9}|\.\d{1,9}))?")
ADDRESS = re.compile(r"(https?://\S+)(?:\s+|$)")
BRACES = re.compile(r"\\.|[{},]|[^\\{},]+|\\", re.DOTALL)
MOST_PERMUTATIONS = 1000
MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Imagine:
    """One command. `parts` are the texts between `::` with their weights as written; `params` has only what was
    given."""

    text: str
    parts: tuple[WeightedText, ...]
    image_prompts: tuple[str, ...] = ()
    params: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))


def read_imagine(command: str) -> Imagine:
    """A command without permutations, with or without `/imagine prompt:` before it. Raises PromptError for an empty
    prompt, an unknown parameter, a value out of range, text behind the parameters, weights that sum to nothing.
    """
    body = body_of(command)
    marks = [found for found in MARK.finditer(body) if found.group(1) == "--" or found.group(2).lower() in PARAMETERS]
    text = body[: marks[0].start()] if marks else body
    params: dict[str, Value] = {}
    for index, mark in enumerate(marks):
        end = marks[index + 1].start() if index + 1 < len(marks) else len(body)
        name, value = _parameter(mark.group(2).lower(), body[mark.end() : end].strip())
        params[name] = value
    images: list[str] = []
    text = text.strip()
    while found := ADDRESS.match(text):
        images.append(found.group(1))
        text = text[found.end() :]
    parts = parts_of(text)
    if not parts and len(images) < 2:
        raise PromptError("the prompt is empty; write what to paint after /imagine prompt:")
    return Imagine(text, parts, tuple(images), MappingProxyType(params))


def body_of(command: str) -> str:
    """What stands behind `/imagine prompt:`, or all of it. Raises PromptError for more than a million characters."""
    if len(command) > MOST_CHARACTERS:
        raise PromptError(f"the command has {len(command):,} characters; {MOST_CHARACTERS:,} are the most")
    found = COMMAND.match(command)
    return command[found.end() :] if found else command


def parts_of(text: str) -> tuple[WeightedText, ...]:
    """`hot::2 dog` to its parts; a weight stands behind the text it weighs, 1 where none does. Raises PromptError
    unless the sum is above 0.
    """
    parts: list[WeightedText] = []
    start = 0
    for found in PART.finditer(text):
        parts.append(WeightedText(text[start : found.start()].strip(), float(found.group(1) or 1)))
        start = found.end()
    parts.append(WeightedText(text[start:].strip()))
    told = tuple(part for part in parts if part.text)
    if told and sum(part.weight for part in told) <= 0:
        raise PromptError("the weights behind :: must sum to more than 0; give some part a larger one")
    return told


def permutations(command: str) -> tuple[str, ...]:
    """`a {red, blue} bird` to every prompt it stands for, the first braces changing slowest; `\\,` and `\\{` are text.
    Raises PromptError for braces that don't match and for more than 1,000 prompts.
    """
    # An open brace is (options so far, endings of the option being read); the bottom of the stack is the whole prompt.
    stack: list[tuple[list[str], list[str]]] = [([], [""])]
    room = MOST_CHARACTERS
    said: list[str] = []  # not yet laid behind the endings: one by one they would be copied each time
    for found in BRACES.finditer(body_of(command)):
        sign = found.group()
        if sign not in ("{", "}") and not (sign == "," and len(stack) > 1):
            said.append(sign[1:] if len(sign) == 2 and sign[0] == "\\" and sign[1] in "{},\\" else sign)
            room -= len(said[-1]) * (len(stack[-1][1]) - 1)
            if room < 0:
                raise PromptError(f"these braces stand for more than {MOST_CHARACTERS:,} characters; use fewer options")
            continue
        options, now = _laid(stack.pop(), said)
        if sign == "{":
            stack += [(options, now), ([], [""])]
        elif sign == ",":
            stack.append((_within([*options, *(text.strip() for text in now)]), [""]))
        elif not stack:
            raise PromptError("a } closes no brace; write \\} for the sign itself")
        else:
            chosen = [*options, *(text.strip() for text in now)]
            stack[-1] = (stack[-1][0], _within([start + text for start in stack[-1][1] for text in chosen]))
    if len(stack) > 1:
        raise PromptError("a { is never closed; close it with } or write \\{ for the sign itself")
    return tuple(_laid(stack[0], said)[1])


def _laid(open_brace: tuple[list[str], list[str]], said: list[str]) -> tuple[list[str], list[str]]:
    """The brace with the texts said since laid behind every ending; they are then forgotten."""
    options, now = open_brace
    more = "".join(said)
    said.clear()
    return options, [text + more for text in now]


def _within(texts: list[str]) -> list[str]:
    if len(texts) > MOST_PERMUTATIONS or sum(map(len, texts)) > MOST_CHARACTERS:
        raise PromptError(f"these braces stand for more than {MOST_PERMUTATIONS:,} prompts; use fewer options")
    return texts


def _parameter(mark: str, written: str) -> tuple[str, Value]:
    if mark not in PARAMETERS:
        raise PromptError(f"no parameter named --{mark}{did_you_mean(mark, list(PARAMETERS))}")
    name, read = PARAMETERS[mark]
    return name, read(f"--{mark}", written)


def _word(mark: str, written: str) -> str:
    """The one word behind a parameter."""
    words = written.split()
    if not words:
        raise PromptError(f"{mark} has no value; write one behind it")
    if len(words) > 1:
        raise PromptError(f"there is text behind {mark} {words[0]}; parameters come after all the text of a prompt")
    return words[0]


def _between(least: float, most: float, whole: bool = True) -> Reader:
    def read(mark: str, written: str) -> Value:
        word = _word(mark, written)
        shape = r"[-+]?\d{1,15}" if whole else r"[-+]?(?:\d{1,15}\.?\d{0,15}|\.\d{1,15})"
        if not re.fullmatch(shape, word, re.ASCII) or not least <= float(word) <= most:
            raise PromptError(
                f"{mark} is {word!r}; it must be a {'whole ' if whole else ''}number from {least:g} to {most:.12g}"
            )
        return int(word) if whole else float(word)

    return read


def _one_of(*choices: float) -> Reader:
    def read(mark: str, written: str) -> Value:
        word = _word(mark, written)
        found = next(
            (choice for choice in choices if re.fullmatch(r"\d?\.?\d{1,3}", word) and float(word) == choice), None
        )
        if found is None:
            raise PromptError(f"{mark} is {word!r}; possible: {', '.join(f'{choice:g}' for choice in choices)}")
        return found

    return read


def _aspect(mark: str, written: str) -> Value:
    word = _word(mark, written)
    found = re.fullmatch(r"(\d{1,5}):(\d{1,5})", word, re.ASCII)
    across, down = (int(side) for side in found.groups()) if found else (0, 0)
    if not across or not down or not 1 / 16 <= across / down <= 16:
        raise PromptError(f"{mark} is {word!r}; it must be width:height in whole numbers, as in 3:2, and within 16:1")
    return word


def _flag(value: Value) -> Reader:
    def read(mark: str, written: str) -> Value:
        if written:
            raise PromptError(f"there is text behind {mark}; parameters come after all the text of a prompt")
        return value

    return read


def _perhaps(default: str) -> Reader:
    return lambda mark, written: _word(mark, written) if written else default


def _list(mark: str, written: str) -> Value:
    words = tuple(word.strip() for word in written.split(",") if word.strip())
    if not words:
        raise PromptError(f"{mark} has no value; write what the picture must not show")
    return words


def _words(mark: str, written: str) -> Value:
    return tuple(written.split()) or (_word(mark, written),)


# Ranges follow versions 5 to 7; where they differ, the widest. Every way of writing a parameter leads to its name and
# its reader.
PARAMETERS: Mapping[str, tuple[str, Reader]] = MappingProxyType(
    {
        **dict.fromkeys(("aspect", "ar"), ("aspect", _aspect)),
        **dict.fromkeys(("stylize", "s"), ("stylize", _between(0, 1000))),
        **dict.fromkeys(("chaos", "c"), ("chaos", _between(0, 100))),
        **dict.fromkeys(("weird", "w"), ("weird", _between(0, 3000))),
        **dict.fromkeys(("quality", "q"), ("quality", _one_of(0.25, 0.5, 1, 2, 4))),
        **dict.fromkeys(("repeat", "r"), ("repeat", _between(1, 40))),
        **dict.fromkeys(("version", "v"), ("version", _word)),
        **dict.fromkeys(("profile", "p"), ("profile", _perhaps("default"))),
        "seed": ("seed", _between(0, 4294967295)),
        "sameseed": ("sameseed", _between(0, 4294967295)),
        "no": ("no", _list),
        "tile": ("tile", _flag(True)),
        "stop": ("stop", _between(10, 100)),
        "niji": ("niji", _perhaps("6")),
        "style": ("style", _word),
        "raw": ("style", _flag("raw")),
        "video": ("video", _flag(True)),
        "draft": ("draft", _flag(True)),
        "exp": ("exp", _between(0, 100)),
        "iw": ("image_weight", _between(0, 3, whole=False)),
        "sref": ("style_reference", _words),
        "sw": ("style_weight", _between(0, 1000)),
        "cref": ("character_reference", _words),
        "cw": ("character_weight", _between(0, 100)),
        "oref": ("object_reference", _words),
        "ow": ("object_weight", _between(1, 1000)),
        **{mode: ("mode", _flag(mode)) for mode in ("relax", "fast", "turbo")},
        **{mode: ("visibility", _flag(mode)) for mode in ("stealth", "public")},
    }
)
