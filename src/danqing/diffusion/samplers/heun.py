"""Heun's method and DPM-Solver-2: two calls a step, second order."""

import math
from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, churned, slope, towards


def heun(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Averages the slopes at both ends of each step. Karras et al. 2022, arXiv:2206.00364, algorithm 2."""
    levels = sigmas.tolist()
    rounds = len(levels) - 1
    for i, sigma_next in enumerate(levels[1:]):
        x, sigma = churned(x, levels[i], rounds, noise, options)
        first = slope(x, denoise(x, Moment(2 * i, i, rounds, sigma, sigma_next)), sigma)
        ahead = x + first * (sigma_next - sigma)
        if sigma_next > 0:
            x0 = denoise(ahead, Moment(2 * i + 1, i, rounds, sigma_next, sigma_next))
            x = x + (first + slope(ahead, x0, sigma_next)) * ((sigma_next - sigma) / 2)
        else:
            x = ahead
    return x


def dpm_2(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Takes the slope in the middle (in log sigma) of each step. Lu et al. 2022, arXiv:2206.00927, algorithm 1."""
    levels = sigmas.tolist()
    rounds = len(levels) - 1
    for i, sigma_next in enumerate(levels[1:]):
        x, sigma = churned(x, levels[i], rounds, noise, options)
        x = _middle_step(denoise, x, Moment(2 * i, i, rounds, sigma, sigma_next), sigma_next)
    return x


def dpm_2_ancestral(
    denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions
) -> Tensor:
    """`dpm_2` to a level below the next one, and back up with fresh noise."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        down, up = ancestral_step(sigma, sigma_next, options.eta)
        x = _middle_step(denoise, x, Moment(2 * i, i, len(levels) - 1, sigma, sigma_next), down)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * (options.noise * up)
    return x


def _middle_step(denoise: Denoiser, x: Tensor, moment: Moment, goal: float) -> Tensor:
    x0 = denoise(x, moment)
    if goal == 0:
        return x0
    middle = math.sqrt(moment.sigma * goal)
    ahead = towards(x, x0, moment.sigma, middle)
    x0 = denoise(ahead, Moment(moment.call + 1, moment.step, moment.steps, middle, moment.sigma_next))
    return x + slope(ahead, x0, middle) * (goal - moment.sigma)
