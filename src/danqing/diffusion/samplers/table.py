"""SAMPLERS: the facts of `names` together with the functions, and the levels that a sampler walks."""

from dataclasses import dataclass, fields
from types import MappingProxyType

from torch import Tensor

from danqing.base.table import Table
from danqing.diffusion.names import AUTOMATIC, SAMPLER_FACTS, SCHEDULE_NAMES, SamplerFacts
from danqing.diffusion.prediction import NoiseTable
from danqing.diffusion.samplers import dpm_solver, dpmpp, dpmpp_sde, euler, heun, lcm, lms, restart, timesteps, unipc
from danqing.diffusion.samplers.contract import SamplerFunction
from danqing.diffusion.schedules import (
    SCHEDULES,
    Schedule,
    ScheduleOptions,
    ddim_own,
    dpm_own,
    lcm_own,
    unipc_own,
    without_penultimate,
)


@dataclass(frozen=True, kw_only=True)
class Sampler(SamplerFacts):
    """An entry of SAMPLERS."""

    name: str
    function: SamplerFunction
    own_schedule: Schedule | None = None
    """Levels that are no schedule of A1111's list: what Automatic means, and with `fixed_schedule` any schedule."""


def _sampler(name: str, function: SamplerFunction, own_schedule: Schedule | None = None) -> Sampler:
    facts = SAMPLER_FACTS.find(name)
    known = {entry.name: getattr(facts, entry.name) for entry in fields(SamplerFacts)}
    return Sampler(name=name, function=function, own_schedule=own_schedule, **known)


_DPM_ENDS = Schedule("DPM ends", dpm_own)
_DDIM_TIMESTEPS = Schedule("DDIM timesteps", ddim_own)

_ENTRIES = (
    _sampler("DPM++ 2M", dpmpp.dpmpp_2m),
    _sampler("DPM++ SDE", dpmpp_sde.dpmpp_sde),
    _sampler("DPM++ 2M SDE", dpmpp_sde.dpmpp_2m_sde),
    _sampler("DPM++ 2M SDE Heun", dpmpp_sde.dpmpp_2m_sde_heun),
    _sampler("DPM++ 2S a", dpmpp.dpmpp_2s_ancestral),
    _sampler("DPM++ 3M SDE", dpmpp_sde.dpmpp_3m_sde),
    _sampler("Euler a", euler.euler_ancestral),
    _sampler("Euler", euler.euler),
    _sampler("LMS", lms.lms),
    _sampler("Heun", heun.heun),
    _sampler("DPM2", heun.dpm_2),
    _sampler("DPM2 a", heun.dpm_2_ancestral),
    _sampler("DPM fast", dpm_solver.dpm_fast, _DPM_ENDS),
    _sampler("DPM adaptive", dpm_solver.dpm_adaptive, _DPM_ENDS),
    _sampler("Restart", restart.restart),
    _sampler("DDIM", timesteps.ddim, _DDIM_TIMESTEPS),
    _sampler("DDIM CFG++", timesteps.ddim_cfgpp, _DDIM_TIMESTEPS),
    _sampler("PLMS", timesteps.plms, _DDIM_TIMESTEPS),
    _sampler("UniPC", unipc.unipc, Schedule("UniPC timesteps", unipc_own)),
    _sampler("LCM", lcm.lcm, Schedule("LCM timesteps", lcm_own)),
)

SAMPLERS: Table[Sampler] = Table(
    "sampler", MappingProxyType({entry.name: entry for entry in _ENTRIES}), SAMPLER_FACTS.aliases
)


def schedule_of(sampler: Sampler, schedule: str = AUTOMATIC) -> Schedule:
    """The schedule that a recipe's word means for this sampler."""
    name = SCHEDULE_NAMES.name_of(schedule)
    if sampler.own_schedule is not None and (sampler.fixed_schedule or name == AUTOMATIC):
        return sampler.own_schedule
    return SCHEDULES.find(sampler.schedule if name == AUTOMATIC else name)


def sigmas_for(
    sampler: Sampler,
    steps: int,
    table: NoiseTable,
    schedule: str = AUTOMATIC,
    options: ScheduleOptions | None = None,
    *,
    discard_penultimate: bool = False,
) -> Tensor:
    """The levels for a sampler's function, (n,) float64, high to low.

    `discard_penultimate` does to any sampler what some do by themselves.
    """
    chosen = schedule_of(sampler, schedule)
    options = ScheduleOptions() if options is None else options
    if chosen is sampler.own_schedule or not (sampler.discard_penultimate or discard_penultimate):
        return chosen(steps, table, options)
    return without_penultimate(chosen(steps + 1, table, options))
