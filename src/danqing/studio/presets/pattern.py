"""Seamless patterns: painted so that they go on over their edges, or a picture of the user's made to."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.picture import Pixels
from danqing.pixels.color import LUMA
from danqing.pixels.resize import fitted
from danqing.pixels.seamless import cross_faded, is_seamless, offset, repeated, seam_mask, seam_strength
from danqing.studio.presets.desk import Desk, need_words, opaque
from danqing.studio.presets.pieces import Finding, Made, Piece, PresetSettings, Source
from danqing.studio.presets.preset import Preset

FLAT = 4.0
"""Below this deviation, in levels, there is nothing to be seen that could repeat."""


class PatternSettings(PresetSettings):
    """`repair` is for pictures that are given: a painted one needs none."""

    width: Annotated[int, Knob("Tile width", "0 is the model's.", 0, 4096, 8, group="basic")] = 0
    height: Annotated[int, Knob("Tile height", "0 is the model's.", 0, 4096, 8, group="basic")] = 0
    repair: Annotated[
        Literal["fade", "paint", "none"],
        Knob(
            "Repair", "How a given picture gets seamless: edges faded into each other, or painted over.", group="basic"
        ),
    ] = "fade"
    seam: Annotated[
        float, Knob("Seam", "How much is faded or painted over, in hundredths of a side.", 1, 50, 1, group="basic")
    ] = 20.0
    columns: Annotated[int, Knob("Columns", "Of the sheet that shows it repeated.", 1, 20, 1, group="basic")] = 3
    rows: Annotated[int, Knob("Rows", "Of the sheet that shows it repeated.", 1, 20, 1, group="basic")] = 3
    half_drop: Annotated[bool, Knob("Half drop", "Every other column half a tile lower.", group="basic")] = False


@dataclass(frozen=True)
class Pattern(Made):
    """One tile, (H, W, 3)."""

    tile: Pixels


def make_pattern(desk: Desk, settings: PatternSettings) -> Pattern:
    """The tile, and a sheet on which it is repeated."""
    need_words(settings, "a pattern")
    if len(settings.pictures) > 1:
        raise RecipeError(f"a pattern is made of one picture; {len(settings.pictures)} were given")
    given = desk.given()
    if given:
        source = given[0]
        tile, source = _repaired(desk, settings, source)
    else:
        size = {name: value for name, value in (("width", settings.width), ("height", settings.height)) if value}
        source = desk.paint([""], fields={"tiling": True, **size})[0]
        tile = opaque(source)
    shown = repeated(tile, settings.columns, settings.rows, half_drop=settings.half_drop)
    return Pattern((Piece("tile", tile, (source,)), Piece("repeated", shown, (source,))), tile)


def check_pattern(made: Pattern, settings: PatternSettings) -> tuple[Finding, ...]:
    """Whether a seam shows in either direction, and whether anything shows at all."""
    across, down = seam_strength(made.tile)
    good = is_seamless(made.tile)
    told = f"the step over the edge is {across:.2f} (across) and {down:.2f} (down) times as strong as steps within"
    seam = Finding("no seam", good, told + ("" if good else "; above 1.5 it is seen"), max(across, down))
    spread = float((made.tile.astype(np.float32) @ LUMA).std())
    told = f"light and dark differ by {spread:.1f} levels"
    return seam, Finding("something to see", spread >= FLAT, told, spread)


def _repaired(desk: Desk, settings: PatternSettings, source: Source) -> tuple[Pixels, Source]:
    """(the tile, what it was made from). By `repair`."""
    pixels = opaque(source)
    if settings.width or settings.height:
        pixels = fitted(
            pixels, settings.width or pixels.shape[1], settings.height or pixels.shape[0], "crop and resize"
        )
    if settings.repair == "none":
        return pixels, source
    if settings.repair == "fade":
        return cross_faded(pixels, max(1, round(min(pixels.shape[:2]) * settings.seam / 100))), source
    width, height = (max(16, side // 8 * 8) for side in (pixels.shape[1], pixels.shape[0]))
    # The seam is moved into the middle and painted over there; the new edges were neighbours before. Only the ends of the
    # cross meet at the edges, so the painting goes on over them.
    moved = offset(fitted(pixels, width, height, "crop and resize"))
    cross = seam_mask((width, height), max(1, round(min(width, height) * settings.seam / 100)))
    mask = np.repeat(cross[..., None], 3, axis=2)
    fields = {
        "width": width,
        "height": height,
        "tiling": True,
        "init": {"image": desk.put(moved, "moved"), "denoising_strength": 0.8},
        "inpaint": {"mask": desk.put(mask, "seam"), "content": "original", "blur_x": 0, "blur_y": 0},
    }
    painted = desk.paint([""], fields=fields)[0]
    return opaque(painted), painted


PATTERN = Preset(PatternSettings, make_pattern, check_pattern)
