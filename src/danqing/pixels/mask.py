"""Masks, (H, W) uint8, 255 where a picture is painted anew: from alpha, light, a colour or a shape; blurred, grown, in latent size."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.base.picture_parts import ResizeMode
from danqing.pixels.color import Color
from danqing.pixels.resize import fitted

Mask = NDArray[np.uint8]
"""(H, W), 0 to 255."""
Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are the first that aren't in it."""


def mask_of(pixels: Pixels, *, soft: bool = False) -> Mask:
    """The mask that a picture file means. pixels (H, W, 3|4), or (H, W), which is taken as it is.

    Where anything is transparent, the alpha counts: above 128 it is masked, or as it is when `soft`. Else the luminance
    counts, unrounded, whatever `soft` says (A1111, img2img).
    """
    if pixels.ndim == 2:
        return pixels.copy()
    if pixels.shape[2] == 4 and (pixels[..., 3] < 255).any():
        alpha = pixels[..., 3]
        return alpha.copy() if soft else np.where(alpha > 128, 255, 0).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    return np.array(image.convert("L"), dtype=np.uint8)


def mask_of_box(size: tuple[int, int], box: Box) -> Mask:
    """A rectangle in a mask of `size` (width, height); what lies outside of the picture is cut off."""
    mask = np.zeros((size[1], size[0]), np.uint8)
    left, top, right, bottom = (max(0, side) for side in box)
    mask[top:bottom, left:right] = 255
    return mask


def mask_of_polygon(size: tuple[int, int], corners: Sequence[tuple[float, float]]) -> Mask:
    """A filled outline in a mask of `size` (width, height); corners (x, y) in pixels. Raises ImageError below three."""
    if len(corners) < 3:
        raise ImageError(f"an outline needs at least three corners; {len(corners)} found")
    image = Image.new("L", size)
    ImageDraw.Draw(image).polygon(list(corners), fill=255)
    return np.array(image, dtype=np.uint8)


def mask_of_color(pixels: Pixels, color: Color, tolerance: float = 32.0) -> Mask:
    """Everything of one colour. pixels (H, W, 3|4); `tolerance` is the greatest difference of a channel, 0 to 255.

    What is wholly transparent has no colour and stays out.
    """
    far = np.abs(pixels[..., :3].astype(np.int16) - np.array(color, np.int16)).max(axis=2)
    near = far <= tolerance
    if pixels.shape[2] == 4:
        near &= pixels[..., 3] > 0
    return np.where(near, 255, 0).astype(np.uint8)


def inverted(mask: Mask) -> Mask:
    """Kept and masked exchanged."""
    return 255 - mask


def rounded(mask: Mask) -> Mask:
    """Black and white only: above 127 is white."""
    return np.where(mask > 127, 255, 0).astype(np.uint8)


def is_blank(mask: Mask) -> bool:
    """Whether nothing at all is masked."""
    return not mask.any()


def blurred(mask: Mask, x: float, y: float) -> Mask:
    """Softened by a Gaussian of `x` pixels across, then of `y` down, each cut off at 2.5 sigma as A1111 does."""
    for sigma, across in ((x, True), (y, False)):
        if sigma > 0:
            length = 2 * int(2.5 * sigma + 0.5) + 1
            mask = _u8(cv2.GaussianBlur(mask, (length, 1) if across else (1, length), sigma))
    return mask.copy()


def grown(mask: Mask, pixels: int) -> Mask:
    """The masked part larger by so many pixels in every direction, round at its corners; below 0 it shrinks.

    The picture's border is no edge: a part that touches it doesn't shrink from it.
    """
    if pixels == 0:
        return mask.copy()
    side = 2 * abs(pixels) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return _u8(cv2.dilate(mask, disc) if pixels > 0 else cv2.erode(mask, disc))


def fitted_mask(mask: Mask, width: int, height: int, mode: ResizeMode) -> Mask:
    """The mask in a frame, as `resize.fitted` brings the picture that it belongs to there. (height, width)."""
    if mode == "latent upscale":
        mode = "just resize"
    return fitted(np.repeat(mask[..., None], 3, axis=2), width, height, mode)[..., 0].copy()


def overlay_mask(mask: Mask) -> Mask:
    """What the original is laid over through when the whole picture is painted: twice as strong, so that less of a soft
    edge is the original's (A1111)."""
    return np.minimum(mask.astype(np.uint16) * 2, 255).astype(np.uint8)


def latent_mask(mask: Mask, size: tuple[int, int], *, soft: bool = False) -> NDArray[np.float32]:
    """The mask for latents of `size` (width, height): (height, width) of 0 and 1, or of all between when `soft`.

    Resampled bicubic and rounded after that, as A1111 does.
    """
    small = np.array(Image.fromarray(mask).resize(size, Image.Resampling.BICUBIC), dtype=np.float32) / np.float32(255)
    return small if soft else np.around(small).astype(np.float32)


def _u8(array: NDArray[np.generic]) -> Mask:
    return np.asarray(array, dtype=np.uint8)
