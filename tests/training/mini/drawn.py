"""Sprites without node: an avatar is a disc in its hair colour, an object a square whose colour follows from its
name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from danqing.training.mini.backdrops import rgb
from danqing.training.mini.dataset import Split
from danqing.training.mini.grammar import EVERYTHING, AvatarOrder
from danqing.training.mini.world import World, load_world

SIDE = 32

SMALL = (
    Split("validation", 12),
    Split("unseen", 8, unseen=True),
    Split("train", 24),
    Split("judge", 16, unseen=None, mix=EVERYTHING),
    Split("large", 4, side=128),
    Split("large_validation", 2, side=128),
)


def names_of(world: World) -> dict[str, dict[str, str]]:
    return {"zh": {n: f"物{n}" for n in world.labels}, "ko": {n: f"것{n}" for n in world.labels}}


@dataclass(frozen=True)
class DrawnSprites:
    names: dict[str, dict[str, str]] = field(default_factory=lambda: names_of(load_world()))

    def avatars(self, split: Split, orders: Sequence[AvatarOrder]) -> NDArray[np.uint8]:
        return np.stack([disc(order) for order in orders]) if orders else np.zeros((0, SIDE, SIDE, 4), np.uint8)

    def things(self, split: Split) -> Callable[[str, str], NDArray[np.uint8]]:
        return square


def square(noun: str, style: str) -> NDArray[np.uint8]:
    sprite = np.zeros((SIDE, SIDE, 4), np.uint8)
    sprite[6:26, 6:26] = [*crc32(f"{noun}{style}".encode()).to_bytes(4, "big")[:3], 255]
    return sprite


def disc(order: AvatarOrder) -> NDArray[np.uint8]:
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    inside = (x - 15.5) ** 2 + (y - 15.5) ** 2 < 140
    color = rgb(order.options["hairColor"][0]).astype(np.uint8)
    sprite = np.zeros((SIDE, SIDE, 4), np.uint8)
    sprite[inside] = [*color, 255]
    return sprite
