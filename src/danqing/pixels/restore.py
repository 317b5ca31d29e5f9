"""Old photographs: where they are scratched and dusty, how grainy and how faded they are, and what mends that without a network."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from danqing.base.picture import Pixels
from danqing.pixels.color import LUMA
from danqing.pixels.mask import Mask, grown
from danqing.pixels.resize import resize

Levels = NDArray[np.float32]
DIRECTIONS = 24
"""Along how many directions, over 180 degrees, lines are looked for."""


@dataclass(frozen=True)
class Damage:
    """What is to be found. `width`: the widest scratch or speck in pixels, 0 goes by the picture's size;
    `sensitivity` 0 to 1: higher finds fainter ones, and more that are none."""

    width: int = 0
    sensitivity: float = 0.5

    def widest(self, pixels: Pixels) -> int:
        """The widest scratch in pixels."""
        return self.width or max(3, min(pixels.shape[:2]) // 100)


def scratch_mask(pixels: Pixels, damage: Damage | None = None) -> Mask:
    """Thin lines, lighter or darker than what lies on both of their sides. pixels (H, W, 3|4), white is damage.

    A line counts when it is long and all but straight, so that hair, lashes and the edges of things stay out.
    """
    damage = damage or Damage()
    light = _light(pixels)
    long = max(15, min(light.shape) // 14)
    found = np.zeros(light.shape, np.uint8)
    for flags in _standing_out(light, damage.widest(pixels), damage.sensitivity):
        found |= _long_lines(flags, long)
    return grown(found, 1)


def dust_mask(pixels: Pixels, damage: Damage | None = None) -> Mask:
    """Small round specks, lighter or darker than everything around them. pixels (H, W, 3|4), white is damage."""
    damage = damage or Damage()
    width = damage.widest(pixels)
    found = np.zeros(pixels.shape[:2], np.uint8)
    for flags in _standing_out(_light(pixels), width, damage.sensitivity):
        _, parts, stats, _ = cv2.connectedComponentsWithStats(flags, connectivity=8)
        sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
        compact = (sides.max(axis=1) <= 1.5 * width + 1) & (sides.max(axis=1) <= 3 * sides.min(axis=1))
        compact[0] = False  # what isn't flagged at all
        found[compact[parts]] = 255
    return grown(found, 1)


def mended(pixels: Pixels, mask: Mask, radius: float = 3.0) -> Pixels:
    """The masked part drawn in from around it along its edges. Telea 2004. pixels (H, W, 3); what isn't masked stays.

    Good for scratches and specks; larger holes are for inpainting with a model.
    """
    if not mask.any():
        return pixels.copy()
    holes = np.where(mask > 0, 255, 0).astype(np.uint8)
    result = np.asarray(cv2.inpaint(np.ascontiguousarray(pixels), holes, radius, cv2.INPAINT_TELEA), np.uint8)
    return np.where(mask[..., None] > 0, result, pixels)


def grain(pixels: Pixels) -> float:
    """The standard deviation of the noise, in levels. Immerkaer 1996: what is left where a Laplacian cancels edges."""
    light = _light(pixels)
    if min(light.shape) < 3:
        return 0.0
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    left = np.asarray(cv2.filter2D(light, cv2.CV_32F, kernel), np.float32)[1:-1, 1:-1]
    # The median instead of the mean: texture is found in places, noise everywhere.
    return float(np.median(np.abs(left)) / 0.6745 / 6)


def denoised(pixels: Pixels, strength: float | None = None) -> Pixels:
    """Grain taken away by comparing patches: non-local means. Buades et al. 2005. pixels (H, W, 3).

    `strength` is the deviation of the noise in levels; None measures it. 0 changes nothing.
    """
    sigma = grain(pixels) if strength is None else strength
    if sigma < 0.5:
        return pixels.copy()
    bgr = np.ascontiguousarray(pixels[..., ::-1])
    clean = cv2.fastNlMeansDenoisingColored(bgr, None, float(sigma), float(sigma), 7, 21)
    return np.ascontiguousarray(np.asarray(clean, np.uint8)[..., ::-1])


def unfaded(pixels: Pixels, *, keep_tint: bool = False, clip: float = 0.005) -> Pixels:
    """The full range of light again. pixels (H, W, 3). `clip` is the share at each end that may be cut.

    Each channel is stretched by itself, which takes the cast of faded dyes away; with `keep_tint`, or where the picture
    is of one tint (sepia), all three are stretched alike.
    """
    levels = pixels.astype(np.float32)
    together = keep_tint or is_monochrome(pixels)
    seen = (levels @ LUMA)[..., None] if together else levels
    low, high = (np.quantile(seen, share, axis=(0, 1)) for share in (clip, 1 - clip))
    # A picture of fog is not a faded one: nothing is stretched more than fourfold.
    middle, reach = (low + high) / 2, np.maximum((high - low) / 2, 32)
    wide = np.minimum(127.5 / reach, 4)
    goal = np.clip(np.where(reach > 32, 127.5, middle), 0, 255)
    return np.rint(np.clip((levels - middle) * wide + goal, 0, 255)).astype(np.uint8)


def brightened(pixels: Pixels, middle: float = 118.0) -> Pixels:
    """A gamma that brings the median of the light half way to `middle`; black and white stay. pixels (H, W, 3)."""
    median = float(np.clip(np.median(_light(pixels)), 8, 247))
    gamma = np.clip(np.log(middle / 255) / np.log(median / 255), 0.4, 2.5) ** 0.5
    table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return table[pixels]


def with_colors_of(pixels: Pixels, colored: Pixels) -> Pixels:
    """The light of a picture in the colours of another, of any size. Both (H, W, 3).

    LAB; colours are softened by a 128th of the shorter side, for the eye is coarse there and painted ones never lie exactly.
    """
    height, width = pixels.shape[:2]
    light, tint = (
        np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2LAB), np.uint8) for one in (pixels, resize(colored, width, height))
    )
    soft = np.asarray(cv2.GaussianBlur(tint, (0, 0), max(0.8, min(height, width) / 128)), np.uint8)
    return np.asarray(cv2.cvtColor(np.dstack([light[..., :1], soft[..., 1:]]), cv2.COLOR_LAB2RGB), np.uint8)


def is_monochrome(pixels: Pixels, tolerance: float = 6.0) -> bool:
    """Whether all colours are one: black and white, or sepia. Decided in LAB, by how far a and b leave one line."""
    lab = np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2LAB), np.float32)
    light, tint = lab[..., 0].ravel(), lab[..., 1:].reshape(-1, 2)
    steps = np.stack([np.ones_like(light), light / 255, (light / 255) ** 2], -1)  # a toned print tints its middle most
    weights = np.linalg.lstsq(steps, tint, rcond=None)[0]
    return bool(np.quantile(np.linalg.norm(tint - steps @ weights, axis=1), 0.95) < tolerance)


def _light(pixels: Pixels) -> Levels:
    return (pixels[..., :3].astype(np.float32) @ LUMA).astype(np.float32)


def _thin_things(light: Levels, width: int) -> tuple[Levels, Levels]:
    """(what is lighter, what is darker than its surroundings) and narrower than `width`: top hats, in levels."""
    side = 2 * width + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    tops = (cv2.morphologyEx(light, kind, disc) for kind in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT))
    lighter, darker = (np.asarray(top, np.float32) for top in tops)
    return lighter, darker


def _standing_out(light: Levels, width: int, sensitivity: float) -> tuple[Mask, Mask]:
    """Where something thin is (lighter, darker) by far more than thin things are in this picture, and more than those
    nearby: hair, cloth and leaves are full of thin things, a scratch is alone. White or black."""
    thin = _thin_things(light, width)
    low, high = np.quantile(light, (0.05, 0.95))
    side = 12 * width + 1
    nearby = np.asarray(cv2.blur(thin[0] + thin[1], (side, side)), np.float32)
    masks: list[Mask] = []
    for tops in thin:
        usual, busy = (float(np.quantile(tops, share)) for share in (0.5, 0.9))
        spread = 1.4826 * float(np.median(np.abs(tops - usual)))
        faintest = max(
            usual + spread * (10.5 - 10 * sensitivity),
            busy * (2.1 - 2 * sensitivity),
            float(high - low) * (0.31 - 0.3 * sensitivity),
            8.0,
        )
        masks.append(np.where(tops > np.maximum(faintest, nearby * (4.4 - 4 * sensitivity)), 255, 0).astype(np.uint8))
    return masks[0], masks[1]


def _long_lines(flags: Mask, long: int) -> Mask:
    """What of the flags lies on a line of `long` pixels, whichever way it runs; a sixth of it may be missing.

    In large pictures lines are looked for on a coarser grid, whose cells are flagged where any of their pixels is.
    """
    factor = max(1, long // 40)
    # One pixel of slack, so that a line between two directions is still one.
    slack = np.asarray(cv2.dilate(flags, np.ones((3, 3), np.uint8)), np.uint8)
    coarse = _coarser(slack if factor == 1 else flags, factor)
    lines = np.zeros_like(coarse)
    for turn in range(DIRECTIONS):
        stroke = _stroke(long // factor, np.pi * turn / DIRECTIONS)
        share = np.asarray(cv2.filter2D(coarse, cv2.CV_32F, stroke.astype(np.float32) / stroke.sum()), np.float32)
        lines |= np.asarray(cv2.dilate(np.where(share > 0.84 * 255, 255, 0).astype(np.uint8), stroke), np.uint8)
    fine = lines.repeat(factor, axis=0).repeat(factor, axis=1)[: flags.shape[0], : flags.shape[1]]
    return fine & slack & _not_wide(slack, long)


def _coarser(flags: Mask, factor: int) -> Mask:
    """The largest value of every cell of factor x factor pixels."""
    rows, columns = (-(-side // factor) for side in flags.shape)
    padded = np.pad(flags, ((0, rows * factor - flags.shape[0]), (0, columns * factor - flags.shape[1])))
    return padded.reshape(rows, factor, columns, factor).max(axis=(1, 3))


def _not_wide(flags: Mask, long: int) -> Mask:
    """Flags without their fields: what stays open to a disc is an area, not a line."""
    side = max(5, long // 3) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return 255 - grown(np.asarray(cv2.morphologyEx(flags, cv2.MORPH_OPEN, disc), np.uint8), 2)


def _stroke(long: int, angle: float) -> Mask:
    """A straight line of `long` pixels as a structuring element."""
    side, half = long | 1, (long - 1) / 2
    stroke, middle = np.zeros((side, side), np.uint8), side // 2
    for step in np.arange(-half, half + 0.5, 0.5):
        stroke[middle + round(float(step * np.sin(angle))), middle + round(float(step * np.cos(angle)))] = 1
    return stroke
