"""Figures onto a backdrop: sizes, places, light, sticker borders. Sprites are premultiplied RGBA uint8 (h, h, 4)."""

from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from danqing.training.mini.backdrops import Canvas, lit, paint_backdrop
from danqing.training.mini.content import Content, Figure, Person
from danqing.training.mini.world import World

Sprite = NDArray[np.uint8]

_BORDER = 0.044
"""Width of a sticker's border as a share of the sprite's side."""
_FIGURE_LIGHT = 0.35
"""How much of the scene's light falls on the figures: colours must stay nameable."""


def compose(rng: Random, world: World, content: Content, sprites: Sequence[Sprite], size: int) -> NDArray[np.uint8]:
    """The picture. sprites: one a figure, in order. (size, size, 3) uint8."""
    canvas = paint_backdrop(rng, content.backdrop, world.palette["background"], size)
    for (cx, cy, width), sprite in zip(_spots(rng, world, content), sprites, strict=True):
        if content.sticker:
            sprite = with_border(sprite)
        paste(canvas, sprite, (cx * size, cy * size), round(width * size), content.backdrop.light)
    return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def with_border(sprite: Sprite) -> Sprite:
    """The sprite with a white rim; drawn a little smaller so that the rim fits in."""
    side = sprite.shape[0]
    border = max(1, round(_BORDER * side))
    inner = side - 2 * border
    small = np.asarray(Image.fromarray(sprite, "RGBa").resize((inner, inner), Image.Resampling.LANCZOS))
    framed = np.zeros_like(sprite)
    framed[border : border + inner, border : border + inner] = small
    alpha = Image.fromarray(framed[..., 3])
    for _ in range(border - 1):  # a wide maximum, step by step: Pillow's own takes seconds for large sprites
        alpha = alpha.filter(ImageFilter.MaxFilter(3))
    rim = np.asarray(alpha.filter(ImageFilter.GaussianBlur(0.8))).astype(np.float32)[..., None]
    under = 1 - framed[..., 3:].astype(np.float32) / 255
    white = np.concatenate([rim, rim, rim, rim], 2) * under
    return np.clip(framed + white, 0, 255).astype(np.uint8)


def paste(canvas: Canvas, sprite: Sprite, center: tuple[float, float], width: int, light: str) -> None:
    """Lays the sprite over the canvas, centre in pixels, cut at the edges."""
    method = Image.Resampling.BICUBIC if width >= sprite.shape[0] else Image.Resampling.LANCZOS
    scaled = np.asarray(Image.fromarray(sprite, "RGBa").resize((width, width), method)).astype(np.float32)
    size = canvas.shape[0]
    left, top = round(center[0] - width / 2), round(center[1] - width / 2)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, size), min(top + width, size)
    piece = scaled[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = piece[..., 3:] / 255
    canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - alpha) + lit(piece[..., :3], light, _FIGURE_LIGHT)


def _spots(rng: Random, world: World, content: Content) -> list[tuple[float, float, float]]:
    """Centre x, centre y and width of each figure, in shares of the picture's side."""
    if content.arrangement == "single":
        return [_single(rng, world, content)]
    if content.arrangement == "row":
        count = len(content.figures)
        width = 0.46 if count == 2 else 0.35
        return [((i + 0.5) / count, 0.55 + rng.uniform(-0.04, 0.04), width) for i in range(count)]
    if content.arrangement == "above":
        width = 0.47 * rng.uniform(0.9, 1.0)
        return [(0.5, 0.26, width), (0.5, 0.75, width)]
    return [_beside(rng, world, figure, x) for figure, x in zip(content.figures, (0.27, 0.73), strict=True)]


def _single(rng: Random, world: World, content: Content) -> tuple[float, float, float]:
    figure = content.figures[0]
    bust = _is_bust(world, figure)
    x = {"left": 0.28, "center": 0.5, "right": 0.72}[content.place] + rng.uniform(-0.03, 0.03)
    if content.framing == "from afar":
        width = rng.uniform(0.42, 0.54)
        return x, (1 - width / 2 if bust else 0.6 + rng.uniform(-0.06, 0.06)), width
    if content.framing == "close-up":
        # Faces sit above the middle of an avatar: a close-up keeps the eyes in the picture. Objects must stay
        # recognisable.
        width = rng.uniform(1.3, 1.55) if isinstance(figure, Person) else rng.uniform(1.02, 1.2)
        return x, (0.5 + 0.08 * width if isinstance(figure, Person) else 0.5), width
    if isinstance(figure, Person):
        width = rng.uniform(0.9, 1.0)
        return x, (1 - width / 2 if bust else 0.5), width
    return x, 0.52 + rng.uniform(-0.05, 0.05), rng.uniform(0.62, 0.88)


def _beside(rng: Random, world: World, figure: Figure, x: float) -> tuple[float, float, float]:
    if isinstance(figure, Person):
        width = rng.uniform(0.52, 0.6)
        return x, (1 - width / 2 if _is_bust(world, figure) else 0.6), width
    return x, 0.58, 0.5 * rng.uniform(0.88, 1.0)


def _is_bust(world: World, figure: Figure) -> bool:
    """Whether the figure is cut at its lower edge and so must stand on the picture's."""
    return isinstance(figure, Person) and bool(world.styles[figure.style]["bust"])
