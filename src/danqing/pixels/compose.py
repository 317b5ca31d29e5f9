"""A page put together: pictures laid into their places, panels over them, words set in colours that can be read there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.base.table import did_you_mean
from danqing.pixels.blend import overlaid
from danqing.pixels.color import Color, contrast
from danqing.pixels.fonts import typeface
from danqing.pixels.layout import Page, Panel, TextPlace
from danqing.pixels.mask import Box
from danqing.pixels.resize import fitted, resize
from danqing.pixels.typeset import Type, drawn, legibility, readable_color, rim_for, set_in

READABLE, READABLE_LARGE = 4.5, 3.0
"""WCAG 2.2, AA: the contrast that text needs, and large text."""
LARGE = 0.03
"""From this share of the page's height on letters count as large: about 24 points on a printed A4 page."""
RIM = 0.06
"""How wide a rim is, in shares of the size, where words need one and the page doesn't say."""


@dataclass(frozen=True)
class Words:
    """Words as they came to stand: where, how large in pixels, in which colour, and the contrast to what is under them at
    its worst (to the rim, where there is one)."""

    name: str
    box: Box
    size: int
    color: Color
    contrast: float


@dataclass(frozen=True)
class Composition:
    """A page with its pictures and words, (H, W, 3), and how the words stand on it."""

    pixels: Pixels
    words: tuple[Words, ...]


def composed(
    page: Page, pictures: Mapping[str, Pixels], texts: Mapping[str, str], fonts: Sequence[str] = ()
) -> Composition:
    """The page with pictures (H, W, 3|4) and texts by the names of their places; a text that isn't given is the page's own.

    `fonts` are font files that stand in where the page's have no letter. Raises RecipeError for names that the page
    doesn't have, missing pictures and words without room; ImageError for letters that no font has.
    """
    _check_names(page, pictures, texts)
    pixels = np.broadcast_to(np.array(page.color(page.background), np.uint8), (page.height, page.width, 3)).copy()
    for place in page.pictures:
        if place.name in pictures:
            pixels = _laid_in(pixels, pictures[place.name], page.box(place.place), place.fit)
    for panel in page.panels:
        pixels = _panelled(pixels, page, panel)
    words: list[Words] = []
    for place in page.texts:
        text = texts.get(place.name, place.text).strip()
        if text:
            pixels, stood = _written(pixels, page, place, text, fonts)
            words.append(stood)
    return Composition(pixels, tuple(words))


def busyness(pixels: Pixels, box: Box) -> float:
    """How restless a part of a picture is, 0 to 1: the share of pixels that differ from their neighbours by 8 levels or
    more. Under a title it should be below 0.1."""
    left, top, right, bottom = box
    part = pixels[top:bottom, left:right, :3].astype(np.int16)
    across = np.abs(np.diff(part, axis=1)).max(axis=2)[:-1]
    down = np.abs(np.diff(part, axis=0)).max(axis=2)[:, :-1]
    steps = np.maximum(across, down)
    return float((steps >= 8).mean()) if steps.size else 0.0


def _check_names(page: Page, pictures: Mapping[str, Pixels], texts: Mapping[str, str]) -> None:
    places = [place.name for place in page.pictures]
    names = [text.name for text in page.texts]
    for kind, given, known in (("picture", pictures, places), ("text", texts, names)):
        for name in given:
            if name not in known:
                raise RecipeError(f"{page.name} has no place for a {kind} named {name!r}{did_you_mean(name, known)}")
    missing = [place.name for place in page.pictures if not place.optional and place.name not in pictures]
    if missing:
        raise RecipeError(f"{page.name} needs a picture named {missing[0]!r}")


def _laid_in(pixels: Pixels, picture: Pixels, box: Box, fit: str) -> Pixels:
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    if fit == "cover":
        part = fitted(picture, width, height, "crop and resize")
    else:
        scale = min(width / picture.shape[1], height / picture.shape[0])
        part = resize(picture, max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
        left, top = left + (width - part.shape[1]) // 2, top + (height - part.shape[0]) // 2
    spot = pixels[top : top + part.shape[0], left : left + part.shape[1]]
    spot[:] = overlaid(part[..., :3], spot, part[..., 3]) if part.shape[2] == 4 else part
    return pixels


def _panelled(pixels: Pixels, page: Page, panel: Panel) -> Pixels:
    left, top, right, bottom = page.box(panel.place)
    spot = pixels[top:bottom, left:right].astype(np.float32)
    slope = np.linspace(0, 1, bottom - top, dtype=np.float32)[:, None, None]
    share = {"": np.ones_like(slope), "down": slope, "up": slope[::-1]}[panel.fade]
    share = share * share * (3 - 2 * share) * panel.opacity
    spot += share * (np.array(page.color(panel.color), np.float32) - spot)
    pixels[top:bottom, left:right] = np.rint(spot)
    return pixels


def _written(pixels: Pixels, page: Page, place: TextPlace, text: str, fonts: Sequence[str]) -> tuple[Pixels, Words]:
    size, smallest = (max(4, round(share * page.height)) for share in (place.size, min(place.smallest, place.size)))
    type_ = Type(
        face=typeface(place.font, fonts),
        size=size,
        smallest=smallest,
        align=place.align,
        rest=place.rest,
        leading=place.leading,
        tracking=place.tracking,
        outline=place.outline,
        balance=place.balance,
    )
    setting = set_in(text.upper() if place.capitals else text, page.box(place.place), type_)
    left, top, right, bottom = setting.box
    under = pixels[max(0, top) : bottom, max(0, left) : right]
    needed = READABLE_LARGE if setting.size >= LARGE * page.height else READABLE
    palette = [page.color(color) for color in page.palette]
    color = readable_color(under, palette, needed) if place.color == "auto" else page.color(place.color)
    rim, seen = rim_for(color, palette), legibility(under, color)
    if seen < needed and not place.outline:
        type_ = replace(type_, outline=RIM)
    if type_.outline:
        seen = max(seen, contrast(color, rim))
    return drawn(pixels, setting, type_, color, rim), Words(place.name, setting.box, setting.size, color, seen)
