"""Brownian paths for the SDE samplers: one a picture, a pure function of its seed and the noise level.

With them a run of 20 steps and one of 40 meet the same noise, coarse and fine, so that more steps refine a picture
instead of changing it. The tree is torchsde's (Li et al. 2020, arXiv:2001.01328, section 4), number for number, for
A1111 and ComfyUI take their noise from it: midpoints, each drawn with a seed of its own made from the picture's.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

# torchsde's tolerance of 1e-6: levels are rounded to it, and the tree ends there.
_DIGITS = 6
_POOL = 24


class BrownianPath:
    """W(t) for t in [low, high], W(low) = 0, Var(W(t) - W(s)) = |t - s|.

    `draw(seed)` gives the normal numbers of a seed, a tensor of the picture's shape. What it remembers only saves
    drawing the same numbers twice in a row.
    """

    def __init__(self, seed: int, draw: Callable[[int], Tensor], low: float, high: float) -> None:
        self.seed = seed
        self.low, self.high = round(low, _DIGITS), round(high, _DIGITS)
        self._draw = draw
        self._whole = self._numbers(None).double() * math.sqrt(high - low)
        self._nodes: dict[tuple[int, int], Tensor] = {}
        self._values: dict[float, Tensor] = {}

    def between(self, start: float, end: float) -> Tensor:
        """W(end) - W(start), float64."""
        return self.at(end) - self.at(start)

    def at(self, t: float) -> Tensor:
        """W(t), float64; beyond the ends of the path, W there."""
        t = round(min(max(t, self.low), self.high), _DIGITS)
        if t not in self._values:
            # Both ends of a step and a point between: that is how many levels a sampler uses at a time.
            self._values = dict([*self._values.items(), (t, self._descend(t))][-4:])
        return self._values[t]

    def _descend(self, t: float) -> Tensor:
        start, end, whole = self.low, self.high, self._whole
        value = torch.zeros_like(whole)
        nodes: dict[tuple[int, int], Tensor] = {}
        path, depth = 0, 0
        while start < t < end:
            middle = round((start + end) / 2, _DIGITS)
            length, left, right = end - start, middle - start, end - middle
            numbers = self._nodes.get((path, depth))
            nodes[path, depth] = numbers = self._numbers((path, depth)) if numbers is None else numbers
            before_middle = whole * (left / length) + numbers * math.sqrt(left * right / length)
            path, depth = 2 * path, depth + 1
            if t < middle:
                end, whole = middle, before_middle
            else:
                start, path = middle, path + 1
                value, whole = value + before_middle, whole - before_middle
        self._nodes = nodes
        return value + whole if t == end else value

    def _numbers(self, node: tuple[int, int] | None) -> Tensor:
        sequence = np.random.SeedSequence(self.seed, spawn_key=node or (), pool_size=_POOL)
        return self._draw(int(sequence.generate_state(1)[0]))
