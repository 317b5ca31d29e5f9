"""Euler's method, plain and ancestral: one call a step, first order."""

from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, churned, slope


def euler(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Follows the slope at the start of each step. Karras et al. 2022, arXiv:2206.00364, algorithm 2 without its
    correction."""
    levels = sigmas.tolist()
    rounds = len(levels) - 1
    for i in range(rounds):
        x, sigma = churned(x, levels[i], rounds, noise, options)
        x0 = denoise(x, Moment(i, i, rounds, sigma, levels[i + 1]))
        x = x + slope(x, x0, sigma) * (levels[i + 1] - sigma)
    return x


def euler_ancestral(
    denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions
) -> Tensor:
    """Euler steps that go below the next level and come back up with fresh noise; at eta 0 it is Euler."""
    return ancestral_euler(denoise, x, sigmas, noise, options.eta, options.noise)


def ancestral_euler(denoise: Denoiser, x: Tensor, sigmas: Tensor, noise: StepNoise, eta: float, scale: float) -> Tensor:
    """`euler_ancestral` with eta and the noise factor named; DDIM is the same method with an eta of its own."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x0 = denoise(x, Moment(i, i, len(levels) - 1, sigma, sigma_next))
        down, up = ancestral_step(sigma, sigma_next, eta)
        x = x + slope(x, x0, sigma) * (down - sigma)
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * (scale * up)
    return x
