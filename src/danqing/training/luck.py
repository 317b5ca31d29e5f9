"""Randomness by step: the numbers of step k depend on the seed and k alone, so a run that was killed goes on as if it
hadn't been."""

import torch
from torch import Generator, Tensor


def luck_of(seed: int, step: int) -> Generator:
    """The generator of one step, on the CPU."""
    generator = Generator()
    # Two odd numbers keep seeds and steps from meeting; the generator wants 64 bits at most.
    generator.manual_seed((seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9) % (1 << 63))
    return generator


def choose(count: int, among: int, luck: Generator) -> Tensor:
    """Indices below `among`, with repeats, rising (one pass over a mapped file). (count,) int64."""
    return torch.randint(among, (count,), generator=luck).sort().values
