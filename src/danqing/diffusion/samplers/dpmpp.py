"""DPM-Solver++ without noise between: 2M (multistep, one call a step) and 2S a (single-step, two calls, ancestral).

Lu et al. 2022, arXiv:2211.01095. Their time is lambda = -log(sigma), in which a step's length is log(sigma /
sigma_next).
"""

import math
from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, towards


def dpmpp_2m(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Algorithm 2 of the paper: x0 is carried on in a straight line through this call's and the last one's."""
    levels = sigmas.tolist()
    last: Tensor | None = None
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x0 = denoise(x, Moment(i, i, len(levels) - 1, sigma, sigma_next))
        ahead = x0
        # To sigma 0 the step is infinitely long, and a straight line would lead nowhere.
        if last is not None and sigma_next > 0:
            ahead = x0 + (x0 - last) * (math.log(sigma / sigma_next) / (2 * math.log(levels[i - 1] / sigma)))
        x = towards(x, ahead, sigma, sigma_next)
        last = x0
    return x


def dpmpp_2s_ancestral(
    denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions
) -> Tensor:
    """Algorithm 1 of the paper with its middle at half the step: x0 is taken there. Ancestral noise after each step."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        steps = len(levels) - 1
        x0 = denoise(x, Moment(2 * i, i, steps, sigma, sigma_next))
        down, up = ancestral_step(sigma, sigma_next, options.eta)
        if down > 0:
            middle = math.sqrt(sigma * down)
            x0 = denoise(towards(x, x0, sigma, middle), Moment(2 * i + 1, i, steps, middle, sigma_next))
        x = towards(x, x0, sigma, down)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * (options.noise * up)
    return x
