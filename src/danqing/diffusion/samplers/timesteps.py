"""DDIM, DDIM CFG++ and PLMS: the samplers that are written for the network's own timesteps, on the common scale x = x0
+ sigma * noise.

On that scale alpha drops out of their formulas. Their own schedule ends at timestep 1, so that x keeps a little noise:
`start.finish` gives it the scale at which A1111 decodes it.
"""

from torch import Tensor

from danqing.base.errors import RecipeError
from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.samplers.contract import SamplerOptions, StepNoise, ancestral_step, slope
from danqing.diffusion.samplers.euler import ancestral_euler


def ddim(denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions) -> Tensor:
    """Song et al. 2020, arXiv:2010.02502, eq. 12. With alpha divided out it is Euler's method, ancestral where eta_ddim
    is above 0."""
    return ancestral_euler(denoise, x, sigmas, noise, options.eta_ddim, options.noise)
