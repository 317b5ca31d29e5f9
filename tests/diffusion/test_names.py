"""The names of samplers and schedules, without torch."""

import subprocess
import sys
from pathlib import Path

import pytest

from danqing.base.errors import RecipeError
from danqing.diffusion.names import SAMPLER_FACTS, SCHEDULE_NAMES, resolve_sampler
from danqing.diffusion.samplers import SAMPLERS

A1111 = (
    "DPM++ 2M, DPM++ SDE, DPM++ 2M SDE, DPM++ 2M SDE Heun, DPM++ 2S a, DPM++ 3M SDE, Euler a, Euler, LMS, Heun, DPM2, "
    "DPM2 a, DPM fast, DPM adaptive, Restart, DDIM, DDIM CFG++, PLMS, UniPC, LCM"
)


def test_the_samplers_are_those_of_a1111_in_its_order() -> None:
    assert SAMPLERS.names() == A1111.split(", ") == SAMPLER_FACTS.names()


def test_every_alias_leads_to_a_name_that_exists() -> None:
    assert set(SAMPLER_FACTS.aliases.values()) <= set(SAMPLER_FACTS)
    assert set(SCHEDULE_NAMES.aliases.values()) <= set(SCHEDULE_NAMES)


@pytest.mark.parametrize(
    ("asked", "schedule", "resolved"),
    [
        ("DPM++ 2M Karras", "Automatic", ("DPM++ 2M", "Karras")),
        ("DPM++ 2M SDE Exponential", "Automatic", ("DPM++ 2M SDE", "Exponential")),
        ("DPM++ 2M SDE Heun Karras", "Automatic", ("DPM++ 2M SDE Heun", "Karras")),
        ("dpm++ 2s a karras", "Automatic", ("DPM++ 2S a", "Karras")),
        ("k_dpmpp_2m_ka", "Automatic", ("DPM++ 2M", "Karras")),
        ("Euler SGM Uniform", "Automatic", ("Euler", "SGM Uniform")),
        ("Euler sgm_uniform", "Automatic", ("Euler", "SGM Uniform")),
        ("Euler a Karras", "Exponential", ("Euler a", "Karras")),
        ("DPM++ 2M", "Automatic", ("DPM++ 2M", "Karras")),
        ("DPM++ 3M SDE", "Automatic", ("DPM++ 3M SDE", "Exponential")),
        ("DPM++ 2M", "uniform", ("DPM++ 2M", "Uniform")),
        ("k_euler_a", "Automatic", ("Euler a", "Automatic")),
        (" euler_ancestral ", "kl_optimal", ("Euler a", "KL Optimal")),
        ("DDIM", "Automatic", ("DDIM", "Automatic")),
        ("uni_pc", "Automatic", ("UniPC", "Automatic")),
    ],
)
def test_names_resolve_as_in_a1111(asked: str, schedule: str, resolved: tuple[str, str]) -> None:
    assert resolve_sampler(asked, schedule) == resolved


@pytest.mark.parametrize(
    ("sampler", "schedule", "message"),
    [
        ("Eulre", "Automatic", "no sampler named 'Eulre'; did you mean Euler"),
        ("Karras", "Automatic", "no sampler named 'Karras'"),
        ("Euler", "Karas", "no schedule type named 'Karas'; did you mean Karras"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(sampler: str, schedule: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        resolve_sampler(sampler, schedule)


def test_names_are_known_without_torch() -> None:
    source = Path(__file__).parents[2] / "src"
    code = f"import sys; sys.path.insert(0, {str(source)!r}); import danqing.diffusion.names as n; print('torch' in "
    code += "sys.modules, len(n.SAMPLER_FACTS.names()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("False 20", "")
