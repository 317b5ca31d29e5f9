"""Choices between words on their way from one dialect to another: `{a|b}` here, `{a, b}` in Midjourney."""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from danqing.base.errors import PromptError
from danqing.prompt.reading import Dialect
from danqing.prompt.template import Choice, Piece, variant_places
from danqing.prompt.variants import draw_variant

PRIVATE_USE = range(0xE000, 0xF8FF)
GROUP = re.compile(r"(?<!\\)\{((?:[^{}\\]|\\.)*)\}")
COMMA = re.compile(r"\s*(?<!\\),\s*")
Say = Callable[[str], str]


@dataclass(frozen=True)
class Held:
    """A text with a private sign for every choice that the other dialect can say; `choices` has their options by sign,
    `raw` what is kept as it was written."""

    text: str
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    raw: Mapping[str, str] = field(default_factory=dict[str, str])

    def put_back(self, text: str, target: Dialect, say: Say) -> str:
        """The translated text with its choices in the words of the target; `say` translates an option."""
        said = {sign: _choice([say(option) for option in options], target) for sign, options in self.choices.items()}
        return "".join(said.get(sign, self.raw.get(sign, sign)) for sign in text)


def hold_choices(text: str, source: Dialect, target: Dialect, note: Callable[[str], None]) -> Held:
    """Takes the choices out of a text; those that the target can't say are settled. Raises PromptError for a template
    that can't be understood, or with more than 6,000 choices.
    """
    if source == "danqing":
        return _of_danqing(text, target, note)
    if source == "midjourney" and GROUP.search(text):
        return _of_midjourney(text, target, note)
    return Held(text)


def _of_danqing(text: str, target: Dialect, note: Callable[[str], None]) -> Held:
    places, text = variant_places(text)
    if not places:
        return Held(text)
    signs = _signs(text, len(places))
    choices: dict[str, tuple[str, ...]] = {}
    raw: dict[str, str] = {}
    texts: list[str] = []
    done = 0
    for sign, (start, end, piece) in zip(signs, places, strict=True):
        texts.append(text[done:start])
        options = _plain_options(piece)
        if target == "a1111":
            note("A1111 reads variants and wildcards with its Dynamic Prompts extension only")
            raw[sign] = text[start:end]
            texts.append(sign)
        elif options and target in ("comfy", "midjourney"):
            note(
                "ComfyUI's page draws one of {a|b} by chance" if target == "comfy" else "Midjourney paints every option"
            )
            choices[sign] = options
            texts.append(sign)
        else:
            note("variants were settled: one of each was drawn, and wildcards stay as they are")
            texts.append(draw_variant(text[start:end], random.Random(0)))
        done = end
    return Held("".join([*texts, text[done:]]), choices, raw)


def _of_midjourney(text: str, target: Dialect, note: Callable[[str], None]) -> Held:
    groups = list(GROUP.finditer(text))
    choices = {
        sign: tuple(option.replace("\\", "") for option in COMMA.split(found.group(1).strip()))
        for sign, found in zip(_signs(text, len(groups)), groups, strict=True)
    }
    if target not in ("danqing", "comfy"):
        note("permutations were settled: the first option of each was taken")
        firsts = iter(choices.values())
        return Held(GROUP.sub(lambda found: next(firsts)[0], text))
    note("a permutation became a variant" + (", all of its options in turn" if target == "danqing" else ""))
    signs = iter(choices)
    return Held(GROUP.sub(lambda found: next(signs), text), choices)


def _plain_options(piece: Piece) -> tuple[str, ...]:
    """The options of `{a|b}` when that is all it says, else none."""
    if not isinstance(piece, Choice) or (piece.low, piece.high, piece.method) != (1, 1, ""):
        return ()
    plain = [[item for item in option.items if isinstance(item, str)] for _, option in piece.options]
    whole = all(
        weight == 1 and len(items) == len(option.items)
        for items, (weight, option) in zip(plain, piece.options, strict=True)
    )
    return tuple("".join(items).strip() for items in plain) if whole else ()


def _choice(options: list[str], target: Dialect) -> str:
    if target == "midjourney":
        return "{" + ", ".join(option.replace(",", "\\,") for option in options) + "}"
    return ("{!" if target == "danqing" else "{") + "|".join(options) + "}"


def _signs(text: str, count: int) -> list[str]:
    free = [sign for sign in map(chr, PRIVATE_USE) if sign not in text][:count]
    if len(free) < count:
        raise PromptError("the prompt has more than 6,000 choices")
    return free
