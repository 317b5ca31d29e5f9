"""The tables that the embedded model's pictures are made of: avatar styles, colours, nouns, words. Read from assets,
never changed."""

import json
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

SIZE = 128
"""Side of a training picture in pixels."""

THING_STYLES = ("3d", "flat", "noto", "twemoji")
SCENES = ("night sky", "space", "sunset", "grass", "beach", "snow", "underwater", "desert", "room", "clouds")
OUTDOORS = ("grass", "beach", "snow", "desert")
"""Scenes that have a time of day."""
WALLS = ("pink", "light blue", "yellow", "beige", "green")
FRAMINGS = ("close-up", "upper body", "from afar")


@dataclass(frozen=True)
class World:
    """What can be drawn. `styles`, `palette`, `nouns` and `words` are the JSON tables of the assets folder."""

    styles: dict[str, Any]
    palette: dict[str, dict[str, list[str]]]
    nouns: dict[str, Any]
    words: dict[str, Any]

    @cached_property
    def labels(self) -> dict[str, str]:
        """Caption noun -> label in emojibase, every noun."""
        return {noun: label for group in self.nouns["groups"].values() for noun, label in group.items()}

    @cached_property
    def held_out_nouns(self) -> frozenset[str]:
        """Objects that no training picture shows: LoRA and textual inversion are tested on them."""
        return frozenset(self.nouns["held_out"])

    @cached_property
    def known_nouns(self) -> tuple[str, ...]:
        """Objects that training pictures show."""
        return tuple(noun for noun in self.labels if noun not in self.held_out_nouns)

    @cached_property
    def known_styles(self) -> tuple[str, ...]:
        """Avatar styles that training pictures show."""
        return tuple(name for name, style in self.styles.items() if not style.get("held_out"))

    @cached_property
    def held_out_styles(self) -> tuple[str, ...]:
        """Avatar styles that no training picture shows."""
        return tuple(name for name, style in self.styles.items() if style.get("held_out"))

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """Names of the plain background colours."""
        return tuple(self.palette["background"])


def load_world() -> World:
    """The tables as they ship."""
    folder = files("danqing") / "assets" / "training" / "mini"

    def table(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))

    return World(table("styles"), table("palette"), table("nouns"), table("words"))
