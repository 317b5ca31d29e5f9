"""The samplers by their names. Which schedule a sampler walks, how it starts, what noise it wants: an entry of SAMPLERS
says so."""

from danqing.diffusion.samplers.contract import SamplerFunction, SamplerOptions, StepNoise
from danqing.diffusion.samplers.table import SAMPLERS, Sampler, resolve_sampler, schedule_of, sigmas_for

__all__ = [
    "SAMPLERS",
    "Sampler",
    "SamplerFunction",
    "SamplerOptions",
    "StepNoise",
    "resolve_sampler",
    "schedule_of",
    "sigmas_for",
]
