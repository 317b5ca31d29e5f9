"""The samplers: one pure function each, on one contract, in one table."""

from danqing.diffusion.names import resolve_sampler
from danqing.diffusion.samplers.contract import SamplerFunction, SamplerOptions, StepNoise
from danqing.diffusion.samplers.table import SAMPLERS, Sampler, schedule_of, sigmas_for

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
