"""DDIM, DDIM CFG++ and PLMS: the samplers written for the network's own timesteps, on the scale x = x0 + sigma * noise.

On that scale alpha drops out of their formulas. Their own schedule ends at timestep 1, so that x keeps a little noise:
`start.finish` gives it the scale at which A1111 decodes it.
"""

from itertools import pairwise

from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, slope
from danqing.diffusion.samplers.euler import ancestral_euler


def ddim(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Song et al. 2020, arXiv:2010.02502, eq. 12: with alpha divided out Euler's method, ancestral by eta_ddim."""
    return ancestral_euler(denoise, x, sigmas, noise, options.eta_ddim, options.noise)


def ddim_cfgpp(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """DDIM that steps to the guided x0 along the noise of the unguided one. Chung et al. 2024, arXiv:2406.08070, alg.
    2.

    Needs `options.uncond`, which is asked right after `denoise` for the same x and moment.
    """
    assert options.uncond is not None, "DDIM CFG++ wants SamplerOptions.uncond"
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        moment = Moment(i, i, len(levels) - 1, sigma, sigma_next)
        x0 = denoise(x, moment)
        unguided = options.uncond(x, moment)
        down, up = ancestral_step(sigma, sigma_next, options.eta_ddim)
        x = x0 + slope(x, unguided, sigma) * down
        if sigma_next > 0:
            x = x + noise(sigma, sigma_next) * (options.noise * up)
    return x


# Adams-Bashforth for even steps, latest slope first: Liu et al. 2022, arXiv:2202.09778, eq. 12 and appendix.
_ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def plms(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Carries the slope on from up to four calls; the first step asks twice. Liu et al. 2022, arXiv:2202.09778."""
    levels = sigmas.tolist()
    slopes: list[Tensor] = []
    call = 0
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        slopes = [slope(x, denoise(x, Moment(call, i, len(levels) - 1, sigma, sigma_next)), sigma), *slopes[:3]]
        call += 1
        weights = _ADAMS_BASHFORTH[len(slopes) - 1]
        along = sum((past * weight for past, weight in zip(slopes, weights, strict=True)), start=x.new_zeros(()))
        if i == 0 and sigma_next > 0:
            ahead = x + along * (sigma_next - sigma)
            x0 = denoise(ahead, Moment(call, i, len(levels) - 1, sigma_next, sigma_next))
            call += 1
            along = (along + slope(ahead, x0, sigma_next)) / 2
        x = x + along * (sigma_next - sigma)
    return x
