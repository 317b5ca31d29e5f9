"""Backgrounds painted by numbers: plain colours, gradients, ten scenes by day, night and sunset. Pixels are float (H,
W, 3), 0 to 255."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from danqing.training.mini.content import Backdrop

Canvas = NDArray[np.floating[Any]]

_NEBULAE = ("7a2fa0", "a03070", "2f50b0")


def rgb(code: str) -> Canvas:
    """(3,) of a hexadecimal colour."""
    return np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)], np.float32)


@dataclass(frozen=True)
class Painter:
    """A canvas of `size` pixels and its luck; x and y run from 0 to 1."""

    rng: Random
    size: int

    @cached_property
    def x(self) -> Canvas:
        """(H, W), left to right."""
        return np.broadcast_to(np.arange(self.size, dtype=np.float32) / self.size, (self.size, self.size))

    @cached_property
    def y(self) -> Canvas:
        """(H, W), top to bottom."""
        return self.x.T

    @cached_property
    def horizon(self) -> float:
        """Where the ground begins."""
        return self.rng.uniform(0.6, 0.74)

    def near(self, code: str) -> Canvas:
        """A colour close to the named one, for no two pictures are alike."""
        return np.clip(rgb(code) + np.array([self.rng.uniform(-7, 7) for _ in range(3)], np.float32), 0, 255)

    def flat(self, color: Canvas) -> Canvas:
        """One colour everywhere."""
        return np.broadcast_to(color, (self.size, self.size, 3)).copy()

    def between(self, top: str, bottom: str, share: Canvas) -> Canvas:
        """From one colour to another as share (H, W) goes from 0 to 1."""
        first, second = self.near(top), self.near(bottom)
        return first + (second - first) * np.clip(share, 0, 1)[..., None]

    def sky(self, light: str, day: tuple[str, str]) -> Canvas:
        """Sky down to the horizon at a time of day."""
        colors = {"night": ("0c1236", "2c3a7c"), "sunset": ("6a3d8f", "ff9a4a")}.get(light, day)
        canvas = self.between(*colors, self.y / self.horizon)
        if light == "night":
            self.stars(canvas, self.rng.randint(10, 20), self.horizon)
        if light == "sunset":
            self.sun(canvas)
        return canvas

    @property
    def unit(self) -> int:
        """Pixels that stand for one of a picture of 128: what is a dot there is a disc in a larger picture."""
        return max(1, self.size // 128)

    def dot(self, canvas: Canvas, x: int, y: int, units: int, color: float) -> None:
        """A disc of so many units across, its box beginning at (x, y)."""
        side = units * self.unit
        along = np.arange(side, dtype=np.float32) - (side - 1) / 2
        inside = along[:, None] ** 2 + along**2 <= side**2 / 4
        canvas[y : y + side, x : x + side][inside] = color

    def stars(self, canvas: Canvas, count: int, below: float = 1.0) -> None:
        """White dots, some of them crosses."""
        u = self.unit
        last = int((self.size - 3 * u) * below)
        for _ in range(count):
            x, y = self.rng.randrange(2 * u, self.size - 2 * u), self.rng.randrange(2 * u, last)
            self.dot(canvas, x, y, 1, 255)
            if self.rng.random() < 0.4:
                canvas[y : y + u, x - u : x + 2 * u] = 235
                canvas[y - u : y + 2 * u, x : x + u] = 235

    def sun(self, canvas: Canvas) -> None:
        """A low sun on the horizon."""
        distance = (self.x - self.rng.uniform(0.2, 0.8)) ** 2 + (self.y - self.horizon) ** 2
        canvas[(distance < 0.012) & (self.y < self.horizon)] = rgb("ffe27a")


def lit(canvas: Canvas, light: str, strength: float = 1.0) -> Canvas:
    """The colours under a light; strength 0 leaves them."""
    tints = {"night": (0.42, 0.48, 0.72), "sunset": (1.0, 0.82, 0.74)}
    if light not in tints:
        return canvas
    tint = 1 + (np.array(tints[light], np.float32) - 1) * strength
    return canvas * tint


def paint_backdrop(rng: Random, backdrop: Backdrop, colors: dict[str, list[str]], size: int) -> Canvas:
    """The background alone. (size, size, 3)."""
    painter = Painter(rng, size)
    if backdrop.kind == "plain":
        return painter.flat(painter.near(colors[backdrop.colors[0]][0]))
    if backdrop.kind == "gradient":
        first, second = (colors[name][0] for name in backdrop.colors)
        return painter.between(first, second, painter.y if rng.random() < 0.6 else (painter.x + painter.y) / 2)
    if backdrop.scene == "room":
        return _room(painter, colors[backdrop.colors[0]][0])
    return SCENE_PAINTERS[backdrop.scene](painter, backdrop.light)


def _room(p: Painter, wall: str) -> Canvas:
    canvas = p.flat(p.near(wall))
    canvas[p.y > p.horizon] = p.near("a8744a")
    canvas[(p.y > p.horizon - 0.02) & (p.y <= p.horizon)] = 255
    return canvas


def _night_sky(p: Painter, light: str) -> Canvas:
    canvas = p.between("0c1236", "2c3a7c", p.y)
    p.stars(canvas, p.rng.randint(12, 26))
    return canvas


def _space(p: Painter, light: str) -> Canvas:
    canvas = p.flat(p.near("0b0714"))
    cx, cy = p.rng.random(), p.rng.random()
    glow = 0.6 * np.exp(-((p.x - cx) ** 2 + (p.y - cy) ** 2) * 6)[..., None]
    canvas = canvas * (1 - glow) + rgb(p.rng.choice(_NEBULAE)) * glow
    places = p.size - p.unit + 1
    for _ in range(p.rng.randint(20, 40)):
        brightness, y, x = p.rng.randint(160, 255), p.rng.randrange(places), p.rng.randrange(places)
        p.dot(canvas, x, y, 1, brightness)
    return canvas


def _sunset(p: Painter, light: str) -> Canvas:
    canvas = p.sky("sunset", ("", ""))
    canvas[p.y > p.horizon] = p.near("3c2a55")
    return canvas


def _grass(p: Painter, light: str) -> Canvas:
    canvas = p.sky(light, ("7cc4f2", "d6effc"))
    hill = p.horizon + 0.03 * np.sin(p.x * p.rng.uniform(4, 9) + p.rng.random() * 6)
    return _ground(p, canvas, p.between("6cc24a", "3f9a36", (p.y - hill) / (1 - p.horizon)), p.y > hill, light)


def _beach(p: Painter, light: str) -> Canvas:
    canvas = p.sky(light, ("8fd3f7", "d9f2fd"))
    canvas = _ground(p, canvas, p.flat(p.near("2f9fd0")), p.y > p.horizon - 0.16, light)
    return _ground(p, canvas, p.flat(p.near("f0d9a0")), p.y > p.horizon + 0.012 * np.sin(p.x * 20), light)


def _snow(p: Painter, light: str) -> Canvas:
    canvas = p.sky(light, ("9fbfe0", "dbe8f5"))
    drift = p.horizon + 0.025 * np.sin(p.x * 7 + p.rng.random() * 6)
    canvas = _ground(p, canvas, p.flat(p.near("f6faff")), p.y > drift, light)
    places = p.size - 2 * p.unit + 1
    for _ in range(p.rng.randint(15, 35)):
        x, y = p.rng.randrange(places), p.rng.randrange(places)
        p.dot(canvas, x, y, 2, 255)
    return canvas


def _underwater(p: Painter, light: str) -> Canvas:
    canvas = p.between("4cc3e8", "0e3f86", p.y)
    for _ in range(p.rng.randint(5, 12)):
        distance = np.sqrt((p.x - p.rng.random()) ** 2 + (p.y - p.rng.random()) ** 2)
        radius = p.rng.uniform(0.012, 0.03)
        canvas[(distance < radius) & (distance > radius * 0.65)] = rgb("cdefff")
    return canvas


def _desert(p: Painter, light: str) -> Canvas:
    canvas = p.sky(light, ("f6c98a", "fbe9c8"))
    dune = p.horizon + 0.05 * np.sin(p.x * 5 + p.rng.random() * 6)
    return _ground(p, canvas, p.flat(p.near("d99a4e")), p.y > dune, light)


def _clouds(p: Painter, light: str) -> Canvas:
    canvas = p.between("5aa9ee", "b9def8", p.y)
    for _ in range(p.rng.randint(2, 4)):
        cx, cy = p.rng.random(), p.rng.random()
        for shift, radius in ((-0.08, 0.05), (0, 0.07), (0.08, 0.05)):
            canvas[((p.x - cx - shift) ** 2 + ((p.y - cy) * 1.3) ** 2) < radius**2] = 252
    return canvas


def _ground(p: Painter, canvas: Canvas, ground: Canvas, where: NDArray[np.bool_], light: str) -> Canvas:
    return np.where(where[..., None], lit(ground, light), canvas).astype(np.float32)


SCENE_PAINTERS: MappingProxyType[str, Callable[[Painter, str], Canvas]] = MappingProxyType(
    {
        "night sky": _night_sky,
        "space": _space,
        "sunset": _sunset,
        "grass": _grass,
        "beach": _beach,
        "snow": _snow,
        "underwater": _underwater,
        "desert": _desert,
        "clouds": _clouds,
    }
)
