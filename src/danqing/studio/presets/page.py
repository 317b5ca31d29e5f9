"""Pages of pictures and set words, as cover, advertisement and poster make them, and what their checks measure. No word is painted."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from danqing.base.knobs import Knob
from danqing.base.picture import Pixels
from danqing.pixels.color import color_of
from danqing.pixels.compose import LARGE, READABLE, READABLE_LARGE, Words, busyness, composed
from danqing.pixels.layout import Page, faults, page_named
from danqing.pixels.typeset import legibility
from danqing.studio.presets.desk import Desk
from danqing.studio.presets.pieces import Finding, Made, Piece, PresetSettings, Source

BUSY = 0.1
"""Under a title no more than this share of pixels may differ from their neighbours by 8 levels (compose.busyness)."""
SOFT = 4.0
"""A picture that had to be enlarged more than this looks soft on its page, whatever enlarged it."""


class PageSettings(PresetSettings):
    """What all pages can be told."""

    layout: Annotated[str, Knob("Layout", "Another one of danqing's pages.", group="basic")] = ""
    palette: Annotated[
        str, Knob("Palette", "Colours of the brand: #rrggbb or names with commas; first the lightest.", group="basic")
    ] = ""
    font: Annotated[
        str, Knob("Font", "A font file that is asked for letters which danqing's fonts lack.", group="basic")
    ] = ""


@dataclass(frozen=True)
class Paged(Made):
    """A page, its words as they came to stand, the same page without them (H, W, 3), and how often each picture was enlarged."""

    page: Page
    words: tuple[Words, ...]
    ground: Pixels
    enlarged: Mapping[str, float]


def page_of(settings: PageSettings, usual: str) -> Page:
    """The page that was said, or the usual one, with the palette that was said; colours that weren't are the page's own. Raises RecipeError."""
    page = page_named(settings.layout or usual)
    said = tuple(color.strip() for color in settings.palette.split(",") if color.strip())
    for color in said:
        color_of(color)
    return page.but(palette=(*said, *page.palette[len(said) :])) if said else page


def ratio_of(page: Page, place: str) -> float:
    """Width to height of the place of a picture."""
    left, top, right, bottom = page.box(next(one.place for one in page.pictures if one.name == place))
    return (right - left) / (bottom - top)


def laid_out(
    desk: Desk, settings: PageSettings, page: Page, pictures: Mapping[str, Source], texts: Mapping[str, str]
) -> Paged:
    """The page put together, its pictures enlarged to their places first. Raises as compose.composed."""
    placed: dict[str, Pixels] = {}
    times: dict[str, float] = {}
    for place in page.pictures:
        if place.name in pictures:
            left, top, right, bottom = page.box(place.place)
            pixels, size = pictures[place.name].pixels, (right - left, bottom - top)
            if place.fit == "cover":
                times[place.name] = max(size[0] / pixels.shape[1], size[1] / pixels.shape[0])
                pixels = desk.enlarged(pixels, *size)
            placed[place.name] = pixels
    fonts = [settings.font] if settings.font else []
    made = composed(page, placed, texts, fonts)
    ground = composed(page, placed, dict.fromkeys((text.name for text in page.texts), ""), fonts).pixels
    piece = Piece(page.name, made.pixels, tuple(pictures.values()))
    return Paged((piece,), page, made.words, ground, times)


def check_page(made: Paged, titles: tuple[str, ...]) -> tuple[Finding, ...]:
    """Every word readable, in its place and in the safe area; quiet under the titles; pictures large enough for the page."""
    found = [_readable(made, words) for words in made.words]
    found += [_in_place(made, words) for words in made.words]
    stood = {words.name for words in made.words}
    for name in titles:
        if name not in stood:
            found.append(Finding("title", False, f"there is no {name}; give --{name}", 0.0))
    found += [_quiet(made, words) for words in made.words if words.name in titles]
    wrong = faults(made.page)
    if wrong:
        found.append(Finding("layout", False, "; ".join(wrong), float(len(wrong))))
    for name, times in made.enlarged.items():
        told = f"{name} was enlarged {times:.1f} times to fill its place" if times > 1 else f"{name} is large enough"
        advice = "" if times <= SOFT else "; it looks soft, so paint larger, with another model or a hires pass"
        found.append(Finding("resolution", times <= SOFT, told + advice, times))
    return tuple(found)


def painted_words(made: Paged, words: Words) -> Pixels:
    """The part of the ground that a text stands on."""
    left, top, right, bottom = _within(made, words)
    return made.ground[top:bottom, left:right]


def _within(made: Paged, words: Words) -> tuple[int, int, int, int]:
    left, top, right, bottom = words.box
    return max(0, left), max(0, top), min(made.page.width, right), min(made.page.height, bottom)


def _readable(made: Paged, words: Words) -> Finding:
    """Measured on the ground; a rim counts where it was drawn, which shows in a contrast better than the ground's."""
    needed = READABLE_LARGE if words.size >= LARGE * made.page.height else READABLE
    on_ground = legibility(painted_words(made, words), words.color)
    seen = max(on_ground, words.contrast)
    rim = " by its rim" if words.contrast > on_ground + 0.01 and on_ground < needed else ""
    told = f"{words.name}: contrast {seen:.1f}{rim}, {needed:g} needed"
    return Finding("contrast", seen >= needed, told, seen)


def _in_place(made: Paged, words: Words) -> Finding:
    place = made.page.box(next(text.place for text in made.page.texts if text.name == words.name))
    safe = round(made.page.safe * min(made.page.width, made.page.height))
    allowed = (
        max(place[0], safe),
        max(place[1], safe),
        min(place[2], made.page.width - safe),
        min(place[3], made.page.height - safe),
    )
    left, top, right, bottom = words.box
    beyond = max(allowed[0] - left, allowed[1] - top, right - allowed[2], bottom - allowed[3], 0)
    good = beyond <= 2  # boxes are whole pixels
    told = f"{words.name}: stands in its place and in the safe area"
    if not good:
        told = f"{words.name}: reaches {beyond} pixels beyond its place or the safe area"
    return Finding("place", good, told, float(beyond))


def _quiet(made: Paged, words: Words) -> Finding:
    seen = busyness(made.ground, _within(made, words))
    told = f"{words.name}: {seen:.0%} of what is under it is restless"
    return Finding("quiet ground", seen <= BUSY, told + ("" if seen <= BUSY else f"; {BUSY:.0%} is usual"), seen)


def difference(one: Pixels, other: Pixels) -> float:
    """How far two pictures of one size are apart, in levels: the mean over all pixels. (H, W, 3)."""
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())
