"""UniPC: a multistep predictor whose next call also corrects the step before. One call a step.

Zhao et al. 2023, arXiv:2302.04867, predicting x0, with B(h) of the variants bh1 and bh2. Time is lambda = -log(sigma).
"""

import math
from itertools import pairwise

import torch
from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, towards


def unipc(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Algorithms 5 and 6 of the paper; the order grows from 1 and, with `unipc_lower_order_final`, falls to 1 again."""
    levels = sigmas.tolist()
    steps = len(levels) - 1
    past: list[Tensor] = []  # x0s, latest first
    before, order = x, 0
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x0 = denoise(x, Moment(i, i, steps, sigma, sigma_next))
        if i > 0:
            x = _step(before, past[:order], levels[i - order : i + 1], options.unipc_variant, x0)
        past = [x0, *past[: options.unipc_order - 1]]
        order = min(options.unipc_order, i + 1)
        if options.unipc_lower_order_final:
            order = min(order, steps - i)
        before = x
        if sigma_next == 0:
            return x0
        x = _step(x, past[:order], levels[i - order + 1 : i + 2], options.unipc_variant)
    return x


def _step(
    x: Tensor, past: list[Tensor], levels: list[float], variant: str, corrected_by: Tensor | None = None
) -> Tensor:
    """One step from the last level but one to the last, of the order len(past); levels has one entry more than past.

    past: x0s, latest first. With `corrected_by`, the x0 found at the end of the step, one order better.
    """
    *known, start, end = levels
    h = math.log(start / end)
    # How far back the earlier x0s lie, in steps; the end of the step itself is 1.
    places = [-math.log(level / start) / h for level in reversed(known)]
    changes = [(earlier - past[0]) / place for earlier, place in zip(past[1:], places, strict=True)]
    if corrected_by is not None:
        changes, places = [*changes, corrected_by - past[0]], [*places, 1.0]
    scale = -h if variant == "bh1" else math.expm1(-h)
    result = towards(x, past[0], start, end)
    for change, weight in zip(changes, _weights(places, h, scale), strict=True):
        result = result - change * (scale * weight)
    return result


def _weights(places: list[float], h: float, scale: float) -> list[float]:
    """The weights that make the step exact for x0s that are polynomials in lambda. Paper, eq. 9 and appendix E.3."""
    if not places:
        return []
    # With a single unknown the authors' code, and everybody's since, takes its limit for short steps.
    if len(places) == 1:
        return [0.5]
    powers = torch.tensor(places, dtype=torch.float64)
    matrix = torch.stack([powers**k for k in range(len(places))])
    phi, factorial, goals = math.expm1(-h) / -h - 1, 1, []
    for k in range(1, len(places) + 1):
        goals.append(phi * factorial / scale)
        factorial *= k + 1
        phi = phi / -h - 1 / factorial
    return torch.linalg.solve(matrix, torch.tensor(goals, dtype=torch.float64)).tolist()
