"""Pictures that the pixel tests work on: ramps with noise, and a disc on a plain ground. No file is read."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from danqing.base.picture import Pixels

GOLDEN = Path(__file__).parents[1] / "golden"


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def array(numbers: Any) -> Pixels:
    return np.array(numbers, dtype=np.uint8)


def noise(width: int, height: int, channels: int = 3, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def ramp(width: int, height: int, grain: float = 0.0, seed: int = 0) -> Pixels:
    """Red grows to the right, green downwards; blue both ways."""
    y, x = np.mgrid[:height, :width]
    plain = np.stack([x * 255 / max(1, width - 1), y * 255 / max(1, height - 1), (x + y) * 255 / (width + height)], -1)
    grainy = plain + np.random.default_rng(seed).normal(0, grain, plain.shape)
    return np.clip(grainy, 0, 255).astype(np.uint8)


def disc(size: int, radius: float, *, soft: float = 0.0) -> Pixels:
    """A white disc in the middle of a black (size, size) mask; its edge `soft` pixels wide."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    inside = np.clip((radius - np.hypot(x, y)) / max(soft, 1e-6) + 0.5, 0, 1)
    return np.rint(inside * 255).astype(np.uint8)
