"""What is known of samplers and schedules without torch: names, aliases, habits.

`samplers` and `schedules` hold the mathematics under the same names. Nothing here imports torch, so that orders can be
checked and planned without it.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from danqing.base.table import Table

AUTOMATIC = "Automatic"


@dataclass(frozen=True, kw_only=True)
class SamplerFacts:
    """What the engine must know about a sampler to use it as A1111 does."""

    schedule: str = AUTOMATIC
    """What Automatic means for it; Automatic itself is uniform in timesteps."""
    fixed_schedule: bool = False
    """It brings its own levels, or needs but the highest, the lowest and their count: a schedule has no effect."""
    discard_penultimate: bool = False
    """One step more is planned, and the last level but one left out."""
    doubled: bool = False
    """Prompts over time count two steps for each of its steps, for it makes two calls (the very last step often
    one)."""
    noise: Literal["none", "fresh", "brownian"] = "none"
    """What noise it draws while sampling, at default options."""
    eta: Literal["", "eta", "eta_ddim"] = ""
    """The field of SamplerOptions that says how much of it."""
    uses_ensd: bool = False
    """A1111 writes ENSD into the infotext for it."""
    start: Literal["sigma", "sqrt"] = "sigma"
    """Its first x is noise * sigma, or noise * sqrt(1 + sigma^2) as for the samplers that walk timesteps."""
    mask: Literal["after", "before"] = "after"
    """Where A1111 lays the kept part of an inpainted picture over the rest: see `masking`."""
    cfg_factor: float = 1.0
    """The recipe's cfg_scale is multiplied by it."""
    needs_uncond: bool = False
    """`SamplerOptions.uncond` must be given."""
    time_grid: int | None = None
    """`every` for `Prediction.t_of`: the timesteps its networks were distilled on."""
    one_at_a_time: bool = False
    """Its step sizes depend on x: painted in batches of one, so that a picture doesn't depend on its neighbours."""

    @property
    def stochastic(self) -> bool:
        """Whether it draws noise while sampling, at default options."""
        return self.noise != "none"

    @property
    def calls_per_step(self) -> int:
        """How often it calls the denoiser in a step."""
        return 2 if self.doubled else 1


_TIMESTEPS = SamplerFacts(start="sqrt", fixed_schedule=True, mask="before")

SAMPLER_FACTS: Table[SamplerFacts] = Table(
    "sampler",
    MappingProxyType(
        {
            "DPM++ 2M": SamplerFacts(schedule="Karras"),
            "DPM++ SDE": SamplerFacts(schedule="Karras", noise="brownian", eta="eta", doubled=True),
            "DPM++ 2M SDE": SamplerFacts(schedule="Exponential", noise="brownian", eta="eta"),
            "DPM++ 2M SDE Heun": SamplerFacts(schedule="Exponential", noise="brownian", eta="eta"),
            "DPM++ 2S a": SamplerFacts(schedule="Karras", noise="fresh", eta="eta", doubled=True, uses_ensd=True),
            "DPM++ 3M SDE": SamplerFacts(schedule="Exponential", noise="brownian", eta="eta", discard_penultimate=True),
            "Euler a": SamplerFacts(noise="fresh", eta="eta", uses_ensd=True),
            "Euler": SamplerFacts(),
            "LMS": SamplerFacts(),
            "Heun": SamplerFacts(doubled=True),
            "DPM2": SamplerFacts(schedule="Karras", discard_penultimate=True, doubled=True),
            "DPM2 a": SamplerFacts(
                schedule="Karras", noise="fresh", eta="eta", discard_penultimate=True, doubled=True, uses_ensd=True
            ),
            "DPM fast": SamplerFacts(noise="fresh", eta="eta", fixed_schedule=True, uses_ensd=True),
            "DPM adaptive": SamplerFacts(
                noise="fresh", eta="eta", fixed_schedule=True, uses_ensd=True, one_at_a_time=True
            ),
            "Restart": SamplerFacts(schedule="Karras", noise="fresh", doubled=True),
            "DDIM": SamplerFacts(start="sqrt", fixed_schedule=True, mask="before", eta="eta_ddim"),
            # Chung et al. 2024, arXiv:2406.08070, scale guidance from 0 to 1; A1111 maps the usual 0 to 12.5 onto it.
            "DDIM CFG++": SamplerFacts(
                start="sqrt", fixed_schedule=True, mask="before", eta="eta_ddim", cfg_factor=1 / 12.5, needs_uncond=True
            ),
            "PLMS": _TIMESTEPS,
            "UniPC": _TIMESTEPS,
            "LCM": SamplerFacts(noise="fresh", time_grid=20),
        }
    ),
    MappingProxyType(
        {
            "k_dpmpp_2m": "DPM++ 2M",
            "dpmpp_2m": "DPM++ 2M",
            "k_dpmpp_sde": "DPM++ SDE",
            "dpmpp_sde": "DPM++ SDE",
            "k_dpmpp_2m_sde": "DPM++ 2M SDE",
            "dpmpp_2m_sde": "DPM++ 2M SDE",
            "k_dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
            "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
            "k_dpmpp_2s_a": "DPM++ 2S a",
            "k_dpmpp_2s_ancestral": "DPM++ 2S a",
            "dpmpp_2s_ancestral": "DPM++ 2S a",
            "DPM++ 2S ancestral": "DPM++ 2S a",
            "k_dpmpp_3m_sde": "DPM++ 3M SDE",
            "dpmpp_3m_sde": "DPM++ 3M SDE",
            "k_euler_a": "Euler a",
            "k_euler_ancestral": "Euler a",
            "euler_ancestral": "Euler a",
            "Euler ancestral": "Euler a",
            "k_euler": "Euler",
            "k_lms": "LMS",
            "k_heun": "Heun",
            "k_dpm_2": "DPM2",
            "dpm_2": "DPM2",
            "k_dpm_2_a": "DPM2 a",
            "k_dpm_2_ancestral": "DPM2 a",
            "dpm_2_ancestral": "DPM2 a",
            "k_dpm_fast": "DPM fast",
            "dpm_fast": "DPM fast",
            "k_dpm_ad": "DPM adaptive",
            "k_dpm_adaptive": "DPM adaptive",
            "dpm_adaptive": "DPM adaptive",
            "ddim_cfgpp": "DDIM CFG++",
            "uni_pc": "UniPC",
            "k_lcm": "LCM",
        }
    ),
)
"""By A1111's labels; its short names (k_euler_a) and ComfyUI's (euler_ancestral) lead to them."""

SCHEDULE_NAMES: Table[str] = Table(
    "schedule type",
    MappingProxyType(
        {
            name: name
            for name in (
                AUTOMATIC,
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
            "SGMUniform": "SGM Uniform",
            "kl_optimal": "KL Optimal",
            "ddim_uniform": "DDIM",
        }
    ),
)
"""By A1111's labels; its short names and ComfyUI's lead to them."""


def resolve_sampler(sampler: str, schedule: str = AUTOMATIC) -> tuple[str, str]:
    """(sampler, schedule) by their proper names; "Automatic" only where the sampler has no schedule of A1111's list.

    Old joined names split and win over `schedule`: "DPM++ 2M Karras" and "k_dpmpp_2m_ka" are DPM++ 2M on Karras.
    Raises RecipeError with the nearest name.
    """
    word, named = sampler.strip(), SCHEDULE_NAMES.name_of(schedule)
    if word not in SAMPLER_FACTS:
        word, named = _split(word, named)
    name = SAMPLER_FACTS.name_of(word)
    return name, SAMPLER_FACTS.find(name).schedule if named == AUTOMATIC else named


def _split(word: str, schedule: str) -> tuple[str, str]:
    for ending in (*SCHEDULE_NAMES, *SCHEDULE_NAMES.aliases, "ka"):
        head, tail = word[: -len(ending)], word[-len(ending) :]
        if tail.casefold() == ending.casefold() and head[-1:] in (" ", "_") and head.rstrip(" _") in SAMPLER_FACTS:
            return head.rstrip(" _"), "Karras" if ending == "ka" else SCHEDULE_NAMES.name_of(ending)
    return word, schedule
