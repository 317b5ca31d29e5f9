"""What every sampler keeps to, and the few lines they share. A sampler is a pure function; it knows nothing of progress
or interruption.

A caller that wants to look in or to stop wraps the denoiser; a wrapper may raise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from torch import Tensor

from danqing.diffusion.moment import Denoiser

StepNoise: TypeAlias = Callable[[float, float], Tensor]
"""(sigma, sigma_next) -> noise of unit variance, shaped like x: a fresh draw, or a Brownian path's increment between
the two levels."""


@dataclass(frozen=True)
class SamplerOptions:
    """What a recipe may change about a sampler; each one reads only what concerns it. Names in brackets are A1111's."""

    eta: float = 1.0
    """Share of an ancestral or SDE step that is fresh noise (Eta)."""
    eta_ddim: float = 0.0
    """The same for DDIM and DDIM CFG++ (Eta DDIM)."""
    churn: float = 0.0
    """Noise added before each step of Euler, Heun and DPM2, spread over the run (Sigma churn)."""
    churn_min: float = 0.0
    """Churn only from this sigma on (Sigma tmin)."""
    churn_max: float = math.inf
    """Churn only up to this sigma (Sigma tmax)."""
    noise: float = 1.0
    """Factor on all noise that a sampler adds (Sigma noise)."""
    lms_order: int = 4
    unipc_order: int = 3
    unipc_variant: Literal["bh1", "bh2"] = "bh1"
    unipc_lower_order_final: bool = True
    adaptive_rtol: float = 0.05
    """Relative error that DPM adaptive allows itself a step."""
    adaptive_atol: float = 0.0078
    uncond: Denoiser | None = None
    """x0 without the prompt, for the x and moment of the call just made. DDIM CFG++ alone asks for it
    (`guidance.guided` makes the pair)."""


class SamplerFunction(Protocol):
    """x (B, C, h, w) at sigmas[0], in any floating dtype -> x at sigmas[-1]. sigmas (n,), falling; a last 0 means: to
    the clean picture."""

    def __call__(
        self, denoise: Denoiser, x: Tensor, sigmas: Tensor, *, noise: StepNoise, options: SamplerOptions
    ) -> Tensor: ...


def ancestral_step(sigma: float, sigma_next: float, eta: float) -> tuple[float, float]:
    """(sigma to step down to, sigma of the noise to add), which together give sigma_next. Song et al. 2020,
    arXiv:2010.02502, eq. 16."""
    if eta == 0:
        return sigma_next, 0.0
    up = min(sigma_next, eta * sigma_next / sigma * math.sqrt(max(sigma**2 - sigma_next**2, 0.0)))
    return math.sqrt(max(sigma_next**2 - up**2, 0.0)), up


def slope(x: Tensor, x0: Tensor, sigma: float) -> Tensor:
    """dx / dsigma of the probability flow: the predicted noise. Karras et al. 2022, arXiv:2206.00364, eq. 1."""
    return (x - x0) / sigma


def churned(x: Tensor, sigma: float, rounds: int, noise: StepNoise, options: SamplerOptions) -> tuple[Tensor, float]:
    """x with the churn of one step, and the higher sigma it then stands at. Karras et al. 2022, algorithm 2, lines 4 to
    6."""
    if options.churn <= 0:
        return x, sigma
    # Drawn also where churn_min and churn_max keep it out: A1111 does, and later draws depend on it.
    drawn = noise(sigma, sigma)
    if not options.churn_min <= sigma <= options.churn_max:
        return x, sigma
    raised = sigma * (1 + min(options.churn / rounds, math.sqrt(2) - 1))
    return x + drawn * (options.noise * math.sqrt(raised**2 - sigma**2)), raised


def towards(x: Tensor, x0: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """x at sigma_next if x0 stays as it is: the exact solution then, and what every first-order step here comes to."""
    return x0 + (x - x0) * (sigma_next / sigma)
