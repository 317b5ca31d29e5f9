"""Stickers: a subject cut out of its background to real alpha, a white die-cut border, sheets to print."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from danqing.base.errors import ImageError
from danqing.base.knobs import Knob
from danqing.base.picture import Pixels
from danqing.pixels.background import PLAIN, Cutout, cut_out
from danqing.pixels.color import color_of
from danqing.pixels.sticker import PrintSheet, Shadow, border_width, die_cut, pdf_of, printed, shadowed, sticker_parts
from danqing.studio.presets.desk import Desk, need_words, opaque
from danqing.studio.presets.pieces import Finding, Made, Piece, PresetSettings, Source
from danqing.studio.presets.preset import Preset

NEAR = 0.2
"""By this share the border may be narrower than asked; half pixels and the smoothing of the outline take that much."""


class StickerSettings(PresetSettings):
    """Lengths on paper in millimetres; the border in hundredths of the picture's longer side."""

    count: Annotated[int, Knob("Count", "How many different stickers are painted.", 1, 100, 1, group="basic")] = 1
    background: Annotated[
        str, Knob("Background", "The plain colour that it is painted on; one that the subject hasn't.", group="basic")
    ] = "blue"
    border: Annotated[
        float, Knob("Border", "Width of the border, in hundredths of the longer side.", 0.5, 20, 0.5, group="basic")
    ] = 4.0
    color: Annotated[str, Knob("Border colour", "#rrggbb or a name.", group="basic")] = "white"
    side: Annotated[int, Knob("Side", "Smaller pictures are enlarged to it; pixels.", 64, 4096, 8, group="basic")] = 768
    shadow: Annotated[bool, Knob("Shadow", "A soft shadow below; not on the sheet.", group="basic")] = False
    holes: Annotated[bool, Knob("Holes", "Cut out background that shows through the subject.", group="basic")] = False
    paper: Annotated[str, Knob("Paper", "A3, A4, A5, A6 or Letter.", group="basic")] = "A4"
    millimetres: Annotated[
        float, Knob("Printed size", "Of the longer side of a sticker, in mm.", 5, 300, 1, group="basic")
    ] = 50.0
    dpi: Annotated[int, Knob("Resolution", "Pixels to the inch of the sheet.", 72, 600, 1)] = 300
    fill_sheet: Annotated[bool, Knob("Fill the sheet", "Repeat the stickers until it is full.", group="basic")] = True


@dataclass(frozen=True)
class Stickers(Made):
    """The subjects as they were cut out, the stickers made of them, and how wide their border should be in pixels."""

    cutouts: tuple[Cutout, ...]
    stickers: tuple[Pixels, ...]
    border: float
    blank: tuple[int, ...] = ()
    """Numbers of the pictures, from 1, of which nothing was left when the background was gone."""


def make_stickers(desk: Desk, settings: StickerSettings) -> Stickers:
    """A sticker for each picture, and the sheets as pictures and as one PDF."""
    need_words(settings, "a sticker")
    sheet = PrintSheet(settings.paper, settings.dpi, settings.millimetres)
    columns, rows = sheet.shape  # a paper that isn't known is named before anything is painted
    color = color_of(settings.color)
    sources = desk.given() or desk.paint([""] * settings.count)
    border = settings.border / 100 * settings.side
    cutouts = [_cut_out(desk, settings, source) for source in sources]
    whole = [index for index, cut in enumerate(cutouts) if (cut.pixels[..., 3] > 127).any()]
    if not whole:
        raise ImageError(
            "no subject could be told from the background; give a picture of one thing on another colour, or another --background"
        )
    blank = tuple(index + 1 for index in range(len(sources)) if index not in whole)
    sources, cutouts = [sources[index] for index in whole], [cutouts[index] for index in whole]
    stickers = [die_cut(cut.pixels, border, color) for cut in cutouts]
    pieces = [
        Piece(f"sticker-{number}", shadowed(one, Shadow()) if settings.shadow else one, (source,))
        for number, (one, source) in enumerate(zip(stickers, sources, strict=True), 1)
    ]
    wanted = columns * rows if settings.fill_sheet else 0
    full = stickers * max(1, wanted // len(stickers))
    pages = printed(full, sheet)
    pieces += [Piece(f"sheet-{number}", page, tuple(sources)) for number, page in enumerate(pages, 1)]
    documents = {"sheets.pdf": pdf_of(pages, settings.dpi)}
    return Stickers(tuple(pieces), tuple(cutouts), tuple(stickers), border, blank, documents=documents)


def check_stickers(made: Stickers, settings: StickerSettings) -> tuple[Finding, ...]:
    """Of each sticker: a background that could be told apart, real alpha, all of the subject, one piece, the border's width."""
    found = [
        Finding(
            "subject", False, f"picture {number}: no subject could be told from the background; it is left out", 0.0
        )
        for number in made.blank
    ]
    for number, (cut, sticker) in enumerate(zip(made.cutouts, made.stickers, strict=True), 1):
        name = f"sticker {number}" if len(made.stickers) > 1 else "sticker"
        found += [
            _plainness(name, cut),
            _alpha(name, cut.pixels),
            _wholeness(name, cut.pixels),
            _one_piece(name, sticker),
            _border(name, cut.pixels, sticker, made.border),
        ]
    return tuple(found)


def _cut_out(desk: Desk, settings: StickerSettings, source: Source) -> Cutout:
    """The subject at the size that was asked for, if it was smaller; what is cut out already stays as it is."""
    cut = Cutout(source.pixels, 1.0)
    if not _is_cut_out(source.pixels):
        cut = cut_out(opaque(source), holes=settings.holes)
    scale = settings.side / max(cut.pixels.shape[:2])
    if scale <= 1:
        return cut
    height, width = (round(side * scale) for side in cut.pixels.shape[:2])
    return Cutout(desk.enlarged(cut.pixels, width, height), cut.plainness)


def _is_cut_out(pixels: Pixels) -> bool:
    return pixels.shape[2] == 4 and bool((pixels[..., 3] < 128).mean() > 0.02)


def _plainness(name: str, cut: Cutout) -> Finding:
    good = cut.plainness >= PLAIN
    told = f"{name}: one colour or gradient explains {cut.plainness:.0%} of the picture's edge"
    advice = "" if good else f"; below {PLAIN:.0%} the subject is only guessed, so look at the cut"
    return Finding("plain background", good, told + advice, cut.plainness)


def _alpha(name: str, pixels: Pixels) -> Finding:
    alpha = pixels[..., 3]
    clear, whole = float((alpha == 0).mean()), float((alpha == 255).mean())
    good = clear > 0.02 and whole > 0.02 and 1 - clear - whole < 0.2
    told = f"{name}: {clear:.0%} of the cut-out is clear, {whole:.0%} is whole, {1 - clear - whole:.1%} is edge"
    return Finding("real alpha", good, told + ("" if good else "; that is no clean cut"), clear)


def _wholeness(name: str, pixels: Pixels) -> Finding:
    alpha = pixels[..., 3] > 127
    edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    share = float(edge.mean())
    good = share <= 0.02
    told = f"{name}: the subject touches {share:.0%} of the picture's edge"
    return Finding("whole subject", good, told + ("" if good else "; it is cut off there"), share)


def _one_piece(name: str, sticker: Pixels) -> Finding:
    parts = sticker_parts(sticker)
    return Finding("one piece", parts == 1, f"{name}: {parts} piece{'' if parts == 1 else 's'} of paper", parts)


def _border(name: str, cut: Pixels, sticker: Pixels, asked: float) -> Finding:
    width = border_width(cut, sticker)
    good = width >= asked * (1 - NEAR)
    told = f"{name}: the border is {width:.1f} pixels wide where it is narrowest; {asked:.1f} were asked for"
    return Finding("border", good, told, width)


STICKER = Preset(StickerSettings, make_stickers, check_stickers)
