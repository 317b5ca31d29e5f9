"""Patterns that repeat without a seam: looked at by moving the seam into the middle, measured, repaired, shown side by side."""

import numpy as np

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.pixels.mask import Mask
from danqing.pixels.resize import MOST_PIXELS


def offset(pixels: Pixels, right: int | None = None, down: int | None = None) -> Pixels:
    """The picture moved within itself, what leaves on one side coming back on the other; by half a side unless said.

    A seam then stands in the middle, where it is seen and can be painted over.
    """
    height, width = pixels.shape[:2]
    by = (height // 2 if down is None else down, width // 2 if right is None else right)
    return np.roll(pixels, by, axis=(0, 1))


def seam_strength(pixels: Pixels) -> tuple[float, float]:
    """(across, down): how much stronger the step from the last pixels to the first is than steps usually are within.

    1 is what a pattern without a seam has; 2 is seen. "Usual" is the 90th percentile of the steps between neighbouring
    rows (columns): a picture has edges of its own, and they are no seams.
    """
    levels = pixels[..., :3].astype(np.float32)
    return _strength(levels, axis=1), _strength(levels, axis=0)


def is_seamless(pixels: Pixels, limit: float = 1.5) -> bool:
    """Whether neither direction shows a seam."""
    return max(seam_strength(pixels)) <= limit


def seam_mask(size: tuple[int, int], width: int) -> Mask:
    """The cross to paint anew after `offset`: `width` pixels wide, soft at its edges. size (width, height)."""
    across, down = (_ridge(side, width) for side in size)
    return np.rint(255 * np.maximum(across[None, :], down[:, None])).astype(np.uint8)


def cross_faded(pixels: Pixels, width: int) -> Pixels:
    """The picture `width` pixels smaller on both axes, its far edges faded into its near ones: seamless without painting.

    Good for stuff (stone, leaves, cloth), bad for things, which become ghosts where they overlap.
    """
    if width < 1 or width * 2 > min(pixels.shape[:2]):
        raise ImageError(
            f"an overlap of {width} pixels doesn't suit a picture of {pixels.shape[1]}x{pixels.shape[0]}; "
            f"1 to {min(pixels.shape[:2]) // 2} are possible"
        )
    levels = pixels.astype(np.float32)
    for axis in (0, 1):
        levels = np.moveaxis(levels, axis, 0)
        share = ((np.arange(width) + 0.5) / width)[:, None, None]
        near, far = levels[:width], levels[-width:]
        # Squares that sum to one keep the contrast of stuff that isn't alike; a plain mixture would be dull.
        mean = near * share + far * (1 - share)
        scale = 1 / np.sqrt(share**2 + (1 - share) ** 2)
        ground = levels.mean(axis=(0, 1))
        levels = np.moveaxis(np.concatenate([ground + (mean - ground) * scale, levels[width:-width]]), 0, axis)
    return np.rint(np.clip(levels, 0, 255)).astype(np.uint8)


def repeated(pixels: Pixels, columns: int, rows: int, *, half_drop: bool = False) -> Pixels:
    """The pattern side by side, (H * rows, W * columns, C); with `half_drop` every other column half a picture lower."""
    height, width = pixels.shape[:2]
    if columns < 1 or rows < 1 or height * rows * width * columns > MOST_PIXELS:
        raise ImageError(f"{columns}x{rows} pictures of {width}x{height} are too many or too few to show")
    stack = np.tile(pixels, (rows, 1, 1))
    dropped = np.roll(stack, height // 2, axis=0) if half_drop else stack
    return np.concatenate([dropped if column % 2 else stack for column in range(columns)], axis=1)


def _strength(levels: np.ndarray, axis: int) -> float:
    along = np.moveaxis(levels, axis, 0)
    steps = np.abs(np.diff(along, axis=0)).mean(axis=(1, 2))
    seam = float(np.abs(along[0] - along[-1]).mean())
    usual = float(np.quantile(steps, 0.9)) if steps.size else 0.0
    return (seam + 0.5) / (usual + 0.5)


def _ridge(side: int, width: int) -> np.ndarray:
    """1 in the middle of a side, 0 from half of `width` on, soft over the outer half of that."""
    away = np.abs(np.arange(side) - (side - 1) / 2) / max(width / 2, 0.5)
    step = np.clip((1 - away) * 2, 0, 1)
    return step * step * (3 - 2 * step)
