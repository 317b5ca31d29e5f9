"""Pages as data: where pictures and words go on a cover, an advertisement or a poster. Putting one together is compose.py's."""

import json
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from danqing.base.errors import RecipeError
from danqing.base.table import did_you_mean
from danqing.base.value import Value
from danqing.pixels.color import Color, color_of
from danqing.pixels.mask import Box
from danqing.pixels.typeset import Align, Rest


def _in_page(place: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    left, top, right, bottom = place
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise ValueError("must be left, top, right, bottom, each from 0 to 1 and in this order")
    return place


Place = Annotated[tuple[float, float, float, float], AfterValidator(_in_page)]
"""(left, top, right, bottom) in shares of the page's width and height."""


class PicturePlace(Value):
    """Where a picture goes. "cover" fills the place and cuts what is over, "contain" shows all of it."""

    name: str = "picture"
    place: Place = (0, 0, 1, 1)
    fit: Literal["cover", "contain"] = "cover"
    optional: bool = False


class Panel(Value):
    """A field of one colour, under the words and over the pictures; with `fade` it grows out of nothing towards that side."""

    place: Place
    color: str = "palette 1"
    opacity: float = Field(default=1.0, ge=0, le=1)
    fade: Literal["", "up", "down"] = ""


class TextPlace(Value):
    """Where words go, and how they are set. Sizes in shares of the page's height.

    color "auto" is the first of the palette that can be read there. `outline` is a rim's width in shares of the size;
    where no colour can be read, a rim is drawn even if none was asked for.
    """

    name: str
    place: Place
    text: str = ""
    font: str = "text"
    size: float = Field(default=0.03, gt=0, le=1)
    smallest: float = Field(default=0.014, gt=0, le=1)
    color: str = "auto"
    align: Align = "left"
    rest: Rest = "top"
    leading: float = Field(default=1.2, gt=0.5, le=4)
    tracking: float = Field(default=0.0, ge=-0.2, le=2)
    outline: float = Field(default=0.0, ge=0, le=0.3)
    capitals: bool = False
    balance: bool = False


class Page(Value):
    """A page without its pictures and its words. `safe` is how far words keep from the edge, in shares of the shorter side;
    colours are "#rrggbb", a name, or "palette 1" to "palette 9"."""

    name: str
    width: int = Field(ge=16, le=16384)
    height: int = Field(ge=16, le=16384)
    background: str = "#ffffff"
    palette: tuple[str, ...] = ("#ffffff", "#111111")
    safe: float = Field(default=0.04, ge=0, le=0.4)
    pictures: tuple[PicturePlace, ...] = (PicturePlace(),)
    panels: tuple[Panel, ...] = ()
    texts: tuple[TextPlace, ...] = ()

    def color(self, text: str) -> Color:
        """A colour of this page by its name. Raises RecipeError."""
        word, _, number = text.partition(" ")
        if word != "palette":
            return color_of(text)
        if not number.isdigit() or not 1 <= int(number) <= len(self.palette):
            raise RecipeError(
                f"no colour {text!r}; the palette of {self.name} has {len(self.palette)}, from 'palette 1' on"
            )
        return color_of(self.palette[int(number) - 1])

    def box(self, place: Place) -> Box:
        """A place in pixels."""
        sides = (self.width, self.height, self.width, self.height)
        left, top, right, bottom = (round(share * side) for share, side in zip(place, sides, strict=True))
        return left, top, right, bottom


def faults(page: Page) -> list[str]:
    """What is wrong with a page whatever stands on it, as sentences: words beyond the safe area or over each other."""
    found: list[str] = []
    across, down = (page.safe * min(page.width, page.height) / side for side in (page.width, page.height))
    for index, text in enumerate(page.texts):
        left, top, right, bottom = text.place
        if left < across - 1e-6 or top < down - 1e-6 or right > 1 - across + 1e-6 or bottom > 1 - down + 1e-6:
            found.append(
                f"{text.name} leaves the safe area, which ends {page.safe:.0%} of the shorter side from the edge"
            )
        found.extend(
            f"{text.name} and {other.name} lie over each other"
            for other in page.texts[index + 1 :]
            if max(left, other.place[0]) < min(right, other.place[2])
            and max(top, other.place[1]) < min(bottom, other.place[3])
        )
    return found


def page_names() -> list[str]:
    """The pages that come with danqing."""
    folder = files("danqing").joinpath("assets", "layouts")
    return sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))


def page_named(name: str) -> Page:
    """One of danqing's own pages. Raises RecipeError."""
    if name not in page_names():
        raise RecipeError(f"no page named {name!r}{did_you_mean(name, page_names())}")
    text = files("danqing").joinpath("assets", "layouts", f"{name}.json").read_text(encoding="utf-8")
    fields: dict[str, Any] = json.loads(text)
    return Page.model_validate(fields)
