"""Character posters: one character in several poses or scenes on one page, its words in the safe area."""

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.picture import Pixels
from danqing.pixels.background import PLAIN, cut_out
from danqing.pixels.resize import resize
from danqing.studio.presets.desk import Desk, need_words, opaque, scenes_of
from danqing.studio.presets.page import (
    Paged,
    PageSettings,
    check_page,
    difference,
    laid_out,
    page_of,
    ratio_of,
)
from danqing.studio.presets.pieces import Finding
from danqing.studio.presets.preset import Preset

ALIKE = 0.35
"""Below this share of common colours a pose is somebody else, by its colours."""
LOOKED_AT = 256
"""Pixels of the longer side at which colours are counted."""
SAME = 4.0
"""Below this difference, in levels, two poses are one picture."""


class PosterSettings(PageSettings):
    """The character is the prompt (with its LoRA, where there is one); the first scene is the large picture."""

    scenes: Annotated[
        str,
        Knob("Scenes", "Up to four poses or scenes, semicolons between; the first is the large one.", group="basic"),
    ] = ""
    title: Annotated[str, Knob("Title", "The character's name.", group="basic")] = ""
    tagline: Annotated[str, Knob("Tagline", "Beside the title.", group="basic")] = ""
    text: Annotated[str, Knob("Text", "At the foot.", group="basic")] = ""
    same_seed: Annotated[
        bool, Knob("One seed", "All poses from one seed, which keeps the character closer.", group="basic")
    ] = True


def make_poster(desk: Desk, settings: PosterSettings) -> Paged:
    """The poster. Pictures that are given take their places in their order, else each scene is painted."""
    need_words(settings, "a character poster")
    page = page_of(settings, "character-poster")
    places = [place.name for place in page.pictures]
    scenes = scenes_of(settings.scenes) or [""]
    wanted = len(settings.pictures) or len(scenes)
    if wanted > len(places):
        raise RecipeError(f"{page.name} has places for {len(places)} pictures; {wanted} were asked for")
    # All in the shape of the large place: sizes that differ would give one seed different pictures.
    painted = [] if settings.pictures else desk.paint(scenes, ratio_of(page, places[0]), same_seed=settings.same_seed)
    sources = desk.given() or painted
    texts = {"title": settings.title, "tagline": settings.tagline, "text": settings.text}
    return laid_out(desk, settings, page, dict(zip(places, sources, strict=False)), texts)


def check_poster(made: Paged, settings: PosterSettings) -> tuple[Finding, ...]:
    """As every page; and whether the poses look like one character, as far as colours can tell, and aren't one picture."""
    found = list(check_page(made, ("title",)))
    first, *others = (opaque(source) for source in made.pieces[0].sources)
    for number, other in enumerate(others, 1):
        like = alike(first, other)
        told = f"pose {number} has {like:.0%} of its colours in common with the large picture"
        advice = "" if like >= ALIKE else "; it looks like somebody else: say more of the character, or use its LoRA"
        found.append(Finding("one character", like >= ALIKE, told + advice, like))
        apart = difference(first, resize(other, first.shape[1], first.shape[0]))
        told = f"pose {number} differs from the large picture by {apart:.1f} levels"
        advice = "" if apart >= SAME else "; it is all but the same picture"
        found.append(Finding("another pose", apart >= SAME, told + advice, apart))
    return tuple(found)


def alike(one: Pixels, other: Pixels) -> float:
    """How alike two subjects are in their colours alone, 0 to 1: what their histograms have in common. (H, W, 3), any size.

    A plain background doesn't count, for scenes may well have backgrounds of their own.
    """
    edges = [np.linspace(0, 256, 7)] * 3
    subjects = [_subject(pixels) for pixels in (one, other)]
    shares = [np.histogramdd(colors, edges)[0] / max(1, len(colors)) for colors in subjects]
    return float(np.minimum(*shares).sum())


def _subject(pixels: Pixels) -> NDArray[np.uint8]:
    """The colours of what stands before the background, (N, 3); all where there is no telling them apart."""
    height, width = pixels.shape[:2]
    scale = min(1.0, LOOKED_AT / max(width, height))
    small = resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))
    cut = cut_out(small)
    inside = cut.pixels[..., 3] > 127
    return small[inside] if cut.plainness >= PLAIN and inside.any() else small.reshape(-1, 3)


POSTER = Preset(PosterSettings, make_poster, check_poster)
