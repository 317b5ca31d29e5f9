"""What a network predicts, and how noise levels map to its timesteps: the same object paints (`denoised`) and trains
(`loss`).

Everything stands on the scale x = x0 + sigma * noise; `scale_input` brings it to the scale that the network was trained
on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

import torch
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.base.table import Table

Level = TypeVar("Level", float, Tensor)

# What is left of the signal at the last timestep of a zero terminal SNR model: A1111's number; with 0, sigma would be
# infinite.
_LAST_ALPHA = 4.8973451890853435e-08


@dataclass(frozen=True, eq=False)
class NoiseTable:
    """The noise levels a network was trained on. sigmas (T,) float64, low to high; timestep t has sigmas[t]."""

    sigmas: Tensor

    @cached_property
    def log_sigmas(self) -> Tensor:
        """(T,) float64."""
        return self.sigmas.log()

    @property
    def sigma_min(self) -> float:
        """The level of timestep 0."""
        return float(self.sigmas[0])

    @property
    def sigma_max(self) -> float:
        """The level of the last timestep."""
        return float(self.sigmas[-1])

    def __len__(self) -> int:
        return self.sigmas.shape[0]

    def sigma_of(self, t: float | Tensor) -> Tensor:
        """The noise level at a timestep, between two of them by a straight line in log sigma. Same shape as t,
        float64."""
        t = torch.as_tensor(t, dtype=torch.float64).clamp(0, len(self) - 1)
        low = t.floor().long().clamp(max=max(len(self) - 2, 0))
        high = (low + 1).clamp(max=len(self) - 1)
        return self.log_sigmas[low].lerp(self.log_sigmas[high], t - low).exp()

    def t_of(self, sigma: float | Tensor, every: int | None = None) -> Tensor:
        """The timestep of a noise level, the inverse of `sigma_of`. Same shape as sigma, float64, within 0 .. T - 1.

        With `every`, the nearest of the timesteps every - 1, 2 * every - 1, ...: 1 for whole timesteps, 20 for networks
        distilled for LCM.
        """
        log_sigma = torch.as_tensor(sigma, dtype=torch.float64).cpu().log()
        if every is not None:
            grid = torch.arange(every - 1, len(self), every)
            nearest = (log_sigma.unsqueeze(-1) - self.log_sigmas[grid]).abs().argmin(-1)
            return grid[nearest].double()
        high = torch.searchsorted(self.log_sigmas, log_sigma.contiguous()).clamp(1, len(self) - 1)
        low = high - 1
        share = (log_sigma - self.log_sigmas[low]) / (self.log_sigmas[high] - self.log_sigmas[low])
        return low + share.clamp(0, 1)


def noise_table(alphas_cumprod: Tensor) -> NoiseTable:
    """The noise levels of a variance-preserving network. alphas_cumprod (T,), falling from about 1; a last 0 is made
    finite as A1111 does it."""
    kept = alphas_cumprod.detach().cpu().double().clone()
    if kept[-1] == 0:
        kept[-1] = _LAST_ALPHA
    if not bool(((kept > 0) & (kept < 1)).all()) or not bool((kept.diff() < 0).all()):
        raise ModelError("the noise schedule of this model (alphas_cumprod) must fall from below 1 and stay above 0")
    return NoiseTable(((1 - kept) / kept).sqrt())


def scaled_linear(steps: int = 1000, first: float = 0.00085, last: float = 0.012) -> Tensor:
    """alphas_cumprod (steps,) float64 of Stable Diffusion: betas that are linear in their square roots. Rombach et al.
    2022, arXiv:2112.10752."""
    betas = torch.linspace(first**0.5, last**0.5, steps, dtype=torch.float64) ** 2
    return (1 - betas).cumprod(0)


def zero_terminal_snr(alphas_cumprod: Tensor) -> Tensor:
    """alphas_cumprod (T,) stretched so that the last timestep holds no signal. Lin et al. 2023, arXiv:2305.08891,
    algorithm 1.

    The last value stays at 4.9e-8 (sigma 4518) instead of 0.
    """
    root = alphas_cumprod.detach().cpu().double().sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    stretched = root**2
    stretched[-1] = _LAST_ALPHA
    return stretched


def flow_table(steps: int = 1000, shift: float = 1.0) -> NoiseTable:
    """The noise levels of a rectified flow x_t = (1 - t) x0 + t noise, on our scale: sigma = t / (1 - t). Esser et al.
    2024, arXiv:2403.03206.

    t runs over (i + 1) / steps, shifted towards noise by `shift`; its end, t = 1, is drawn in by half a step, for sigma
    is infinite there.
    """
    t = torch.arange(1, steps + 1, dtype=torch.float64) / steps
    t[-1] = 1 - 0.5 / steps
    t = shift * t / (1 + (shift - 1) * t)
    return NoiseTable(t / (1 - t))


@dataclass(frozen=True)
class Form:
    """One way to predict. `scalings(sigma)` gives (c_in, c_skip, c_out): the network sees c_in * x, and x0 = c_skip * x
    + c_out * output.

    `target(x0, noise, sigma)` is what the network should have said. `clock(sigma)` is its timestep where that is no
    place in the table.
    """

    name: str
    scalings: Callable[[Any], tuple[Any, Any, Any]]
    target: Callable[[Tensor, Tensor, float | Tensor], Tensor]
    clock: Callable[[Tensor], Tensor] | None = None


def _epsilon(sigma: Level) -> tuple[Level | float, Level | float, Level | float]:
    return (1 + sigma * sigma) ** -0.5, 1.0, -sigma


def _velocity(sigma: Level) -> tuple[Level | float, Level | float, Level | float]:
    c_in = (1 + sigma * sigma) ** -0.5
    return c_in, c_in * c_in, -sigma * c_in


def _sample(sigma: Level) -> tuple[Level | float, Level | float, Level | float]:
    return (1 + sigma * sigma) ** -0.5, 0.0, 1.0


def _flow(sigma: Level) -> tuple[Level | float, Level | float, Level | float]:
    c_in = 1 / (1 + sigma)
    return c_in, c_in, -sigma * c_in


PREDICTIONS: Table[Form] = Table(
    "prediction type",
    MappingProxyType(
        {
            "epsilon": Form("epsilon", _epsilon, lambda x0, noise, sigma: noise),
            # Salimans and Ho 2022, arXiv:2202.00512: v = alpha * noise - sigma_vp * x0.
            "velocity": Form(
                "velocity", _velocity, lambda x0, noise, sigma: (noise - sigma * x0) * (1 + sigma**2) ** -0.5
            ),
            "sample": Form("sample", _sample, lambda x0, noise, sigma: x0),
            "flow": Form("flow", _flow, lambda x0, noise, sigma: noise - x0, lambda sigma: 1000 * sigma / (1 + sigma)),
        }
    ),
    MappingProxyType(
        {"eps": "epsilon", "v": "velocity", "v_prediction": "velocity", "x0": "sample", "flow_prediction": "flow"}
    ),
    ModelError,
)


@dataclass(frozen=True, eq=False)
class Prediction:
    """A network's form of prediction together with its noise levels. Sigmas are floats, or one a picture: (B,)."""

    form: Form
    table: NoiseTable

    def sigma_of(self, t: float | Tensor) -> Tensor:
        """The noise level of a timestep. float64."""
        return self.table.sigma_of(t)

    def t_of(self, sigma: float | Tensor, every: int | None = None) -> Tensor:
        """The timestep to tell the network at a noise level; `every` as in `NoiseTable.t_of`. float64."""
        if self.form.clock is not None:
            return self.form.clock(torch.as_tensor(sigma, dtype=torch.float64))
        return self.table.t_of(sigma, every)

    def scale_input(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """x on the scale that the network takes."""
        return (x * self.form.scalings(_beside(sigma, x))[0]).to(x.dtype)

    def denoised(self, x: Tensor, sigma: float | Tensor, output: Tensor) -> Tensor:
        """x0 from the network's output for `scale_input(x, sigma)`."""
        _, c_skip, c_out = self.form.scalings(_beside(sigma, x))
        return (x * c_skip + output * c_out).to(x.dtype)

    def noised(self, x0: Tensor, noise: Tensor, sigma: float | Tensor) -> Tensor:
        """x at a noise level."""
        return x0 + noise * _beside(sigma, x0)

    def target(self, x0: Tensor, noise: Tensor, sigma: float | Tensor) -> Tensor:
        """The output that would be exactly right at `noised(x0, noise, sigma)`."""
        return self.form.target(x0, noise, _beside(sigma, x0))

    def loss(self, output: Tensor, x0: Tensor, noise: Tensor, sigma: float | Tensor) -> Tensor:
        """Mean squared error of the network's output, one a picture: (B,), float32 or better, not weighted."""
        error = output - self.target(x0, noise, sigma)
        return (error.float() if error.dtype in (torch.float16, torch.bfloat16) else error).square().flatten(1).mean(1)


def prediction_of(name: str, alphas_cumprod: Tensor) -> Prediction:
    """The prediction of a checkpoint: `name` as in PREDICTIONS, alphas_cumprod (T,). A flow takes `flow_table`
    instead."""
    return Prediction(PREDICTIONS.find(name), noise_table(alphas_cumprod))


def _beside(sigma: float | Tensor, x: Tensor) -> float | Tensor:
    """sigma ready to multiply x: a float stays one (exact in every dtype of x), (B,) becomes (B, 1, 1, 1) in float32 or
    better."""
    if not isinstance(sigma, Tensor):
        return float(sigma)
    if sigma.ndim == 0:
        return float(sigma)
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    return sigma.to(dtype).to(x.device).view(-1, *[1] * (x.ndim - 1))
