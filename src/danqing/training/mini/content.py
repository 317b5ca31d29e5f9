"""What one picture shows, as values: figures, backdrop, arrangement. Captions, pixels and the judge all read the same
value."""

from dataclasses import asdict, dataclass
from typing import Any

NONE = "none"


@dataclass(frozen=True)
class Person:
    """An avatar. Empty string: the style draws no such part, or none that a caption names."""

    who: str
    style: str
    hair: str
    hair_color: str
    skin: str
    expression: str
    eyes: str = ""
    glasses: str = NONE
    facial_hair: str = NONE
    detail: str = ""
    clothes: str = ""
    clothes_color: str = ""
    hat: str = ""
    hat_color: str = ""


@dataclass(frozen=True)
class Thing:
    """An object from an emoji set."""

    noun: str
    style: str


Figure = Person | Thing


@dataclass(frozen=True)
class Backdrop:
    """Behind the figures. kind: plain (one colour), gradient (two), scene (`scene`; `colors` holds the wall of a
    room). light: "" where a scene has no time of day."""

    kind: str
    colors: tuple[str, ...] = ()
    scene: str = ""
    light: str = ""

    @property
    def key(self) -> str:
        """One word for it: the scene, or the colours."""
        return self.scene or "+".join(self.colors)


@dataclass(frozen=True)
class Content:
    """One picture. arrangement: single, row (equal things), beside (first left, second right), above (first above
    second).

    place: where a single figure stands: center, left or right."""

    figures: tuple[Figure, ...]
    arrangement: str
    backdrop: Backdrop
    framing: str = "upper body"
    place: str = "center"
    sticker: bool = False

    @property
    def people(self) -> tuple[Person, ...]:
        """The avatars in it."""
        return tuple(f for f in self.figures if isinstance(f, Person))

    @property
    def things(self) -> tuple[Thing, ...]:
        """The objects in it."""
        return tuple(f for f in self.figures if isinstance(f, Thing))


def json_of(content: Content) -> dict[str, Any]:
    """The content as plain JSON values."""
    return asdict(content)


def content_of(record: dict[str, Any]) -> Content:
    """The inverse of `json_of`."""
    figures = tuple(Thing(**f) if "noun" in f else Person(**f) for f in record["figures"])
    backdrop = Backdrop(**{**record["backdrop"], "colors": tuple(record["backdrop"]["colors"])})
    return Content(**{**record, "figures": figures, "backdrop": backdrop})
