"""What is known of samplers and schedules without torch: names, aliases, habits. `samplers` and `schedules` hold the
mathematics under the same names.

(Written by the lead so that painting.check/plan/expand stay free of torch; samplers/__init__.py builds SAMPLERS from these facts plus the functions.)
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from danqing.base.table import Table


@dataclass(frozen=True)
class SamplerFacts:
    """`schedule` is what "Automatic" means; `doubled` for samplers whose prompt editing counts two steps a step (second
    order);

    `start` is how the first noise is scaled: by sigma_0, or by sqrt(1 + sigma_0^2) as the samplers that walk timesteps do.
    """

    schedule: str = "Automatic"
    discard_penultimate: bool = False
    stochastic: bool = False
    doubled: bool = False
    start: Literal["sigma", "sqrt"] = "sigma"
    fixed_schedule: bool = False
    """True where the sampler brings its own steps and a schedule has no effect."""


SAMPLER_FACTS: Table[SamplerFacts] = Table(
    "sampler",
    MappingProxyType(
        {
            "DPM++ 2M": SamplerFacts("Karras"),
            "DPM++ SDE": SamplerFacts("Karras", stochastic=True, doubled=True),
            "DPM++ 2M SDE": SamplerFacts("Exponential", stochastic=True),
            "DPM++ 2M SDE Heun": SamplerFacts("Exponential", stochastic=True),
            "DPM++ 2S a": SamplerFacts("Karras", stochastic=True, doubled=True),
            "DPM++ 3M SDE": SamplerFacts("Exponential", discard_penultimate=True, stochastic=True),
            "Euler a": SamplerFacts(stochastic=True),
            "Euler": SamplerFacts(),
            "LMS": SamplerFacts(),
            "Heun": SamplerFacts(doubled=True),
            "DPM2": SamplerFacts("Karras", discard_penultimate=True, doubled=True),
            "DPM2 a": SamplerFacts("Karras", discard_penultimate=True, stochastic=True, doubled=True),
            "DPM fast": SamplerFacts(stochastic=True, fixed_schedule=True),
            "DPM adaptive": SamplerFacts(stochastic=True, fixed_schedule=True),
            "Restart": SamplerFacts("Karras", stochastic=True, doubled=True),
            "DDIM": SamplerFacts(start="sqrt", fixed_schedule=True),
            "DDIM CFG++": SamplerFacts(start="sqrt", fixed_schedule=True),
            "PLMS": SamplerFacts(start="sqrt", fixed_schedule=True),
            "UniPC": SamplerFacts(start="sqrt", fixed_schedule=True),
            "LCM": SamplerFacts(stochastic=True),
        }
    ),
    MappingProxyType(
        {
            "k_dpmpp_2m": "DPM++ 2M",
            "k_dpmpp_sde": "DPM++ SDE",
            "k_dpmpp_2m_sde": "DPM++ 2M SDE",
            "k_dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
            "k_dpmpp_2s_a": "DPM++ 2S a",
            "k_dpmpp_3m_sde": "DPM++ 3M SDE",
            "k_euler_a": "Euler a",
            "k_euler_ancestral": "Euler a",
            "Euler ancestral": "Euler a",
            "k_euler": "Euler",
            "k_lms": "LMS",
            "k_heun": "Heun",
            "k_dpm_2": "DPM2",
            "k_dpm_2_a": "DPM2 a",
            "k_dpm_fast": "DPM fast",
            "k_dpm_ad": "DPM adaptive",
            "k_lcm": "LCM",
            "ddim_cfgpp": "DDIM CFG++",
        }
    ),
)

SCHEDULE_NAMES: Table[str] = Table(
    "schedule type",
    MappingProxyType(
        {
            name: name
            for name in (
                "Automatic",
                "Uniform",
                "Karras",
                "Exponential",
                "Polyexponential",
                "SGM Uniform",
                "KL Optimal",
                "Align Your Steps",
                "Simple",
                "Normal",
                "DDIM",
                "Beta",
            )
        }
    ),
    MappingProxyType(
        {
            "ays": "Align Your Steps",
            "align_your_steps": "Align Your Steps",
            "sgm_uniform": "SGM Uniform",
            "kl_optimal": "KL Optimal",
            "ddim_uniform": "DDIM",
        }
    ),
)


def resolve_sampler(sampler: str, schedule: str = "Automatic") -> tuple[str, str]:
    """(sampler, schedule) by their proper names; "Automatic" only for samplers that have no schedule of A1111's list as
    their own.

    Old joined names split: "DPM++ 2M Karras" is DPM++ 2M on Karras. Raises RecipeError with the nearest name.
    """
    word, named_schedule = sampler.strip(), SCHEDULE_NAMES.name_of(schedule)
    if word not in SAMPLER_FACTS:
        for ending in ("Karras", "Exponential", "Polyexponential"):
            head = word[: -len(ending)].rstrip(" _")
            if word.casefold().endswith(ending.casefold()) and head in SAMPLER_FACTS:
                word = head
                named_schedule = ending if named_schedule == "Automatic" else named_schedule
    name = SAMPLER_FACTS.name_of(word)
    if named_schedule == "Automatic":
        named_schedule = SAMPLER_FACTS.find(name).schedule
    return name, named_schedule
