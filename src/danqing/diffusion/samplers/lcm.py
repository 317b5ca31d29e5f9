"""LCM: jumps to x0 and adds noise anew, for networks distilled to say x0 at once. Luo et al. 2023, arXiv:2310.04378."""

from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise


def lcm(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Algorithm 3 of the paper.

    Its boundary condition (c_skip x + c_out x0) is left out: at timestep 19, the lowest, c_skip is 7e-6.
    """
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x = denoise(x, Moment(i, i, len(levels) - 1, sigma, sigma_next))
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * (options.noise * sigma_next)
    return x
