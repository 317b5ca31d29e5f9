"""Styles: named pieces of prompt, in A1111's styles.csv, laid on a prompt and taken off again. Files are read and
written elsewhere."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from danqing.base.errors import PromptError
from danqing.base.table import did_you_mean

PLACE = "{prompt}"


@dataclass(frozen=True)
class Style:
    """`{prompt}` stands where the prompt goes; without it the style follows behind a comma."""

    name: str
    prompt: str = ""
    negative_prompt: str = ""


@dataclass(frozen=True)
class Extracted:
    """What was left of two prompts and which styles were found in them, in the order in which they had been laid on."""

    prompt: str
    negative_prompt: str
    styles: tuple[str, ...]


def lay_on(style: str, prompt: str) -> str:
    """One style's text on one prompt."""
    if PLACE in style:
        return style.replace(PLACE, prompt)
    return ", ".join(part for part in (prompt.strip(), style.strip()) if part)


def take_off(style: str, prompt: str) -> tuple[bool, str]:
    """Whether the prompt carries the style, and the prompt without it. An empty style is on every prompt."""
    style, prompt = style.strip(), prompt.strip()
    if PLACE in style:
        before, _, after = style.partition(PLACE)
        long_enough = len(prompt) >= len(before) + len(after)
        if long_enough and prompt.startswith(before) and prompt.endswith(after):
            return True, prompt[len(before) : len(prompt) - len(after)]
        return False, prompt
    if not prompt.endswith(style):
        return False, prompt
    return True, prompt[: len(prompt) - len(style)].removesuffix(", ")


def apply_styles(
    prompt: str, negative_prompt: str, names: Sequence[str], styles: Mapping[str, Style]
) -> tuple[str, str]:
    """Prompt and negative prompt with styles laid on one after another. Raises PromptError for a name that isn't
    there."""
    for name in names:
        if name not in styles:
            raise PromptError(f"no style named {name!r}{did_you_mean(name, list(styles))}")
        prompt = lay_on(styles[name].prompt, prompt)
        negative_prompt = lay_on(styles[name].negative_prompt, negative_prompt)
    return prompt, negative_prompt


def extract_styles(prompt: str, negative_prompt: str, styles: Iterable[Style]) -> Extracted:
    """The prompts of a pasted text without the styles that both carry; a style is found once."""
    left = [style for style in styles if style.prompt or style.negative_prompt]
    found: list[str] = []
    while True:
        for style in left:
            on, rest = take_off(style.prompt, prompt)
            negative_on, negative_rest = take_off(style.negative_prompt, negative_prompt)
            if on and negative_on:
                prompt, negative_prompt = rest, negative_rest
                found.append(style.name)
                left.remove(style)
                break
        else:
            return Extracted(prompt, negative_prompt, tuple(reversed(found)))


def read_styles(text: str) -> dict[str, Style]:
    """The styles of a styles.csv; names that begin with `#` are its headings. The old header `name,text` is
    understood."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), restkey="rest")
    styles: dict[str, Style] = {}
    try:
        for row in reader:
            name = row.get("name") or ""
            if name and not name.startswith("#"):
                prompt = row.get("prompt") or row.get("text") or ""
                styles[name] = Style(name, prompt, row.get("negative_prompt") or "")
    except csv.Error as trouble:
        raise PromptError(f"line {reader.line_num + 1} of the styles can't be read: {trouble}") from trouble
    if "name" not in (reader.fieldnames or ["name"]):
        raise PromptError("the styles have no column 'name'; the first line must be name,prompt,negative_prompt")
    return styles


def write_styles(styles: Iterable[Style]) -> str:
    """The text of a styles.csv, to be written as UTF-8 with a byte order mark."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(("name", "prompt", "negative_prompt"))
    rows.writerows((style.name, style.prompt, style.negative_prompt) for style in styles)
    return out.getvalue()
