"""Brownian paths for the SDE samplers: one a picture, a pure function of its seed and the noise level, whatever the
steps or the batch.

With them a run of 20 steps and one of 40 meet the same noise, coarse and fine, so that more steps refine a picture
instead of changing it.
"""

import math
import struct

import torch
from torch import Tensor

_DEPTH = 24
_WORD = (1 << 64) - 1


class BrownianPath:
    """W(t) for t in [0, reach], W(0) = 0, Var(W(t) - W(s)) = |t - s|. A binary tree of midpoints, drawn from the seed
    and the node alone.

    It remembers only what saves drawing the same node twice in a row.
    """

    def __init__(self, seed: int, shape: tuple[int, ...], reach: float) -> None:
        self.seed = seed
        self.shape = shape
        # A power of two: paths of one seed are the same for every schedule that lies below it.
        self.reach = 2.0 ** math.ceil(math.log2(reach))
        self._nodes: dict[tuple[int, int], Tensor] = {}
        self._values: dict[float, Tensor] = {}

    def between(self, start: float, end: float) -> Tensor:
        """W(end) - W(start), float64."""
        return self.at(end) - self.at(start)

    def at(self, t: float) -> Tensor:
        """W(t), float64. Halves the tree's interval until it is tiny, then bridges what is left."""
        assert 0 <= t <= self.reach, f"{t} lies outside of this path, which reaches from 0 to {self.reach}"
        if t in self._values:
            return self._values[t]
        nodes: dict[tuple[int, int], Tensor] = {}
        low, high = 0.0, self.reach
        at_low = torch.zeros(self.shape, dtype=torch.float64)
        at_high = self._node(0, 0, nodes) * math.sqrt(self.reach)
        index = 0
        for level in range(1, _DEPTH + 1):
            middle = (low + high) / 2
            at_middle = (at_low + at_high) / 2 + self._node(level, index, nodes) * (math.sqrt(high - low) / 2)
            index *= 2
            if t < middle:
                high, at_high = middle, at_middle
            else:
                low, at_low, index = middle, at_middle, index + 1
        share = (t - low) / (high - low)
        rest = math.sqrt((high - low) * share * (1 - share))
        value = at_low.lerp(at_high, share)
        if rest > 0:
            value = value + self._draw(_bits(t), _DEPTH + 1) * rest
        self._nodes = nodes
        # A sampler asks for both ends of a step, and the SDE samplers for a point between: three levels are in use at a
        # time.
        self._values = dict([*self._values.items(), (t, value)][-4:])
        return value

    def _node(self, level: int, index: int, visited: dict[tuple[int, int], Tensor]) -> Tensor:
        key = (level, index)
        drawn = self._nodes.get(key)
        visited[key] = self._draw(index, level) if drawn is None else drawn
        return visited[key]

    def _draw(self, index: int, level: int) -> Tensor:
        generator = torch.Generator().manual_seed(_mixed(_mixed(_mixed(self.seed) ^ level) ^ index))
        return torch.randn(self.shape, generator=generator).double()


def _mixed(number: int) -> int:
    """A 64-bit hash in which every bit depends on all: SplitMix64, Steele et al. 2014, so that close seeds share no
    node."""
    number = (number + 0x9E3779B97F4A7C15) & _WORD
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _WORD
    return number ^ (number >> 31)


def _bits(number: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", number))[0]
