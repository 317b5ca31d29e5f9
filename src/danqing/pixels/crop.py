"""The part of a picture around a mask, as "only masked" paints it at full size: found, widened, cut out and put back."""

import numpy as np

from danqing.base.picture import Pixels
from danqing.pixels.mask import Box, Mask, fitted_mask
from danqing.pixels.resize import fitted


def crop_region(mask: Mask, padding: int) -> Box | None:
    """The box around everything masked, `padding` pixels wider on each side but within the picture; None for a blank
    mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    height, width = mask.shape
    return (
        max(0, int(columns[0]) - padding),
        max(0, int(rows[0]) - padding),
        min(width, int(columns[-1]) + 1 + padding),
        min(height, int(rows[-1]) + 1 + padding),
    )


def expanded_to(box: Box, width: int, height: int, image_width: int, image_height: int) -> Box:
    """The box made higher or wider until it has the shape of what is painted (width x height), within the picture.

    Where the picture is too small for that, the box takes all there is and keeps another shape
    (tests/golden/a1111_crop_region.json).
    """
    left, top, right, bottom = box
    shape = width / height
    if (right - left) / (bottom - top) > shape:
        top, bottom = _widened(top, bottom, (right - left) / shape, image_height)
    else:
        left, right = _widened(left, right, (bottom - top) * shape, image_width)
    return left, top, right, bottom


def _widened(start: int, end: int, wanted: float, limit: int) -> tuple[int, int]:
    """An interval widened on both sides and then pushed into 0..limit; an odd pixel goes to the end."""
    more = int(wanted - (end - start))
    start, end = start - more // 2, end + more - more // 2
    if end > limit:
        start, end = start - (end - limit), limit
    if start < 0:
        start, end = 0, min(end - start, limit)
    return start, end


def cropped(pixels: Pixels, box: Box, width: int, height: int) -> Pixels:
    """The box out of a picture, brought to width x height as "resize and fill" does. (height, width, 3|4)."""
    return fitted(_part(pixels, box), width, height, "resize and fill")


def cropped_mask(mask: Mask, box: Box, width: int, height: int) -> Mask:
    """The box out of a mask, like `cropped`. (height, width)."""
    return fitted_mask(_part(mask, box), width, height, "resize and fill")


def uncropped(painted: Pixels, box: Box, width: int, height: int) -> Pixels:
    """What was painted for a box, back in its place on an empty picture: (height, width, 4), transparent around it.

    It is resized to the box as "crop and resize" does, which takes away what `cropped` had filled in.
    """
    left, top, right, bottom = box
    canvas = np.zeros((height, width, 4), np.uint8)
    part = fitted(painted, right - left, bottom - top, "crop and resize")
    canvas[top:bottom, left:right, : part.shape[2]] = part
    if part.shape[2] == 3:
        canvas[top:bottom, left:right, 3] = 255
    return canvas


def _part(array: Pixels, box: Box) -> Pixels:
    left, top, right, bottom = box
    return array[top:bottom, left:right]
