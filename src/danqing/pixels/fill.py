"""What lies under a mask before anything is painted: colours drawn in from around it; and a ground under transparent pictures."""

import numpy as np
from PIL import Image, ImageFilter

from danqing.base.picture import Pixels
from danqing.pixels.color import color_of
from danqing.pixels.mask import Mask, inverted

LAYERS = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""Radius of the blur and how often it is laid on, from the widest to the picture itself (A1111's "fill")."""


def filled(pixels: Pixels, mask: Mask) -> Pixels:
    """The picture with its masked part filled from around it: A1111's masked content "fill". (H, W, 3).

    What isn't masked is blurred ever less and laid over itself, so that near the edge the near colours win, and far
    from it the far ones. Where everything is masked, nothing is known and the picture is black.
    """
    kept = Image.fromarray(np.dstack([pixels[..., :3], inverted(mask)])).convert("RGBa")
    ground = Image.new("RGBA", kept.size)
    for radius, times in LAYERS:
        layer = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(times):
            ground.alpha_composite(layer)
    return np.array(ground.convert("RGB"), dtype=np.uint8)


def flattened(pixels: Pixels, background: str = "#ffffff") -> Pixels:
    """The picture on a ground of one colour, (H, W, 3); one without alpha comes back as it is. Raises RecipeError."""
    if pixels.shape[2] == 3:
        return pixels.copy()
    alpha = pixels[..., 3:].astype(np.uint32)
    ground = np.array(color_of(background), np.uint32)
    return ((pixels[..., :3] * alpha + ground * (255 - alpha) + 127) // 255).astype(np.uint8)
