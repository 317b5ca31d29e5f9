"""A1111's own reading of its infotext, to the letter: which keys it finds, what it fills in where keys are missing.

Forgiving reading is `infotext_fields`.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

VALUE = re.compile(r'\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
"""What stands behind a colon: JSON in quotes, or all up to the next comma."""
LONGEST_KEY = 100
SIZE = re.compile(r"^(\d{1,18})x(\d{1,18})$")
LEAST_FIELDS = 3
NEGATIVE = "Negative prompt:"
VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(-rc)?(?:-(\d+))?", re.IGNORECASE)

Field = str | int | bool

DEFAULTS: Mapping[str, Field] = MappingProxyType(
    {
        "Clip skip": "1",
        "Hires resize-1": 0,
        "Hires resize-2": 0,
        "Hires sampler": "Use same sampler",
        "Hires schedule type": "Use same scheduler",
        "Hires checkpoint": "Use same checkpoint",
        "Hires prompt": "",
        "Hires negative prompt": "",
        "Mask mode": "Inpaint masked",
        "Masked content": "original",
        "Inpaint area": "Whole picture",
        "Masked area padding": 32,
        "RNG": "GPU",
        "Schedule type": "Automatic",
        "Schedule max sigma": 0,
        "Schedule min sigma": 0,
        "Schedule rho": 0,
        "VAE Encoder": "Full",
        "VAE Decoder": "Full",
        "FP8 weight": "Disable",
        "Refiner switch by sampling steps": False,
    }
)
"""What A1111 1.10 takes for a key that isn't there."""


def pairs(line: str) -> Iterator[tuple[str, str]]:
    """(key, value as it stands) for everything like `key: value`. In one go from colon to colon: hostile lines are long."""
    done = 0
    while (colon := line.find(":", done)) >= 0:
        start = colon
        while start > max(done, colon - LONGEST_KEY) and (line[start - 1].isalnum() or line[start - 1] in "_ -/"):
            start -= 1
        key = line[start:colon].lstrip(" -/")
        match = VALUE.match(line, colon + 1) if len(key) > 1 else None
        if match is None:
            # Nothing before this colon can belong to a later key, for keys hold no colons.
            done = colon + 1
            continue
        yield key, match[1]
        done = match.end()


def fields_of_line(line: str) -> dict[str, str]:
    """Key and value of every parameter in one line; `512x768` becomes two fields with -1 and -2 behind their key."""
    found: dict[str, str] = {}
    for key, value in pairs(line):
        plain = unquote(value)
        size = SIZE.match(plain)
        if size:
            found[f"{key}-1"], found[f"{key}-2"] = size.groups()
        else:
            found[key] = plain
    return found


def unquote(value: str) -> str:
    """The value without its JSON quotes, or as it is where it has none or broken ones."""
    if len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    try:
        plain: object = json.loads(value)
    except ValueError:
        return value
    return plain if isinstance(plain, str) else value


def present_fields(text: str) -> dict[str, str]:
    """The fields that stand in the text, as A1111 finds them: only the last line can hold parameters, and only three or more."""
    *lines, last = text.strip().split("\n")
    found = fields_of_line(last.strip())
    if sum(1 for _ in pairs(last.strip())) < LEAST_FIELDS:
        lines, found = [*lines, last], {}
    return {**found, **prompts_of_lines(lines)}


def prompts_of_lines(lines: list[str]) -> dict[str, str]:
    """Prompt and negative prompt; every line trimmed, everything from the label on is negative."""
    parts: dict[str, list[str]] = {"Prompt": [], "Negative prompt": []}
    name = "Prompt"
    for line in lines:
        line = line.strip()
        if line.startswith(NEGATIVE):
            name, line = "Negative prompt", line[len(NEGATIVE) :].strip()
        if line or parts[name]:
            parts[name].append(line)
    return {name: "\n".join(found) for name, found in parts.items()}


def all_fields(text: str) -> dict[str, Field]:
    """The fields that stand in the text and those that A1111 1.10 fills in: what its page and /png-info show."""
    found: dict[str, Field] = dict(present_fields(text))
    _undo_old_hires(found)
    _fill_in(found)
    _look_at_version(found)
    return found


def _fill_in(found: dict[str, Field]) -> None:
    for key, value in DEFAULTS.items():
        found.setdefault(key, value)
    if "Emphasis" not in found and uses_emphasis(f"{found['Prompt']}\n{found['Negative prompt']}"):
        found["Emphasis"] = "Original"


def uses_emphasis(text: str) -> bool:
    """Whether an unescaped bracket weighs anything. Alike `(x:1)`, rare and harmless, is not told apart."""
    return re.search(r"(?<!\\)(?:\\\\)*[(\[]", text) is not None


def _undo_old_hires(found: dict[str, Field]) -> None:
    """Before hires was named so, Size was the second pass and First pass size the first; 0 let it be computed."""
    if "First pass size-1" not in found or "Size-1" not in found:
        return
    width, height = int(found["Size-1"]), int(found["Size-2"])
    first = int(found["First pass size-1"]), int(found["First pass size-2"])
    if 0 in first:
        first = old_first_pass(width, height)
    found["Size-1"], found["Size-2"] = first
    found["Hires resize-1"], found["Hires resize-2"] = width, height


def old_first_pass(width: int, height: int) -> tuple[int, int]:
    """(width, height) of the first pass that old versions computed: about 512 squared, each side rounded up to 64."""
    if width <= 0 or height <= 0:
        return width, height
    scale = math.sqrt(512 * 512 / (width * height))
    return math.ceil(scale * width / 64) * 64, math.ceil(scale * height / 64) * 64


def version_of(text: str) -> tuple[int, int, int, int] | None:
    """A1111's version as numbers that compare, the fourth counting commits; None for Forge's and others' versions."""
    match = VERSION.match(text.strip())
    if match is None:
        return None
    major, minor, patch, candidate, commits = match.groups()
    return int(major), int(minor), int(patch), -1 if candidate else int(commits or 0)


def _look_at_version(found: dict[str, Field]) -> None:
    version = version_of(str(found.get("Version", "")))
    if version is None:
        return
    if version < (1, 6, 0, 0):
        if "[" in str(found["Prompt"]):
            found["Old prompt editing timelines"] = True
        if found.get("Sampler") in ("DDIM", "PLMS"):
            found["Pad conds v0"] = True
    if version < (1, 7, 0, 225):
        found["Downcast alphas_cumprod"] = True
