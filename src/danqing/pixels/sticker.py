"""Stickers out of cut-out subjects: a white die-cut border, a shadow, and sheets in millimetres that a printer can cut."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Pixels
from danqing.base.table import did_you_mean
from danqing.pixels.color import Color
from danqing.pixels.crop import crop_region
from danqing.pixels.resize import resize

PAPERS = {
    "A3": (297.0, 420.0),
    "A4": (210.0, 297.0),
    "A5": (148.0, 210.0),
    "A6": (105.0, 148.0),
    "Letter": (215.9, 279.4),
}
"""Width and height in millimetres, upright."""
MARK_GREY = (150, 150, 150)


@dataclass(frozen=True)
class Shadow:
    """A soft shadow below a sticker; lengths in pixels."""

    right: int = 3
    down: int = 4
    blur: float = 4.0
    opacity: float = 0.35


@dataclass(frozen=True)
class PrintSheet:
    """A sheet of paper for stickers: lengths in millimetres, `dpi` pixels to the inch (25.4 mm)."""

    paper: str = "A4"
    dpi: int = 300
    sticker: float = 50.0
    gap: float = 4.0
    margin: float = 10.0
    cut_marks: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels. Raises RecipeError for a paper that isn't known."""
        if self.paper not in PAPERS:
            raise RecipeError(f"no paper named {self.paper!r}{did_you_mean(self.paper, list(PAPERS))}")
        width, height = PAPERS[self.paper]
        return self.pixels(width), self.pixels(height)

    def pixels(self, millimetres: float) -> int:
        """So many millimetres in pixels, rounded."""
        return round(millimetres / 25.4 * self.dpi)

    @property
    def shape(self) -> tuple[int, int]:
        """(columns, rows) of stickers that fit. Raises RecipeError where not one does."""
        self.size  # noqa: B018  (names an unknown paper before its measures are asked for)
        sides = [
            int((side - 2 * self.margin + self.gap + 1e-6) // (self.sticker + self.gap)) for side in PAPERS[self.paper]
        ]
        if min(sides) < 1:
            raise RecipeError(
                f"a sticker of {self.sticker:g} mm doesn't fit on {self.paper} with margins of {self.margin:g} mm"
            )
        return sides[0], sides[1]


def trimmed(pixels: Pixels, room: int = 0) -> Pixels:
    """The picture cut to what is visible, with `room` transparent pixels around it. (H, W, 4). Raises ImageError."""
    box = crop_region(pixels[..., 3], 0)
    if box is None:
        raise ImageError("nothing of the picture is visible; there is no sticker in it")
    left, top, right, bottom = box
    return np.pad(pixels[top:bottom, left:right], ((room, room), (room, room), (0, 0)))


def die_cut(pixels: Pixels, border: float, color: Color = (255, 255, 255)) -> Pixels:
    """The subject on a sticker of one colour that reaches `border` pixels beyond it. (H, W, 4), as large as the sticker.

    The outline is one that scissors can follow: without holes, smooth, and round in its corners.
    """
    room = math.ceil(2 * border) + 4  # the outline is found by going twice as far out, and back
    wide = np.pad(pixels, ((room, room), (room, room), (0, 0)))
    shape = _outline(wide[..., 3], border)
    alpha = wide[..., 3:].astype(np.float32) / 255
    whole = shape[..., None] + alpha * (1 - shape[..., None])
    colors = wide[..., :3] * alpha + np.array(color, np.float32) * (1 - alpha)
    return trimmed(np.rint(np.dstack([np.where(whole > 0, colors, 0), whole * 255])).astype(np.uint8), 1)


def border_width(subject: Pixels, sticker: Pixels) -> float:
    """How far a sticker reaches beyond its subject where it reaches least, in pixels. Both (H, W, 4).

    A twentieth of the rim doesn't count. The subject lies in the middle of what `die_cut` makes of it.
    """
    inner, outer = (_cropped(pixels[..., 3] > 127) for pixels in (subject, sticker))
    if not inner.size or not outer.size:
        return 0.0
    room = [max(0, more - own) for more, own in zip(outer.shape, inner.shape, strict=True)]
    placed = np.pad(inner, [(more // 2, more - more // 2) for more in room])[: outer.shape[0], : outer.shape[1]]
    paper = np.pad(outer, 1)
    within = np.asarray(cv2.erode(paper.astype(np.uint8), np.ones((3, 3), np.uint8)), np.uint8) > 0
    rim = (paper & ~within)[1:-1, 1:-1]
    return float(np.quantile(_distance(placed)[rim], 0.05)) + 0.5


def sticker_parts(sticker: Pixels) -> int:
    """Into how many pieces of paper a sticker falls. (H, W, 4)."""
    count, _ = cv2.connectedComponents((sticker[..., 3] > 127).astype(np.uint8), connectivity=8)
    return int(count) - 1


def shadowed(pixels: Pixels, shadow: Shadow) -> Pixels:
    """The sticker with a shadow below it. (H, W, 4), grown by as much as the shadow needs."""
    room = math.ceil(3 * shadow.blur) + max(abs(shadow.right), abs(shadow.down))
    wide = np.pad(pixels, ((room, room), (room, room), (0, 0)))
    dark = np.roll(wide[..., 3], (shadow.down, shadow.right), axis=(0, 1)).astype(np.float32) / 255 * shadow.opacity
    if shadow.blur > 0:
        dark = np.asarray(cv2.GaussianBlur(dark, (0, 0), shadow.blur), np.float32)
    alpha = wide[..., 3].astype(np.float32) / 255
    whole = alpha + dark * (1 - alpha)
    # The shadow is black, so it takes nothing but alpha; the sticker's colours keep their share of it.
    colors = wide[..., :3] * (alpha / np.maximum(whole, 1e-6))[..., None]
    return np.rint(np.dstack([colors, whole * 255])).astype(np.uint8)


def printed(stickers: Sequence[Pixels], sheet: PrintSheet) -> list[Pixels]:
    """Pages (H, W, 3) with the stickers (H, W, 4) row by row, each as large as its place allows, between cut marks."""
    if not stickers:
        raise ImageError("a sheet needs at least one sticker")
    columns, rows = sheet.shape
    return [_page(stickers[first : first + columns * rows], sheet) for first in range(0, len(stickers), columns * rows)]


def pdf_of(pages: Sequence[Pixels], dpi: int) -> bytes:
    """The pages as a PDF file that prints at its true size."""
    stream = io.BytesIO()
    first, *others = (Image.fromarray(page) for page in pages)
    first.save(stream, "PDF", resolution=float(dpi), save_all=True, append_images=others, quality=95)
    return stream.getvalue()


def _outline(alpha: Pixels, border: float) -> NDArray[np.float32]:
    """How much of each pixel the sticker covers, 0 to 1: everything within `border` of the subject, holes filled."""
    solid = alpha > 127
    if not solid.any():
        return np.zeros(alpha.shape, np.float32)
    # Farther out and back again: bays narrower than the border close, so that no thin cut runs into the subject.
    far = _distance(solid) <= 2 * border
    reach = np.clip(_distance(~far) - border + 0.5, 0, 1)
    rims = cv2.findContours((reach > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    filled = np.zeros(alpha.shape, np.uint8)
    cv2.drawContours(filled, rims, -1, 1, cv2.FILLED)
    # The rim itself stays as soft as it was; only what lies inside of it is made whole.
    whole = np.maximum(reach, np.asarray(cv2.erode(filled, np.ones((3, 3), np.uint8)), np.float32))
    return np.asarray(cv2.GaussianBlur(whole, (0, 0), 0.7), np.float32)


def _cropped(shape: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A shape without the empty rows and columns around it; nothing at all where there is no shape."""
    down, across = (np.flatnonzero(shape.any(axis=axis)) for axis in (1, 0))
    return shape[down[0] : down[-1] + 1, across[0] : across[-1] + 1] if down.size else shape[:0]


def _distance(shape: NDArray[np.bool_]) -> NDArray[np.float32]:
    """From every pixel outside of a shape to the nearest one in it; 0 inside."""
    outside = (~shape).astype(np.uint8)
    return np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _page(stickers: Sequence[Pixels], sheet: PrintSheet) -> Pixels:
    page = Image.new("RGB", sheet.size, (255, 255, 255))
    side, step = sheet.pixels(sheet.sticker), sheet.sticker + sheet.gap
    columns, rows = sheet.shape
    left = (PAPERS[sheet.paper][0] - columns * step + sheet.gap) / 2  # the block stands in the middle of the paper
    top = (PAPERS[sheet.paper][1] - rows * step + sheet.gap) / 2
    for index, sticker in enumerate(stickers):
        row, column = divmod(index, columns)
        x, y = sheet.pixels(left + column * step), sheet.pixels(top + row * step)
        scale = side / max(sticker.shape[:2])
        width, height = (max(1, round(length * scale)) for length in (sticker.shape[1], sticker.shape[0]))
        fitting = Image.fromarray(resize(sticker, width, height))
        page.paste(fitting, (x + (side - width) // 2, y + (side - height) // 2), fitting)
        if sheet.cut_marks:
            _mark(page, (x, y, x + side, y + side), sheet)
    return np.array(page, dtype=np.uint8)


def _mark(page: Image.Image, box: tuple[int, int, int, int], sheet: PrintSheet) -> None:
    """Short lines at the corners of a place, outside of it, as printers set them."""
    draw, reach, off = ImageDraw.Draw(page), sheet.pixels(sheet.gap * 0.45), sheet.pixels(0.3)
    thick = max(1, sheet.pixels(0.1))
    for x, outwards in ((box[0], -1), (box[2], 1)):
        for y, downwards in ((box[1], -1), (box[3], 1)):
            draw.line([(x + outwards * off, y), (x + outwards * reach, y)], MARK_GREY, thick)
            draw.line([(x, y + downwards * off), (x, y + downwards * reach)], MARK_GREY, thick)
