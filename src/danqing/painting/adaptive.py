"""Soft inpainting's last step: where the painted latent hardly differs from the original, the original's pixels stay.

A1111's soft inpainting (1.8, extensions-builtin/soft-inpainting): how far two latents lie apart at each place, smoothed, against a
threshold, becomes the mask through which the original is laid over the painted picture.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch import Tensor

from danqing.base.picture_parts import SoftInpaint
from danqing.painting.canvas import Canvas
from danqing.painting.repaint import Kept
from danqing.pixels.crop import uncropped
from danqing.pixels.mask import Mask, fitted_mask

Map = NDArray[np.float64]

EDGE_BLUR = 4
"""Pixels; hides that a latent point is 8 pixels wide."""
SPREAD, REACH = 1.5, 2
"""Of the Gaussian window in which distances are compared, in latent points."""


def adaptive_mask(latent: Tensor, kept: Kept, canvas: Canvas) -> Mask:
    """White where the painted picture is to be seen, of the size of the canvas's original. latent (C, h, w)."""
    assert kept.soft is not None
    assert canvas.mask is not None
    assert canvas.original is not None
    distance = (latent - kept.original[0]).double().pow(2).sum(dim=0).sqrt().cpu().numpy()
    shown = opacity(distance, kept.mask[0, 0].double().cpu().numpy(), kept.soft)
    height, width = canvas.mask.shape
    small = np.floor(255 * shown).astype(np.uint8)
    large = fitted_mask(small, width, height, "resize and fill")
    mask = np.array(Image.fromarray(large).filter(ImageFilter.GaussianBlur(EDGE_BLUR)), dtype=np.uint8)
    if canvas.box is None:
        return mask
    tall, wide = canvas.original.shape[:2]
    return uncropped(np.repeat(mask[..., None], 3, axis=2), canvas.box, wide, tall)[..., 0].copy()


def opacity(distance: Map, mask: Map, soft: SoftInpaint) -> Map:
    """How much of the painted picture is seen, 0 to 1, (h, w), from how far it lies from the original and from the mask (h, w)."""
    own = 1 - np.clip(mask, 0, 1) ** (soft.preservation / 2)
    share = 0.5 * (1 - soft.mask_influence) + own * soft.mask_influence
    half = soft.difference_threshold * share / (1.00001 - share)
    apart = between_ranks(between_ranks(distance, 0.9, 1.0), 0.25, 0.75)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(half > 0, apart / half, np.where(apart > 0, np.inf, 0.0))
        seen = 1 / (1 + ratio**soft.difference_contrast)
    return np.clip(1 - seen**3 * (seen * (seen * 6 - 15) + 10), 0, 1)  # the quintic smooth step, Perlin 2002


def between_ranks(values: Map, low: float, high: float) -> Map:
    """At every place the mean of the values around it that lie between two ranks, each value counting by its nearness. (h, w).

    low 0.9, high 1: the largest tenth, so that small islands of change grow; 0.25 to 0.75: a mean that outliers don't move.
    """
    offsets = range(-REACH, REACH + 1)
    near = np.array([np.exp(-(y * y + x * x) / (2 * SPREAD**2)) for y in offsets for x in offsets])
    height, width = values.shape
    inside = np.pad(np.ones_like(values), REACH)
    around = np.pad(values, REACH)

    def windows(padded: Map) -> Map:
        stacked = [
            padded[REACH + y : REACH + y + height, REACH + x : REACH + x + width] for y in offsets for x in offsets
        ]
        return np.stack(stacked)

    found = windows(around)
    weights = windows(inside) * near[:, None, None]
    order = np.argsort(found, axis=0)
    found, weights = np.take_along_axis(found, order, 0), np.take_along_axis(weights, order, 0)
    after = np.cumsum(weights, axis=0) / weights.sum(axis=0)
    before = after - weights / weights.sum(axis=0)
    part = np.clip(np.minimum(after, high) - np.maximum(before, low), 0, None)
    return (found * part).sum(axis=0) / part.sum(axis=0)
