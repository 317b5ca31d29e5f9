"""Pictures given more room: margins, a first ground in them, and the mask that paints them. The original stays byte for byte."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Pixels
from danqing.base.table import did_you_mean
from danqing.pixels.color import LUMA
from danqing.pixels.mask import Box, Mask, inverted, mask_of_box
from danqing.pixels.resize import MOST_PIXELS, resize

Ground = Literal["edge", "soft", "mirror", "noise"]
DIRECTIONS = ("left", "up", "right", "down")
SHADES = 256
"""In how many steps the colours of a picture are told apart when noise takes them."""
Waves = NDArray[np.float32]


@dataclass(frozen=True)
class Margins:
    """Pixels that a picture grows by on each of its sides."""

    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0

    def __post_init__(self) -> None:
        if min(self.left, self.top, self.right, self.bottom) < 0:
            raise RecipeError(f"a picture can't be extended by less than nothing; found {self}")

    def around(self, size: tuple[int, int]) -> tuple[int, int]:
        """The size (width, height) of a picture of `size` with these margins."""
        return self.left + size[0] + self.right, self.top + size[1] + self.bottom

    def kept(self, size: tuple[int, int]) -> Box:
        """Where a picture of `size` lies on its canvas."""
        return self.left, self.top, self.left + size[0], self.top + size[1]


@dataclass(frozen=True)
class ShapedNoise:
    """How the ground "noise" is made. `falloff` 0 to 4: below 1 more fine detail, above 1 less; `color_variation` 0 to 1:
    how far the channels go their own ways. The values and their names are those of outpainting mk2."""

    seed: int = 0
    falloff: float = 1.0
    color_variation: float = 0.05


@dataclass(frozen=True)
class Canvas:
    """A picture with room around it: pixels (H, W, 3), the mask (H, W) of what is to be painted, and the original's box.

    `overlaid(painted, canvas.pixels, canvas.mask)` brings the original back.
    """

    pixels: Pixels
    mask: Mask
    kept: Box


def margins_of(size: tuple[int, int], directions: Collection[str], pixels: int, multiple: int = 8) -> Margins:
    """Margins of so many pixels to the named sides: left, up, right, down.

    They grow until the whole is a multiple of `multiple`, both sides of an axis alike; an axis that isn't extended
    stays as it is (mk2 goes by 64). Raises RecipeError for other directions or none.
    """
    for name in directions:
        if name not in DIRECTIONS:
            raise RecipeError(f"no direction {name!r}{did_you_mean(name, list(DIRECTIONS))}")
    if not directions or pixels < 1:
        raise RecipeError(f"nothing to extend: {pixels} pixels to {', '.join(directions) or 'no side'}")
    left, top, right, bottom = (pixels if name in directions else 0 for name in DIRECTIONS)
    left, right = _rounded_up(size[0], left, right, multiple)
    top, bottom = _rounded_up(size[1], top, bottom, multiple)
    return Margins(left, top, right, bottom)


def margins_into(size: tuple[int, int], frame: tuple[int, int], anchor: tuple[float, float] = (0.5, 0.5)) -> Margins:
    """Margins that make a picture as large as `frame`; `anchor` (0, 0) has it in the upper left, (1, 1) in the lower right."""
    room = [outer - inner for outer, inner in zip(frame, size, strict=True)]
    if min(room) < 0:
        raise RecipeError(
            f"a picture of {size[0]}x{size[1]} doesn't lie in {frame[0]}x{frame[1]}; make it smaller first"
        )
    left, top = (round(more * share) for more, share in zip(room, anchor, strict=True))
    return Margins(left, top, room[0] - left, room[1] - top)


def zoomed_out(pixels: Pixels, factor: float) -> tuple[Pixels, Margins]:
    """The picture `factor` times smaller, and the margins that bring it back to its size: Midjourney's zoom out."""
    if factor <= 1:
        raise RecipeError(f"zooming out by {factor:g} shows nothing more; 1.5 and 2 are usual")
    height, width = pixels.shape[:2]
    small = resize(pixels, max(1, round(width / factor)), max(1, round(height / factor)))
    return small, margins_into((small.shape[1], small.shape[0]), (width, height))


def extended(
    pixels: Pixels, margins: Margins, ground: Ground = "soft", seam: int = 0, noise: ShapedNoise | None = None
) -> Canvas:
    """The picture on a larger canvas. pixels (H, W, 3).

    `ground` is what the margins begin with: "edge" (the outermost pixels stretched), "soft" (the same, the more blurred
    the farther out), "mirror", or "noise" (like the picture in colours and in texture). `seam` is how many pixels of the original, from
    the new edges inwards, melt into what is painted; with 0 every one of them comes back. Raises ImageError.
    """
    size = (pixels.shape[1], pixels.shape[0])
    width, height = margins.around(size)
    if width * height > MOST_PIXELS:
        raise ImageError(f"a canvas of {width}x{height} pixels is too large; extend by less")
    kept = margins.kept(size)
    canvas = _grounded(pixels, margins, ground, noise or ShapedNoise())
    canvas[kept[1] : kept[3], kept[0] : kept[2]] = pixels
    return Canvas(canvas, seam_mask((width, height), kept, seam), kept)


def seam_mask(size: tuple[int, int], kept: Box, seam: int) -> Mask:
    """White outside of `kept`, black inside; between them a soft step `seam` pixels wide, inside and at new edges only."""
    outside = inverted(mask_of_box(size, kept))
    if seam < 1:
        return outside
    (width, height), (left, top, right, bottom) = size, kept
    x, y = np.arange(width), np.arange(height)[:, None]
    inwards = np.full((height, width), seam)
    for new, distance in (
        (left > 0, x - left),
        (top > 0, y - top),
        (right < width, right - 1 - x),
        (bottom < height, bottom - 1 - y),
    ):
        inwards = np.minimum(inwards, distance) if new else inwards
    depth = np.clip((inwards + 1) / (seam + 1), 0, 1)
    soft = 1 - depth * depth * (3 - 2 * depth)
    return np.maximum(outside, np.rint(soft * 255).astype(np.uint8))


def shaped_noise(like: Pixels, size: tuple[int, int], how: ShapedNoise) -> Pixels:
    """Noise of `size` (width, height) with the texture and the colours of a picture: (height, width, 3).

    White noise takes over the amplitudes of the picture's spectrum, which is seen through a soft window so that its
    borders are no texture. The idea is that of parlance-zz's g-diffuser-bot; colours are matched all three together.
    """
    return _colored(_waves(like, size, how), like, how.color_variation)


def _waves(like: Pixels, size: tuple[int, int], how: ShapedNoise) -> Waves:
    """Shaped noise before it has colours: (height, width, 4), one field for the light and one for each channel, 0 to 1,
    every value as often as every other."""
    luck, force = np.random.default_rng(how.seed), _amplitudes(like, size) ** how.falloff
    waves = np.empty((size[1], size[0], 4), np.float32)
    for field in range(4):
        white = luck.standard_normal((size[1], size[0]), dtype=np.float32)
        waves[..., field] = _ranked(np.fft.irfft2(np.fft.rfft2(white) * force, s=white.shape))
    return waves


def _ranked(values: NDArray[np.floating]) -> Waves:
    """Every value's place among all, 0 to 1."""
    low, high = values.min(), values.max()
    steps = ((values - low) * (65535 / max(high - low, 1e-9))).astype(np.uint16)
    counts = np.bincount(steps.ravel(), minlength=65536)
    return ((np.cumsum(counts) - counts / 2) / values.size).astype(np.float32)[steps]


def _amplitudes(like: Pixels, size: tuple[int, int]) -> Waves:
    """Amplitudes of the light of a picture, for noise of another size: (height, width // 2 + 1), 1 at the most."""
    window = np.outer(np.hanning(like.shape[0] + 2)[1:-1], np.hanning(like.shape[1] + 2)[1:-1])
    light = like @ LUMA
    light = (light - (light * window).sum() / window.sum()) * window
    # Cut or padded to the new size, which changes how finely the spectrum is sampled but not what it says.
    found = np.abs(np.fft.rfft2(light, s=(size[1], size[0])))
    return (found / (found.max() + 1e-9)).astype(np.float32)


def _colored(waves: Waves, like: Pixels, variation: float) -> Pixels:
    """Waves in the colours of a picture: low ones take those at one end of its main axis of colour, high ones those at
    the other, each as often as the picture has them. So blue and yellow don't make green, as they do channel by channel.
    """
    colors = like.reshape(-1, 3).astype(np.float32)
    axis = np.linalg.svd(np.cov(colors.T))[0][:, 0]
    runs = np.array_split(colors[(colors @ axis).argsort()], min(SHADES, len(colors)))
    means, spreads = (np.array([of(run, axis=0) for run in runs]) for of in (np.mean, np.std))
    index = np.rint(waves[..., 0] * (len(runs) - 1)).astype(np.int32)
    mean, spread = means[index], spreads[index]
    # A field of ranks has a deviation of 1 / sqrt(12).
    varied = mean + variation * spread * (waves[..., 1:] - 0.5) * 12**0.5
    return np.rint(np.clip(varied, 0, 255)).astype(np.uint8)


def _grounded(pixels: Pixels, margins: Margins, ground: Ground, noise: ShapedNoise) -> Pixels:
    sides = ((margins.top, margins.bottom), (margins.left, margins.right), (0, 0))
    if ground == "noise":
        return _noise_around(pixels, margins, noise)
    if ground == "mirror":
        return np.pad(pixels, sides, mode="symmetric")
    stretched = np.pad(pixels, sides, mode="edge")
    if ground == "edge":
        return stretched
    size = (pixels.shape[1], pixels.shape[0])
    beyond = cv2.distanceTransform(inverted(mask_of_box(margins.around(size), margins.kept(size))), cv2.DIST_L2, 3)
    result = stretched.astype(np.float32)
    for sigma in (2, 4, 8, 16, 32):
        share = np.minimum(np.asarray(beyond, np.float32) / (2 * sigma), 1)[..., None]
        result += share * (cv2.GaussianBlur(stretched, (0, 0), sigma).astype(np.float32) - result)
    return np.rint(result).astype(np.uint8)


def _noise_around(pixels: Pixels, margins: Margins, how: ShapedNoise) -> Pixels:
    """Shaped noise on the whole canvas, on each side in the colours of the part of the picture that lies next to it."""
    height, width = pixels.shape[:2]
    size = margins.around((width, height))
    waves = _waves(pixels, size, how)
    x, y = np.arange(size[0]) - margins.left, (np.arange(size[1]) - margins.top)[:, None]
    across, down = (
        max(4, min(deepest, side // 4)) for deepest, side in ((max(size) // 8, width), (max(size) // 8, height))
    )
    sides = (
        (-x, pixels[:, :across]),
        (-y, pixels[:down]),
        (x - width + 1, pixels[:, -across:]),
        (y - height + 1, pixels[-down:]),
    )
    # In a corner both sides have their say, each the more the farther out it lies, so that no border shows.
    mixed, total = np.zeros((size[1], size[0], 3), np.float32), np.zeros((size[1], size[0], 1), np.float32)
    for distance, near in sides:
        if (distance > 0).any():
            beyond = np.broadcast_to(np.maximum(distance, 0), total.shape[:2])[..., None]
            mixed += _colored(waves, near, how.color_variation) * beyond
            total += beyond
    return np.rint(mixed / np.maximum(total, 1)).astype(np.uint8)


def _rounded_up(side: int, before: int, after: int, multiple: int) -> tuple[int, int]:
    """Both margins of an axis, larger until the whole is a multiple; the surplus is shared as the margins are."""
    if not before + after:
        return 0, 0
    whole = -(-(side + before + after) // multiple) * multiple
    first = before * (whole - side) // (before + after)
    return first, whole - side - first
