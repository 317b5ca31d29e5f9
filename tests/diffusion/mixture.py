"""An analytic picture: every element is -0.8 or 0.8 with a spread of 0.3. Its best denoiser and its ODE are known
exactly."""

import torch
from torch import Tensor

from danqing.diffusion.moment import Moment

MEAN, VARIANCE = 0.8, 0.09


def denoised(x: Tensor, sigma: float) -> Tensor:
    """The expected x0 of x at a noise level: what a perfect network says."""
    spread = VARIANCE + sigma**2
    return (x * VARIANCE + MEAN * torch.tanh(MEAN * x / spread) * sigma**2) / spread


def denoise(x: Tensor, moment: Moment) -> Tensor:
    """`denoised` as a Denoiser."""
    return denoised(x, moment.sigma)


def flowed(x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """Where the probability flow takes x, exactly: in one dimension it keeps the order, hence the quantile, of each
    x."""
    goal = _distribution(x, sigma)
    low, high = torch.full_like(x, -200.0), torch.full_like(x, 200.0)
    for _ in range(100):
        middle = (low + high) / 2
        below = _distribution(middle, sigma_next) < goal
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return (low + high) / 2


def starting_x(sigma: float, count: int = 12) -> Tensor:
    """(1, count, 1, 1) float64, spread over what noise of this level gives but its far tails."""
    return sigma * torch.linspace(-2.2, 2.3, count, dtype=torch.float64).view(1, -1, 1, 1)


def _distribution(x: Tensor, sigma: float) -> Tensor:
    spread = (VARIANCE + sigma**2) ** 0.5
    return (torch.special.ndtr((x - MEAN) / spread) + torch.special.ndtr((x + MEAN) / spread)) / 2
