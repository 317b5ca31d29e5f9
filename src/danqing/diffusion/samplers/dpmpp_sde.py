"""DPM-Solver++ for the SDE: every step forgets some of its noise and takes up new. The noise should be a Brownian path.

Lu et al. 2022, arXiv:2211.01095, section 5 and appendix; h is a step's length in lambda = -log(sigma). At eta 0 they
are solvers of the ODE.
"""

import math
from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, towards


def dpmpp_sde(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Two calls a step: x0 is taken at the middle, which is reached with noise too, from the same path."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        steps = len(levels) - 1
        x0 = denoise(x, Moment(2 * i, i, steps, sigma, sigma_next))
        if sigma_next == 0:
            return x0
        middle = math.sqrt(sigma * sigma_next)
        down, up = ancestral_step(sigma, middle, options.eta)
        ahead = towards(x, x0, sigma, down) + noise(sigma, middle) * (options.noise * up)
        x0 = denoise(ahead, Moment(2 * i + 1, i, steps, middle, sigma_next))
        down, up = ancestral_step(sigma, sigma_next, options.eta)
        x = towards(x, x0, sigma, down) + noise(sigma, sigma_next) * (options.noise * up)
    return x


def dpmpp_2m_sde(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """One call a step; the change of x0 since the last call counts half of the step's weight (midpoint)."""
    return _multistep(denoise, x, sigmas, noise, options, "midpoint")


def dpmpp_2m_sde_heun(
    denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions
) -> Tensor:
    """As `dpmpp_2m_sde`, with the change of x0 integrated exactly over the step."""
    return _multistep(denoise, x, sigmas, noise, options, "heun")


def dpmpp_3m_sde(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """One call a step; x0 is carried on as a parabola through three calls."""
    return _multistep(denoise, x, sigmas, noise, options, "parabola")


def _multistep(
    denoise: Denoiser, x: Tensor, sigmas: Tensor, noise: StepNoise, options: SamplerOptions, carry: str
) -> Tensor:
    levels = sigmas.tolist()
    past: list[Tensor] = []  # x0 of this call, of the last, of the one before
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x0 = denoise(x, Moment(i, i, len(levels) - 1, sigma, sigma_next))
        if sigma_next == 0:
            return x0
        past = [x0, *past[:2]]
        lengths = [math.log(levels[i - back - 1] / levels[i - back]) for back in range(len(past) - 1)]
        h = math.log(sigma / sigma_next)
        forgets = h * (1 + options.eta)
        x = x0 + (x - x0) * math.exp(-forgets) + _change(past, lengths, h, forgets, carry)
        if options.eta:
            fresh = sigma_next * math.sqrt(-math.expm1(-2 * options.eta * h))
            x = x + noise(sigma, sigma_next) * (fresh * options.noise)
    return x


def _change(past: list[Tensor], lengths: list[float], h: float, forgets: float, carry: str) -> Tensor | float:
    """What x0 changes over a step of length h, if it goes on as over the last steps (`lengths`, latest first)."""
    if not lengths:
        return 0.0
    first = (past[0] - past[1]) * (h / lengths[0])
    if carry == "midpoint":
        return first * (-math.expm1(-forgets) / 2)
    phi_2 = math.expm1(-forgets) / forgets + 1
    if carry == "heun" or len(lengths) < 2:
        return first * phi_2
    second = (past[1] - past[2]) * (h / lengths[1])
    bend = (first - second) * (h / (lengths[0] + lengths[1]))
    phi_3 = phi_2 / forgets - 0.5
    return (first + bend * (lengths[0] / h)) * phi_2 - bend * phi_3
