"""Sets of avatars: one character in several moods, each square or round with real alpha, and all of them on one sheet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Literal

import numpy as np

from danqing.base.knobs import Knob
from danqing.base.picture import Pixels
from danqing.pixels.background import PLAIN, Cutout, cut_out
from danqing.pixels.fill import flattened
from danqing.pixels.mask import Mask
from danqing.pixels.resize import fitted
from danqing.studio.presets.desk import Desk, need_words, opaque, scenes_of
from danqing.studio.presets.page import difference
from danqing.studio.presets.pieces import Finding, Made, Piece, PresetSettings
from danqing.studio.presets.preset import Preset

SAME = 2.0
"""Below this difference, in levels, two avatars are one picture."""
OUTSIDE = 0.1
"""This share of the subject may lie beyond the round edge: shoulders."""


class AvatarSettings(PresetSettings):
    """Without moods `count` avatars are painted that differ by their seeds."""

    moods: Annotated[str, Knob("Moods", "One avatar for each, semicolons between.", group="basic")] = ""
    count: Annotated[int, Knob("Count", "How many, where no moods are said.", 1, 64, 1, group="basic")] = 6
    background: Annotated[str, Knob("Background", "The colour behind them.", group="basic")] = "blue"
    side: Annotated[int, Knob("Side", "Pixels.", 16, 2048, 8, group="basic")] = 512
    shape: Annotated[Literal["round", "square"], Knob("Shape", "Round ones have real alpha.", group="basic")] = "round"
    same_seed: Annotated[
        bool, Knob("One seed", "All moods from one seed, which keeps the character closer.", group="basic")
    ] = True


@dataclass(frozen=True)
class Avatars(Made):
    """The avatars, (side, side, 3|4), and the squares they were cut of."""

    avatars: tuple[Pixels, ...]
    squares: tuple[Pixels, ...]


def make_avatars(desk: Desk, settings: AvatarSettings) -> Avatars:
    """The avatars and a sheet of them."""
    need_words(settings, "a set of avatars")
    moods = scenes_of(settings.moods)
    scenes = moods or [""] * settings.count
    sources = desk.given() or desk.paint(scenes, same_seed=bool(moods) and settings.same_seed)
    side = settings.side
    squares = [fitted(desk.enlarged(opaque(source), side, side), side, side, "crop and resize") for source in sources]
    avatars = [rounded_off(square) if settings.shape == "round" else square for square in squares]
    pieces = [
        Piece(f"avatar-{number}", one, (source,))
        for number, (one, source) in enumerate(zip(avatars, sources, strict=True), 1)
    ]
    pieces.append(Piece("sheet", _sheet(avatars), tuple(sources)))
    return Avatars(tuple(pieces), tuple(avatars), tuple(squares))


def check_avatars(made: Avatars, settings: AvatarSettings) -> tuple[Finding, ...]:
    """Whether all differ, what of each lies beyond the round edge, and whether round ones have real alpha."""
    found: list[Finding] = []
    pairs = [(difference(*two), one, other) for (one, other), two in _pairs(made.squares)]
    if pairs:
        apart, one, other = min(pairs)
        told = f"avatars {one} and {other} are most alike: they differ by {apart:.1f} levels"
        advice = "" if apart >= SAME else "; that is one picture"
        found.append(Finding("all different", apart >= SAME, told + advice, apart))
    for number, (square, avatar) in enumerate(zip(made.squares, made.avatars, strict=True), 1):
        if settings.shape == "round":
            found.append(_alpha(number, avatar))
            found.append(_framing(number, cut_out(square)))
    return tuple(found)


def rounded_off(pixels: Pixels) -> Pixels:
    """A square picture (H, H, 3) as a disc with real alpha, (H, H, 4), its edge one pixel soft; hidden colours are 0."""
    alpha = _disc(pixels.shape[0])
    return np.dstack([np.where(alpha[..., None] > 0, pixels, 0), alpha])


def _disc(side: int) -> Mask:
    """White in the largest circle of a square, black around it. (side, side)."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.rint(np.clip(side / 2 - np.hypot(x, y), 0, 1) * 255).astype(np.uint8)


def _pairs(pictures: Sequence[Pixels]) -> Iterator[tuple[tuple[int, int], tuple[Pixels, Pixels]]]:
    """Every two of them, with their numbers from 1."""
    for (one, first), (other, second) in combinations(enumerate(pictures, 1), 2):
        yield (one, other), (first, second)


def _alpha(number: int, avatar: Pixels) -> Finding:
    if avatar.shape[2] == 3:
        return Finding("real alpha", False, f"avatar {number} has no alpha at all", 0.0)
    alpha = avatar[..., 3]
    corners = max(int(alpha[y, x]) for y in (0, -1) for x in (0, -1))
    middle = int(alpha[alpha.shape[0] // 2, alpha.shape[1] // 2])
    good = corners == 0 and middle == 255
    told = f"avatar {number}: alpha is {corners} in the corners and {middle} in the middle"
    return Finding("real alpha", good, told, float((alpha == 0).mean()))


def _framing(number: int, cut: Cutout) -> Finding:
    """How much of the subject the round edge cuts off; only a plain background lets that be measured."""
    if cut.plainness < PLAIN:
        told = f"avatar {number}: its background is not plain, so what the edge cuts off can't be measured"
        return Finding("framing", False, told, cut.plainness)
    subject = cut.pixels[..., 3] > 127
    lost = float((subject & (_disc(subject.shape[0]) < 128)).sum() / max(1, subject.sum()))
    told = f"avatar {number}: the round edge cuts off {lost:.0%} of the subject"
    return Finding("framing", lost <= OUTSIDE, told, lost)


def _sheet(avatars: list[Pixels]) -> Pixels:
    """All on white, row by row, a twentieth of a side between them."""
    columns = int(np.ceil(np.sqrt(len(avatars))))
    rows = -(-len(avatars) // columns)
    side = avatars[0].shape[0]
    gap = side // 20
    page = np.full((rows * (side + gap) + gap, columns * (side + gap) + gap, 3), 255, np.uint8)
    for index, avatar in enumerate(avatars):
        top, left = (gap + place * (side + gap) for place in divmod(index, columns))
        page[top : top + side, left : left + side] = flattened(avatar)
    return page


AVATARS = Preset(AvatarSettings, make_avatars, check_avatars)
