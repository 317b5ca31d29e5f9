"""Text set on pictures with fonts: sized to its box, wrapped, aligned, outlined, and in a colour that can be read there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.pixels.color import Color, contrast, luminance, luminances
from danqing.pixels.fonts import Typeface
from danqing.pixels.linebreak import balanced, pieces, wrapped
from danqing.pixels.mask import Box

Align = Literal["left", "center", "right"]
Rest = Literal["top", "middle", "bottom"]


@dataclass(frozen=True)
class Type:
    """How text is set. Sizes in pixels: `size` is wished for, `smallest` still allowed. `leading` is from line to line and
    `tracking` between letters, in shares of the size; `outline` is the width of a rim, in the same shares."""

    face: Typeface
    size: int
    smallest: int
    align: Align = "left"
    rest: Rest = "top"
    leading: float = 1.2
    tracking: float = 0.0
    outline: float = 0.0
    balance: bool = False


@dataclass(frozen=True)
class Setting:
    """Text as it will stand: its lines with where each begins (x and baseline), the size, and the box that it covers."""

    lines: tuple[tuple[str, float, float], ...]
    size: int
    box: Box


def set_in(text: str, box: Box, type_: Type) -> Setting:
    """The text in a box, as large as it may be and no word broken. Raises RecipeError where not even the smallest fits."""
    left, top, right, bottom = box
    room = (right - left, bottom - top)
    low, high = type_.smallest, max(type_.smallest, type_.size)
    if not _fits(text, room, type_, low):
        raise RecipeError(
            f"{_short(text)!r} doesn't fit in {room[0]}x{room[1]} pixels at {low} pixels a letter; shorten it, or give it room"
        )
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _fits(text, room, type_, middle) else (low, middle - 1)
    lines = _lines(text, room[0], type_, low)
    step = type_.leading * low
    ascent, height = _heights(type_, low, len(lines))
    first = top + {"top": 0.0, "middle": (room[1] - height) / 2, "bottom": room[1] - height}[type_.rest] + ascent
    lengths = [type_.face.length(line, low, type_.tracking) for line in lines]
    share = {"left": 0.0, "center": 0.5, "right": 1.0}[type_.align]
    placed = [
        (line, left + (room[0] - length) * share, first + index * step)
        for index, (line, length) in enumerate(zip(lines, lengths, strict=True))
    ]
    reach = [x + length for (_, x, _), length in zip(placed, lengths, strict=True)]
    covered = (
        int(min(x for _, x, _ in placed)),
        int(first - ascent),
        int(max(reach)) + 1,
        int(first - ascent + height) + 1,
    )
    return Setting(tuple(placed), low, covered)


def drawn(pixels: Pixels, setting: Setting, type_: Type, color: Color, rim: Color) -> Pixels:
    """The picture with the text on it. pixels (H, W, 3); `rim` is the outline's colour, if there is one."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    draw = ImageDraw.Draw(image)
    width = round(type_.outline * setting.size)
    # Rims first: a letter's rim would else lie on its neighbour.
    for stroke, ink in ((width, rim), (0, color)) if width else ((0, color),):
        for line, x, baseline in setting.lines:
            for part, font in _steps(line, type_, setting.size):
                draw.text((x, baseline), part, fill=ink, font=font, anchor="ls", stroke_width=stroke, stroke_fill=ink)
                x += font.getlength(part) + type_.tracking * setting.size
    return np.array(image, dtype=np.uint8)


def legibility(under: Pixels, color: Color) -> float:
    """The contrast of a colour to what lies under it at its worst, 1 to 21. under (H, W, 3); the darkest and the lightest
    twentieth of it don't count."""
    low, high = (float(np.quantile(luminances(under), share)) for share in (0.05, 0.95))
    own = luminance(color)
    if low < own < high:
        return 1.0  # somewhere below it is exactly as light
    return min((max(own, end) + 0.05) / (min(own, end) + 0.05) for end in (low, high))


def readable_color(under: Pixels, wishes: Sequence[Color], needed: float) -> Color:
    """The first of the wished colours that has the needed contrast to what lies under it, else black or white, else the
    one that comes nearest."""
    possible: list[Color] = [*wishes, (255, 255, 255), (0, 0, 0)]
    found = [legibility(under, color) for color in possible]
    return next(
        (color for color, seen in zip(possible, found, strict=True) if seen >= needed), possible[int(np.argmax(found))]
    )


def rim_for(color: Color, wishes: Sequence[Color]) -> Color:
    """The colour of an outline that sets text off: the wish with the most contrast to it, or black or white."""
    return max([*wishes, (255, 255, 255), (0, 0, 0)], key=lambda other: contrast(color, other))


def _fits(text: str, room: tuple[int, int], type_: Type, size: int) -> bool:
    lines = _lines(text, room[0], type_, size)
    unbroken = all(
        type_.face.length(piece.rstrip(), size, type_.tracking) <= room[0]
        for paragraph in text.splitlines()
        for piece in pieces(paragraph)
    )
    return unbroken and _heights(type_, size, len(lines))[1] <= room[1]


def _lines(text: str, width: int, type_: Type, size: int) -> list[str]:
    break_up = balanced if type_.balance else wrapped
    return break_up(text, width, lambda line: type_.face.length(line, size, type_.tracking))


def _heights(type_: Type, size: int, lines: int) -> tuple[float, float]:
    """(from the top to the first baseline, of all lines together)."""
    ascent, descent = 1.04 * size, 0.26 * size  # room for accented capitals and for Chinese, alike for all fonts
    return ascent, ascent + descent + (lines - 1) * type_.leading * size


def _steps(line: str, type_: Type, size: int) -> list[tuple[str, ImageFont.FreeTypeFont]]:
    """What is drawn in one go: stretches of one font, or letters where they are spaced."""
    runs = type_.face.runs(line, size)
    return [(letter, font) for part, font in runs for letter in part] if type_.tracking else runs


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
