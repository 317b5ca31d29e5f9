"""DPM-Solver++ without noise of its own: 2M (multistep, one call a step) and 2S a (single-step, two calls, ancestral).

Lu et al. 2022, arXiv:2211.01095. Their time is lambda = -log(sigma); a step of length h weighs x0 with 1 - exp(-h).
"""

import math

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, half_log_snr


def towards(x: Tensor, x0: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """The exact solution from sigma to sigma_next while x0 stays the same: DPM-Solver++ of first order."""
    h = half_log_snr(sigma_next) - half_log_snr(sigma)
    return x * (sigma_next / sigma) - x0 * math.expm1(-h)


def dpmpp_2m(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Algorithm 2 of the paper: x0 is carried on in a straight line through this call's and the last one's. Second
    order."""
    levels = sigmas.tolist()
    last: Tensor | None = None
    for i, (sigma, sigma_next) in enumerate(zip(levels, levels[1:], strict=False)):
        x0 = denoise(x, Moment(i, i, len(levels) - 1, sigma, sigma_next))
        ahead = x0
        # To sigma 0 the step is infinitely long, and a straight line would lead nowhere.
        if last is not None and sigma_next > 0:
            r = math.log(levels[i - 1] / sigma) / math.log(sigma / sigma_next)
            ahead = x0 + (x0 - last) / (2 * r)
        x = towards(x, ahead, sigma, sigma_next)
        last = x0
    return x
