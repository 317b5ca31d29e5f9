"""Colours: read from words, compared by contrast, and one picture's brought to another's. Not drawing, not levels (restore.py)."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels

Color = tuple[int, int, int]
"""(red, green, blue), 0 to 255."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def color_of(text: str) -> Color:
    """A colour from "#rrggbb", "#rgb", "rgb(1, 2, 3)" or an HTML name. Raises RecipeError."""
    try:
        red, green, blue = ImageColor.getrgb(text.strip())[:3]
    except ValueError as wrong:
        raise RecipeError(f"no colour {text!r}; write #rrggbb, as #ff8800, or a name as 'orange'") from wrong
    return red, green, blue


def luminances(pixels: Pixels) -> NDArray[np.float64]:
    """How light every pixel is, 0 (black) to 1 (white). (H, W). WCAG 2.2, relative luminance."""
    levels = pixels[..., :3].astype(np.float64) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def luminance(color: Color) -> float:
    """How light a colour is, as `luminances`."""
    return float(luminances(np.array([[color]], np.uint8)).item())


def contrast(one: Color, other: Color) -> float:
    """How well two colours can be told apart, 1 to 21. WCAG 2.2: text needs 4.5, large text 3."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def matched(picture: Pixels, like: Pixels) -> Pixels:
    """The picture in the colours of another one: A1111's colour correction. Both (H, W, 3), sizes may differ.

    The histograms of L, a and b are brought to those of `like`; from the result colour and saturation are taken,
    while the picture keeps its own light.
    """
    source, model = (np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), np.uint8) for pixels in (picture, like))
    bent = histogram_matched(source, model)
    return _with_light_of(np.asarray(cv2.cvtColor(bent, cv2.COLOR_LAB2RGB), np.uint8), picture)


def histogram_matched(picture: Pixels, like: Pixels) -> Pixels:
    """Every channel with the distribution of the same channel of `like`. (H, W, C), (h, w, C)."""
    return np.dstack([_histogram_matched(picture[..., i], like[..., i]) for i in range(picture.shape[2])])


def _histogram_matched(channel: Pixels, like: Pixels) -> Pixels:
    shares = [np.cumsum(np.bincount(part.ravel(), minlength=256)) / part.size for part in (channel, like)]
    # Levels that don't occur in the model add flat pieces, at which an interpolation could go either way.
    present = np.unique(like)
    levels = np.interp(shares[0], shares[1][present], present)
    return levels.astype(np.uint8)[channel]  # cut, not rounded, as scikit-image does


def _with_light_of(colors: Pixels, light: Pixels) -> Pixels:
    """Blend mode "luminosity". W3C Compositing and Blending Level 1, 10.2.4, with the weights of Rec. 601."""
    wanted = (light.astype(np.float32) @ LUMA)[..., None]
    result = colors.astype(np.float32)
    result += wanted - (result @ LUMA)[..., None]
    low, high = result.min(axis=2, keepdims=True), result.max(axis=2, keepdims=True)
    # Colours that left the range are drawn towards grey of the same light until they are in it.
    down = np.where(low < 0, wanted / np.maximum(wanted - low, 1e-6), 1)
    up = np.where(high > 255, (255 - wanted) / np.maximum(high - wanted, 1e-6), 1)
    result = wanted + (result - wanted) * np.minimum(down, up)
    return np.rint(np.clip(result, 0, 255)).astype(np.uint8)
