"""Schedules: which noise levels a sampler visits, high to low. Names and numbers are A1111's.

`steps` counts model calls of a first-order sampler; all but KL Optimal end in 0. Nothing here knows which sampler will
walk the levels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from danqing.base.errors import RecipeError
from danqing.base.table import Table
from danqing.diffusion.beta_distribution import beta_quantile
from danqing.diffusion.names import SCHEDULE_NAMES
from danqing.diffusion.prediction import NoiseTable


@dataclass(frozen=True)
class ScheduleOptions:
    """What a recipe may change about a schedule; None is the schedule's or the model's own value."""

    sigma_min: float | None = None
    sigma_max: float | None = None
    rho: float | None = None
    beta_alpha: float = 0.6
    beta_beta: float = 0.6
    align_for: Literal["sd1", "sdxl"] = "sd1"
    """Whose levels Align Your Steps uses."""


ScheduleFunction = Callable[[int, NoiseTable, ScheduleOptions], Tensor]


@dataclass(frozen=True)
class Schedule:
    """An entry of SCHEDULES. `function(steps, table, options)` gives (n,) float64 on the CPU. `rho` is its default
    where it has one."""

    name: str
    function: ScheduleFunction
    rho: float | None = None

    def __call__(self, steps: int, table: NoiseTable, options: ScheduleOptions | None = None) -> Tensor:
        """The levels for `steps` >= 1."""
        if steps < 1:
            raise RecipeError(f"a picture needs at least 1 step, got {steps}")
        options = ScheduleOptions() if options is None else options
        low, high = _ends(table, options)
        if not 0 < low < high < math.inf:
            raise RecipeError(
                f"a schedule runs from a higher to a lower sigma above 0, got sigma_max {high:g}, sigma_min {low:g}"
            )
        return self.function(steps, table, options)


def _ends(table: NoiseTable, options: ScheduleOptions) -> tuple[float, float]:
    low = table.sigma_min if options.sigma_min is None else options.sigma_min
    high = table.sigma_max if options.sigma_max is None else options.sigma_max
    return low, high


def _down_to_zero(sigmas: Tensor) -> Tensor:
    return torch.cat([sigmas, sigmas.new_zeros(1)])


def karras_levels(steps: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """Noise levels from sigma_max to sigma_min, (steps,) float64. Karras et al. 2022, arXiv:2206.00364, eq. 5."""
    ramp = torch.linspace(0, 1, steps, dtype=torch.float64)
    first, last = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return (first + ramp * (last - first)) ** rho


def karras(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Dense at low noise: `karras_levels`, then 0."""
    return _down_to_zero(karras_levels(steps, *_ends(table, options), 7.0 if options.rho is None else options.rho))


def polyexponential(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """A power (rho, default 1) in log sigma, then 0; at rho 1 every step shrinks sigma by the same factor."""
    low, high = _ends(table, options)
    ramp = torch.linspace(1, 0, steps, dtype=torch.float64) ** (1.0 if options.rho is None else options.rho)
    return _down_to_zero((ramp * (math.log(high) - math.log(low)) + math.log(low)).exp())


def exponential(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Even in log sigma, then 0."""
    low, high = _ends(table, options)
    return _down_to_zero(torch.linspace(math.log(high), math.log(low), steps, dtype=torch.float64).exp())


def uniform(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Even in timesteps over the whole table, then 0: what Automatic means for a sampler without a default of its
    own."""
    return _down_to_zero(table.sigma_of(torch.linspace(len(table) - 1, 0, steps, dtype=torch.float64)))


def normal(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """As Uniform, but it keeps to sigma_min and sigma_max of the options."""
    last, first = (float(table.t_of(sigma)) for sigma in _ends(table, options))
    return _down_to_zero(table.sigma_of(torch.linspace(first, last, steps, dtype=torch.float64)))


def sgm_uniform(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Even in timesteps, with 0 in the place of the last one: what few-step distilled models want."""
    last, first = (float(table.t_of(sigma)) for sigma in _ends(table, options))
    return _down_to_zero(table.sigma_of(torch.linspace(first, last, steps + 1, dtype=torch.float64)[:-1]))


def simple(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Every (T / steps)-th level of the table counted from the top, then 0."""
    stride = len(table) / steps
    return _down_to_zero(table.sigmas[[max(len(table) - 1 - int(i * stride), 0) for i in range(steps)]])


def ddim(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Timesteps 1, 1 + T // steps, ... in falling order, then 0. More than `steps` levels where steps does not divide
    T, as in A1111."""
    return _down_to_zero(table.sigmas[list(range(1, len(table), max(len(table) // steps, 1)))].flip(0))


def kl_optimal(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Even in arctan sigma; (steps + 1,) ending at sigma_min, not 0. Sabour et al. 2024, arXiv:2404.14507, section
    3.1."""
    low, high = _ends(table, options)
    share = torch.arange(steps + 1, dtype=torch.float64) / steps
    return (share * math.atan(low) + (1 - share) * math.atan(high)).tan()


# Sabour et al. 2024, arXiv:2404.14507: ten-step levels found by optimisation, published for SD 1.5 and SDXL.
_ALIGNED = {
    "sd1": (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029),
    "sdxl": (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029),
}


def align_your_steps(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """The published levels of `align_for`, between them by straight lines in log sigma, then 0."""
    logs = torch.tensor(_ALIGNED[options.align_for], dtype=torch.float64).log()
    # Counted from the low end, as A1111's interpolation is: for one step that is the lowest level, here the highest.
    place = torch.linspace(0, len(logs) - 1, steps, dtype=torch.float64)
    low = place.floor().long().clamp(max=len(logs) - 2)
    return _down_to_zero(logs[low].lerp(logs[low + 1], place - low).exp())


def beta(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Quantiles of a beta distribution, dense at both ends, then 0. Lee et al. 2024, arXiv:2407.12173."""
    low, high = _ends(table, options)
    shares = 1 - torch.linspace(0, 1, steps, dtype=torch.float64)
    quantiles = [beta_quantile(p, options.beta_alpha, options.beta_beta) for p in shares.tolist()]
    return _down_to_zero(low + torch.tensor(quantiles, dtype=torch.float64) * (high - low))


def ddim_timesteps(steps: int, length: int = 1000) -> list[int]:
    """The timesteps of A1111's DDIM and PLMS, low to high: 1, 1 + 1000 // steps, ... Often one more than `steps`; the
    loop uses one less."""
    if steps == 1:
        # A1111 comes to a single timestep here and paints nothing but the starting noise.
        return [min(1, length - 1), length - 1]
    return [min(t + 1, length - 1) for t in range(0, length, max(length // steps, 1))]


def ddim_own(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """The levels of `ddim_timesteps`, high to low: sampling ends at timestep 1, not at 0."""
    return table.sigmas[ddim_timesteps(steps, len(table))].flip(0)


def unipc_own(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Even in timesteps from the last to timestep 0, as many steps as DDIM has timesteps (A1111's UniPC with skip type
    time_uniform)."""
    count = len(ddim_timesteps(steps, len(table)))
    return table.sigma_of(torch.linspace(len(table) - 1, 0, count + 1, dtype=torch.float64))


def dpm_own(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """As Uniform, for DPM fast and DPM adaptive, which need its ends above 0: a single step has both of them too."""
    return uniform(steps, table, options) if steps > 1 else table.sigmas[[-1, 0]]


def lcm_own(steps: int, table: NoiseTable, options: ScheduleOptions) -> Tensor:
    """Even over the fifty timesteps 19, 39, ... 999 that LCM distils, then 0. Luo et al. 2023, arXiv:2310.04378."""
    every = max(len(table) // 50, 1)
    trained = NoiseTable(table.sigmas[every - 1 :: every])
    return _down_to_zero(trained.sigma_of(torch.linspace(len(trained) - 1, 0, steps, dtype=torch.float64)))


SCHEDULES: Table[Schedule] = Table(
    "schedule type",
    MappingProxyType(
        {
            entry.name: entry
            for entry in (
                Schedule("Automatic", uniform),
                Schedule("Uniform", uniform),
                Schedule("Karras", karras, rho=7.0),
                Schedule("Exponential", exponential),
                Schedule("Polyexponential", polyexponential, rho=1.0),
                Schedule("SGM Uniform", sgm_uniform),
                Schedule("KL Optimal", kl_optimal),
                Schedule("Align Your Steps", align_your_steps),
                Schedule("Simple", simple),
                Schedule("Normal", normal),
                Schedule("DDIM", ddim),
                Schedule("Beta", beta),
            )
        }
    ),
    SCHEDULE_NAMES.aliases,
)


def without_penultimate(sigmas: Tensor) -> Tensor:
    """The levels less the last but one: some samplers are better off with a longer last step (made from steps + 1)."""
    return torch.cat([sigmas[:-2], sigmas[-1:]])
