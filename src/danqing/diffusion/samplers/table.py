"""SAMPLERS, and how a sampler's name and a schedule's name become noise levels."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from torch import Tensor

from danqing.base.table import Table
from danqing.diffusion.prediction import NoiseTable
from danqing.diffusion.samplers import dpmpp, euler, timesteps
from danqing.diffusion.samplers.contract import SamplerFunction
from danqing.diffusion.schedules import (
    SCHEDULES,
    Schedule,
    ScheduleOptions,
    ddim_own,
    without_penultimate,
)

AUTOMATIC = "Automatic"


@dataclass(frozen=True)
class Sampler:
    """An entry of SAMPLERS: the function, and what the engine must know to use it as A1111 does."""

    name: str
    function: SamplerFunction
    schedule: str = AUTOMATIC
    """What Automatic means for it; Automatic itself is uniform in timesteps."""
    own_schedule: Schedule | None = None
    """Levels that are no schedule of A1111's list; taken for Automatic. Another schedule may still be asked for."""
    discard_penultimate: bool = False
    """One step more is planned, and the last level but one left out."""
    calls_per_step: int = 1
    """2 doubles the step count that prompts over time are planned for (the very last step often makes one call
    less)."""
    noise: Literal["none", "fresh", "brownian"] = "none"
    """What `noise` it wants while sampling, at default options."""
    eta: Literal["", "eta", "eta_ddim"] = ""
    """The field of SamplerOptions that says how much of it."""
    uses_ensd: bool = False
    """A1111 writes ENSD into the infotext for it."""
    start: Literal["sigma", "sqrt"] = "sigma"
    """Its first x is noise * sigma, or noise * sqrt(1 + sigma^2) (see `start.start_from_noise`)."""
    mask: Literal["after", "before"] = "after"
    """Where A1111 lays the kept part of an inpainted picture over: see `masking`."""
    cfg_factor: float = 1.0
    """The recipe's cfg_scale is multiplied by it."""
    needs_uncond: bool = False
    """`SamplerOptions.uncond` must be given."""
    time_grid: int | None = None
    """`every` for `Prediction.t_of`: timesteps the network was distilled on."""
    one_at_a_time: bool = False
    """Its step sizes depend on x: painted in batches of one, so that a picture doesn't depend on its neighbours."""

    @property
    def stochastic(self) -> bool:
        """Whether it draws noise while sampling, at default options."""
        return self.noise != "none"


_ENTRIES = (
    Sampler("DPM++ 2M", dpmpp.dpmpp_2m, "Karras"),
    Sampler("Euler a", euler.euler_ancestral, noise="fresh", eta="eta", uses_ensd=True),
    Sampler("Euler", euler.euler),
    Sampler(
        "DDIM",
        timesteps.ddim,
        own_schedule=Schedule("DDIM timesteps", ddim_own),
        eta="eta_ddim",
        start="sqrt",
        mask="before",
    ),
)

_ALIASES = {
    "k_dpmpp_2m": "DPM++ 2M",
    "k_euler_a": "Euler a",
    "k_euler_ancestral": "Euler a",
    "k_euler": "Euler",
}

SAMPLERS: Table[Sampler] = Table(
    "sampler", MappingProxyType({entry.name: entry for entry in _ENTRIES}), MappingProxyType(_ALIASES)
)
"""By A1111's labels; its short names (k_euler_a) and ComfyUI's (euler_ancestral) lead to them."""


def resolve_sampler(name: str, schedule: str = AUTOMATIC) -> tuple[str, str]:
    """(sampler, schedule) by their proper names. A schedule at the end of the sampler's name wins: "DPM++ 2M Karras",
    "k_dpmpp_2m_ka"."""
    if name not in SAMPLERS:
        for ending in (*SCHEDULES, *SCHEDULES.aliases, "_ka"):
            rest = name.strip()[: -len(ending)]
            if name.strip().casefold().endswith(ending.casefold()) and rest.rstrip() in SAMPLERS:
                return SAMPLERS.name_of(rest), "Karras" if ending == "_ka" else SCHEDULES.name_of(ending)
    return SAMPLERS.name_of(name), SCHEDULES.name_of(schedule)


def schedule_of(sampler: Sampler, schedule: str = AUTOMATIC) -> Schedule:
    """The schedule that a recipe's word means for this sampler."""
    name = SCHEDULES.name_of(schedule)
    if name != AUTOMATIC:
        return SCHEDULES.find(name)
    return sampler.own_schedule or SCHEDULES.find(sampler.schedule)


def sigmas_for(
    sampler: Sampler,
    steps: int,
    table: NoiseTable,
    schedule: str = AUTOMATIC,
    options: ScheduleOptions = ScheduleOptions(),
    *,
    discard_penultimate: bool = False,
) -> Tensor:
    """The levels for a sampler's function, (n,) float64, high to low. `discard_penultimate` does to any sampler what
    some do by themselves."""
    chosen = schedule_of(sampler, schedule)
    if chosen is sampler.own_schedule or not (sampler.discard_penultimate or discard_penultimate):
        return chosen(steps, table, options)
    return without_penultimate(chosen(steps + 1, table, options))
