"""`danqing build`: a prompt put together from the prompt builder's lists."""

import json
from typing import Annotated, get_args

import typer

from danqing.base.errors import PromptError
from danqing.base.table import did_you_mean
from danqing.cli.options import JsonOption
from danqing.prompt.builder import Language, Slot, Taxonomy, build_prompt
from danqing.studio.prompts import taxonomy

ABOUT = """
Put a prompt together: danqing build who=1girl hair="long hair, green hair" lighting=sunlight. Words may be given in English,
Chinese or Korean. Without words the lists are shown; with a slot's name alone, what it offers.
"""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(build)


def build(
    choices: Annotated[list[str] | None, typer.Argument(metavar="SLOT=WORDS", help="What to take from a list.")] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", metavar="NAME", help="Of the lists that are shown: en, zh or ko.")
    ] = "en",
    as_json: JsonOption = False,
) -> None:
    """Prints the prompt, or what there is to choose."""
    words = taxonomy()
    tongue = next((one for one in get_args(Language) if one == language.casefold()), None)
    if tongue is None:
        raise PromptError(f"no language named {language!r}; possible: {', '.join(get_args(Language))}")
    slots = [word for word in choices or () if "=" not in word]
    if slots or not choices:
        _show([_slot(words, name) for name in slots] or list(words.slots.values()), tongue, as_json)
        return
    chosen = {name.strip(): said.split(",") for name, _, said in (word.partition("=") for word in choices)}
    prompt = build_prompt(words, chosen)
    print(json.dumps({"prompt": prompt}, ensure_ascii=False, indent=2) if as_json else prompt)


def _slot(words: Taxonomy, name: str) -> Slot:
    if name not in words.slots:
        raise PromptError(f"the prompt builder has no slot named {name!r}{did_you_mean(name, list(words.slots))}")
    return words.slots[name]


def _show(slots: list[Slot], language: Language, as_json: bool) -> None:
    if as_json:
        data = {
            slot.name: {"label": slot.label.label(language), "tags": {tag.en: tag.label(language) for tag in slot.tags}}
            for slot in slots
        }
        print(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for slot in slots:
        print(f"{slot.name} ({slot.label.label(language)}): {', '.join(tag.label(language) for tag in slot.tags)}")
