"""What a preset's file says: its words, with places for settings in them, and its usual settings."""

import re
from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, JsonValue

from danqing.base.errors import DanqingError, SettingsError
from danqing.base.value import Value


class PresetFile(Value):
    """A preset as a file has it: `preset` names what is made, `settings` are its usual ones.

    `prompt` is a template in which {prompt} and every other setting that is a text stand by name; `recipe` are fields of
    the recipes that are painted.
    """

    error: ClassVar[type[DanqingError]] = SettingsError
    name: str
    preset: str
    about: str = ""
    prompt: str = "{prompt}"
    negative_prompt: str = ""
    recipe: dict[str, JsonValue] = Field(default_factory=dict)
    settings: dict[str, JsonValue] = Field(default_factory=dict)


def filled_in(template: str, words: Mapping[str, str]) -> str:
    """The template with its words put in by name; of commas between which nothing is left one stays."""
    text = re.sub(r"\{(\w+)\}", lambda found: words.get(found[1], found[0]).strip(), template)
    return re.sub(r"\s*,(?:\s*,)+", ",", text).strip(" ,\n")
