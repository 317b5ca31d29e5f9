"""Pictures brought to another size: plain resampling, and A1111's ways of fitting a picture into a frame of another shape."""

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Pixels
from danqing.base.picture_parts import ResizeMode
from danqing.base.table import did_you_mean

FILTERS = MappingProxyType(
    {
        "Lanczos": Image.Resampling.LANCZOS,
        "Nearest": Image.Resampling.NEAREST,
        "Bilinear": Image.Resampling.BILINEAR,
        "Bicubic": Image.Resampling.BICUBIC,
        "Box": Image.Resampling.BOX,
    }
)
MOST_PIXELS = 16384 * 16384
"""A picture of a recipe's longest sides; more is asked for by mistake only."""


@dataclass(frozen=True)
class Fit:
    """How a picture goes into a frame: resized to `scaled` (width, height) and pasted with its corner `at` (x, y)."""

    scaled: tuple[int, int]
    at: tuple[int, int]


def fit(size: tuple[int, int], frame: tuple[int, int], mode: ResizeMode) -> Fit:
    """Where a picture of `size` goes in `frame`, both (width, height).

    "just resize" ignores its shape; "crop and resize" covers the frame, what overlaps being cut on both sides alike;
    "resize and fill" lies within it. Divisions round down as A1111's do (tests/golden/a1111_resize_geometry.json).
    """
    if mode in ("just resize", "latent upscale"):
        return Fit(frame, (0, 0))
    (width, height), (across, down) = frame, size
    keeps_width = (width / height > across / down) == (mode == "crop and resize")
    scaled = (width, _scaled(down, width, across)) if keeps_width else (_scaled(across, height, down), height)
    return Fit(scaled, (width // 2 - scaled[0] // 2, height // 2 - scaled[1] // 2))


def _scaled(side: int, target: int, other: int) -> int:
    return max(1, side * target // other)


def resize(pixels: Pixels, width: int, height: int, method: str = "Lanczos") -> Pixels:
    """The picture at another size. pixels (H, W, 3|4); colours under full transparency don't bleed into the rest.

    Raises RecipeError for a method that isn't known, ImageError for a size that can't be.
    """
    if method not in FILTERS:
        raise RecipeError(f"no resampling named {method!r}{did_you_mean(method, list(FILTERS))}")
    if width < 1 or height < 1 or width * height > MOST_PIXELS:
        raise ImageError(f"a picture can't be {width}x{height} pixels large; sides from 1 to 16384 are possible")
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(image.resize((width, height), FILTERS[method]), dtype=np.uint8)


def fitted(pixels: Pixels, width: int, height: int, mode: ResizeMode, method: str = "Lanczos") -> Pixels:
    """The picture in a frame, (height, width, 3|4), where "resize and fill" stretches its edges over what stays empty.

    "latent upscale" leaves pixels as they are: there the latent is resized.
    """
    if mode == "latent upscale":
        return pixels.copy()
    where = fit((pixels.shape[1], pixels.shape[0]), (width, height), mode)
    scaled = resize(pixels, *where.scaled, method)
    left, top = where.at
    if left < 0 or top < 0:
        return scaled[-min(top, 0) :, -min(left, 0) :][:height, :width].copy()
    right, bottom = width - left - where.scaled[0], height - top - where.scaled[1]
    return np.pad(scaled, ((top, bottom), (left, right), (0, 0)), mode="edge")


def enlarged(pixels: Pixels, factor: float, method: str = "Lanczos") -> Pixels:
    """The picture `factor` times as large, sides rounded down: the upscalers "Lanczos" and "Nearest"."""
    height, width = pixels.shape[:2]
    return resize(pixels, int(width * factor), int(height * factor), method)
