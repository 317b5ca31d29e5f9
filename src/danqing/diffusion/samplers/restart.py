"""Restart: Heun's method that goes back up in noise once or twice, which washes out earlier errors.

Xu et al. 2023, arXiv:2306.14878, with the one interval (0.1 to 2) and the step counts that A1111 chose.
"""

import math
from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, slope
from danqing.diffusion.schedules import karras_levels

_LOW, _HIGH = 0.1, 2.0


def restart(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Heun over `restart_steps`; where a step begins above the last one's end, noise takes x there."""
    rounds = restart_steps(sigmas.tolist())
    call, at = 0, rounds[0][0] if rounds else 0.0
    for i, (sigma, sigma_next) in enumerate(rounds):
        if sigma > at:
            x = x + noise(at, sigma) * (options.noise * math.sqrt(sigma**2 - at**2))
        first = slope(x, denoise(x, Moment(call, i, len(rounds), sigma, sigma_next)), sigma)
        ahead = x + first * (sigma_next - sigma)
        call += 1
        if sigma_next > 0:
            x0 = denoise(ahead, Moment(call, i, len(rounds), sigma_next, sigma_next))
            call += 1
            x = x + (first + slope(ahead, x0, sigma_next)) * ((sigma_next - sigma) / 2)
        else:
            x = ahead
        at = sigma_next
    return x


def restart_steps(levels: list[float]) -> list[tuple[float, float]]:
    """(from, to) of every step. From 20 steps on a part of them is spent on going through 2 to 0.1 again."""
    steps = len(levels) - 1
    if steps < 20:
        return list(pairwise(levels))
    length, times = (steps // 4, 2) if steps >= 36 else (9, 1)
    # What is left of the schedule is its two ends: the steps between are laid out anew, by Karras.
    to_zero = levels[-1] == 0
    kept = steps - length * times + (0 if to_zero else 1)
    levels = _between(levels[0], levels[-2] if to_zero else levels[-1], kept) + ([0.0] if to_zero else [])
    bottom, top = (min(range(len(levels)), key=lambda i: abs(levels[i] - goal)) for goal in (_LOW, _HIGH))
    if top >= bottom:
        return list(pairwise(levels))
    again = list(pairwise(_between(levels[top], levels[bottom], length + 1)))
    return [*pairwise(levels[: bottom + 1]), *again * times, *pairwise(levels[bottom:])]


def _between(highest: float, lowest: float, count: int) -> list[float]:
    # The ends to the last bit: a step that begins a rounding error above the last one's end would draw noise.
    return [highest, *karras_levels(count, lowest, highest).tolist()[1:-1], lowest]
