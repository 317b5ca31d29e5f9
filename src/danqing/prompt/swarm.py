"""SwarmUI's tags, `<random:a, b>` and its kin, in danqing's words. What has no counterpart is named and left out.

Read from SwarmUI's own page on its prompt syntax (MIT).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from danqing.base.errors import PromptError
from danqing.prompt.reading import MOST_CHARACTERS
from danqing.prompt.translate import Translated

TAG_OPEN = re.compile(r"<([A-Za-z]+)(?:\[([^\[\]<>]*)\])?(?::|(?=>))")
SIGN = re.compile(r"[<>]")
MARKS = re.compile(r"[<>,]|\|\|?")
RANGE = re.compile(r"\s*(-?\d{1,6})(\.\d{1,4})?\s*-\s*(-?\d{1,6})(\.\d{1,4})?\s*")
COUNT = re.compile(r"\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?\s*(,?)\s*")
NUMBER = re.compile(r"\s*(\d{1,4}(?:\.\d{1,6})?|\.\d{1,6})\s*")
DEEPEST = 12
MOST_NUMBERS = 100
MOST_COPIES = 100
ENDS_PROMPT: Mapping[str, str] = MappingProxyType(
    {
        "segment": "what follows repaints a part of the picture: use a detailer",
        "object": "what follows belongs to a part of the picture: use inpainting",
        "region": "what follows belongs to a part of the picture: use regions",
        "refiner": "what follows is the refiner's prompt: give it as the hires prompt",
        "base": "what follows is the base model's prompt alone",
        "video": "what follows is a video's prompt",
        "extend": "what follows extends a video",
    }
)
"""Tags after which the prompt is that of something else, and what to use for it."""
LEFT_OUT: Mapping[str, str] = MappingProxyType(
    {
        "clear": "make the background transparent afterwards",
        "trigger": "write the model's trigger words yourself",
        "param": "set it beside the prompt",
        "preset": "presets of SwarmUI aren't here",
        "p": "presets of SwarmUI aren't here",
    }
)
OTHER_NAMES: Mapping[str, str] = MappingProxyType(
    {"alt": "alternate", "wc": "wildcard", "embedding": "embed", "rep": "repeat", "sv": "setvar", "v": "var"}
)


@dataclass
class _Reading:
    """What is being read; `ended` once a tag has begun another prompt."""

    notes: dict[str, None] = field(default_factory=dict[str, None])
    known: set[str] = field(default_factory=set[str])
    ended: bool = False
    room: int = MOST_CHARACTERS

    def note(self, sentence: str) -> None:
        self.notes[sentence] = None


def has_swarm_tags(text: str) -> bool:
    """Whether a text holds a tag that only SwarmUI knows."""
    ours = {"lora", "lyco", "hypernet"}
    known = {*READERS, *ENDS_PROMPT, *LEFT_OUT, *OTHER_NAMES} - ours
    return any(found.group(1).lower() in known for found in TAG_OPEN.finditer(text))


def read_swarm(text: str) -> Translated:
    """The prompt in danqing's language, and notes on what was left out. Raises PromptError for more than 120,000
    characters."""
    if len(text) > MOST_CHARACTERS:
        raise PromptError(f"the prompt has {len(text):,} characters; {MOST_CHARACTERS:,} are the most")
    reading = _Reading()
    said = _read(text, reading, 0)
    return Translated(said.strip(), tuple(reading.notes))


def _read(text: str, reading: _Reading, depth: int) -> str:
    closes = _closes(text)
    pieces: list[str] = []
    at = 0
    while not reading.ended and (found := TAG_OPEN.search(text, at)):
        end = closes.get(found.start())
        if end is None or depth >= DEEPEST:
            pieces.append(text[at : found.end()])
            at = found.end()
            continue
        pieces.append(text[at : found.start()])
        pieces.append(_tag(found, text[found.end() : end], reading, depth))
        reading.room -= len(pieces[-1])
        if reading.room < 0:
            reading.note("the prompt grows too large: the rest is left out")
            reading.ended = True
        at = end + 1
    return "".join(pieces) + ("" if reading.ended else text[at:])


def _closes(text: str) -> dict[int, int]:
    """Where each `<` closes; those that never do are missing."""
    closes: dict[int, int] = {}
    opened: list[int] = []
    for found in SIGN.finditer(text):
        if found.group() == "<":
            opened.append(found.start())
        elif opened:
            closes[opened.pop()] = found.start()
    return closes


def _tag(found: re.Match[str], inside: str, reading: _Reading, depth: int) -> str:
    name = found.group(1).lower()
    name = OTHER_NAMES.get(name, name)
    if name in READERS:
        return READERS[name](found.group(2) or "", inside, reading, depth)
    if name in ENDS_PROMPT:
        reading.note(f"<{name}:{_short(inside)}> was left out: {ENDS_PROMPT[name]}")
        reading.ended = True
        return ""
    reading.note(f"<{name}:{_short(inside)}> was left out: {LEFT_OUT.get(name, 'danqing knows no such tag')}")
    return ""


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _options(inside: str, reading: _Reading, depth: int) -> list[str]:
    """The entries, parted by the rarest of `||`, `|` and `,` that stands outside inner tags."""
    places: dict[str, list[int]] = {"||": [], "|": [], ",": []}
    level = 0
    for found in MARKS.finditer(inside):
        sign = found.group()
        if sign in places and level == 0:
            places[sign].append(found.start())
        level += {"<": 1, ">": -1}.get(sign, 0)
    sign = next((sign for sign, found in places.items() if found), ",")
    starts = [0, *(place + len(sign) for place in places[sign])]
    ends = [*places[sign], len(inside)]
    return [_read(inside[start:end].strip(), reading, depth + 1) for start, end in zip(starts, ends, strict=True)]


def _random(count: str, inside: str, reading: _Reading, depth: int) -> str:
    options = [word for option in _options(inside, reading, depth) for word in _numbers(option)]
    return (
        "{" + _bounds(count) + "|".join(option.replace("|", "\\|") for option in options) + "}"
        if len(options) > 1
        else "".join(options)
    )


def _numbers(option: str) -> list[str]:
    """`1-3` as 1, 2, 3; with decimals as many as are written. Any other option is itself."""
    found = RANGE.fullmatch(option)
    if found is None:
        return [option]
    low, fraction, high, other = found.groups()
    places = max(len(part) - 1 for part in (fraction or ".", other or "."))
    first, last = round(float(low + (fraction or "")) * 10**places), round(float(high + (other or "")) * 10**places)
    if not 0 <= last - first < MOST_NUMBERS:
        return [option]
    return [f"{number / 10**places:.{places}f}" for number in range(first, last + 1)]


def _bounds(count: str) -> str:
    """`1-3,` as `1-3$$, $$`; without a comma the words are parted by a blank."""
    found = COUNT.fullmatch(count)
    if found is None:
        return ""
    low, high, comma = found.groups()
    return f"{low}-{high}$${comma} $$" if high else f"{low}$${comma} $$"


def _wildcard(count: str, inside: str, reading: _Reading, depth: int) -> str:
    name, _, without = _read(inside, reading, depth + 1).partition(",")
    if without:
        reading.note(f"{without.strip()} behind the wildcard {name} was left out: an entry can't be excluded here")
    path = f"__{name.strip().strip(':')}__"
    bounds = _bounds(count)
    return f"{{{bounds}{path}}}" if bounds else path


def _alternate(count: str, inside: str, reading: _Reading, depth: int) -> str:
    return f"[{'|'.join(_options(inside, reading, depth))}]"


def _from_to(when: str, inside: str, reading: _Reading, depth: int) -> str:
    options = _options(inside, reading, depth)
    if len(options) != 2 or not NUMBER.fullmatch(when):
        reading.note(f"<fromto[{when}]:{_short(inside)}> was left out: it needs a step and two texts")
        return ""
    return f"[{options[0]}:{options[1]}:{when.strip()}]"


def _lora(_: str, inside: str, reading: _Reading, depth: int) -> str:
    name, *weights = [part.strip() for part in _read(inside, reading, depth + 1).split(":")]
    if len(weights) > 1:  # SwarmUI writes the UNet's weight first, A1111 the text encoder's
        weights[:2] = [weights[1], weights[0]]
    return f"<lora:{':'.join([name, *weights])}>"


def _repeat(count: str, inside: str, reading: _Reading, depth: int) -> str:
    found = COUNT.fullmatch(count)
    if found is None:
        reading.note(f"<repeat[{count}]:{_short(inside)}> says no number of times: it stands once")
    most = min(MOST_COPIES, int(found.group(2) or found.group(1))) if found else 1
    once = _read(inside, reading, depth + 1)
    # Copies are written out as they are, so that a choice in them is drawn anew in each.
    return " ".join([once] * min(most, max(1, reading.room // max(1, len(once)))))


def _set(name: str, inside: str, reading: _Reading, depth: int, at_once: bool) -> str:
    word, _, emit = name.partition(",")
    word = re.sub(r"\W", "_", word.strip()) or "x"
    reading.known.add(word)
    value = f"${{{word}={'!' if at_once else ''}{_read(inside, reading, depth + 1)}}}"
    return value if emit.strip().lower() == "false" else f"{value}${{{word}}}"


def _use(name: str, inside: str, reading: _Reading, depth: int) -> str:
    word = re.sub(r"\W", "_", (inside or name).strip())
    if word not in reading.known:
        reading.note(f"nothing sets the variable {_short(word)}: it was left out")
        return ""
    return f"${{{word}}}"


Reader = Callable[[str, str, _Reading, int], str]
READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "random": _random,
        "alternate": _alternate,
        "fromto": _from_to,
        "wildcard": _wildcard,
        "lora": _lora,
        "embed": lambda _, inside, reading, depth: _read(inside, reading, depth + 1).strip(),
        "repeat": _repeat,
        "break": lambda _, inside, reading, depth: "BREAK",
        "comment": lambda _, inside, reading, depth: "",
        "setvar": lambda name, inside, reading, depth: _set(name, inside, reading, depth, True),
        "setmacro": lambda name, inside, reading, depth: _set(name, inside, reading, depth, False),
        "var": _use,
        "macro": _use,
    }
)
