"""Schedules against the golden files and their own definitions."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from danqing.base.errors import RecipeError
from danqing.diffusion.beta_distribution import beta_cdf, beta_quantile
from danqing.diffusion.names import SCHEDULE_NAMES
from danqing.diffusion.prediction import noise_table, scaled_linear
from danqing.diffusion.samplers import SAMPLERS, schedule_of, sigmas_for
from danqing.diffusion.schedules import SCHEDULES, ScheduleOptions, ddim_timesteps, without_penultimate

GOLDEN = Path(__file__).parents[1] / "golden"
SD15: dict[str, Any] = json.loads((GOLDEN / "sd15_sigmas.json").read_text("utf-8"))
K_DIFFUSION: list[dict[str, Any]] = json.loads((GOLDEN / "samplers.json").read_text("utf-8"))["schedules"]
TABLE = noise_table(scaled_linear())
# The VP schedule of k-diffusion isn't one of A1111's.
CASES = [case for case in K_DIFFUSION if case["name"] != "vp_default"]
NAMES = {"uniform(=automatic default/normal)": ("Uniform", "Automatic", "Normal")}


@pytest.mark.parametrize("name", list(SD15["20"]))
@pytest.mark.parametrize("steps", ["5", "10", "20", "30"])
def test_a_schedule_gives_the_levels_of_stable_diffusion(steps: str, name: str) -> None:
    expected = torch.tensor(SD15[steps][name], dtype=torch.float64)
    for ours in NAMES.get(name, (name,)):
        torch.testing.assert_close(SCHEDULES.find(ours)(int(steps), TABLE), expected, rtol=0, atol=6e-7)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['name']}-{case['n']}")
def test_a_schedule_gives_the_levels_of_k_diffusion(case: dict[str, Any]) -> None:
    name, _, rho = case["name"].partition("_rho")
    options = ScheduleOptions(case.get("sigma_min"), case.get("sigma_max"), rho=float(rho) if rho else None)
    result = SCHEDULES.find("Uniform" if name.startswith("sd1_discrete") else name)(case["n"], TABLE, options)
    # k-diffusion computes in float32.
    torch.testing.assert_close(result, torch.tensor(case["sigmas"], dtype=torch.float64), rtol=1e-6, atol=0)


@pytest.mark.parametrize("name", list(SCHEDULES))
@pytest.mark.parametrize("steps", [1, 2, 7, 33, 150, 1000, 1500])
def test_levels_fall_from_high_to_0(name: str, steps: int) -> None:
    sigmas = SCHEDULES.find(name)(steps, TABLE)
    assert sigmas.dtype == torch.float64
    assert len(sigmas) == steps + 1 or name == "DDIM"
    assert bool(sigmas.isfinite().all())
    assert float(sigmas[-1]) == 0 or name == "KL Optimal"
    if steps < 1000:  # with more steps than timesteps some repeat
        assert bool((sigmas.diff() < 0).all())


@pytest.mark.parametrize("name", ["Karras", "Exponential", "Polyexponential", "KL Optimal", "Beta", "Normal"])
def test_a_schedule_keeps_to_the_levels_it_is_given(name: str) -> None:
    sigmas = SCHEDULES.find(name)(10, TABLE, ScheduleOptions(sigma_min=0.1, sigma_max=8.0))
    assert float(sigmas[0]) == pytest.approx(8.0)
    assert float(sigmas[sigmas > 0][-1]) == pytest.approx(0.1)


def test_rho_bends_karras_and_polyexponential() -> None:
    for name in ("Karras", "Polyexponential"):
        schedule = SCHEDULES.find(name)
        assert torch.equal(schedule(9, TABLE), schedule(9, TABLE, ScheduleOptions(rho=schedule.rho)))
        assert not torch.equal(schedule(9, TABLE), schedule(9, TABLE, ScheduleOptions(rho=3.0)))


def test_align_your_steps_gives_the_published_levels_and_geometric_means_between() -> None:
    schedule = SCHEDULES.find("Align Your Steps")
    published = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029, 0]
    assert schedule(11, TABLE).tolist() == pytest.approx(published)
    twice = schedule(21, TABLE).tolist()
    assert twice[:-1:2] == pytest.approx(published[:-1])
    assert twice[1] == pytest.approx(math.sqrt(14.615 * 6.475))
    assert float(schedule(11, TABLE, ScheduleOptions(align_for="sdxl"))[1]) == pytest.approx(6.315)


def test_beta_spreads_levels_by_the_quantiles_of_its_distribution() -> None:
    sigmas = SCHEDULES.find("Beta")(5, TABLE)
    shares = (sigmas[:-1] - TABLE.sigma_min) / (TABLE.sigma_max - TABLE.sigma_min)
    assert [beta_cdf(share, 0.6, 0.6) for share in shares.tolist()] == pytest.approx([1, 0.75, 0.5, 0.25, 0], abs=1e-9)
    even = SCHEDULES.find("Beta")(5, TABLE, ScheduleOptions(beta_alpha=1.0, beta_beta=1.0))
    assert (even[:-1].diff() - even[:-1].diff()[0]).abs().max() < 1e-9


@pytest.mark.parametrize(("a", "b"), [(0.6, 0.6), (0.1, 5.0), (2.0, 3.5), (30.0, 1.0)])
def test_the_beta_distribution_is_that_of_mpmath(a: float, b: float) -> None:
    mpmath = pytest.importorskip("mpmath", reason="mpmath is the oracle for the incomplete beta function")
    for p in (0.001, 0.2, 0.5, 0.93):
        x = beta_quantile(p, a, b)
        assert beta_cdf(x, a, b) == pytest.approx(p, rel=1e-9)
        assert float(mpmath.betainc(a, b, 0, x, regularized=True)) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize("steps", ["5", "10", "20", "30", "50"])
def test_timesteps_are_those_of_a1111s_ddim(steps: str) -> None:
    assert ddim_timesteps(int(steps)) == SD15["ddim_timesteps"][steps]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ScheduleOptions(sigma_min=20.0), "sigma_min 20"),
        (ScheduleOptions(sigma_min=0.0), "sigma_min 0"),
        (ScheduleOptions(sigma_max=-1.0), "sigma_max -1"),
    ],
)
def test_levels_that_make_no_schedule_are_refused(options: ScheduleOptions, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        SCHEDULES.find("Karras")(10, TABLE, options)


def test_no_steps_are_refused() -> None:
    with pytest.raises(RecipeError, match="at least 1 step, got 0"):
        SCHEDULES.find("Karras")(0, TABLE)


def test_the_tables_of_names_and_of_schedules_agree() -> None:
    assert SCHEDULES.names() == SCHEDULE_NAMES.names()
    assert SCHEDULES.aliases == SCHEDULE_NAMES.aliases


def test_without_its_penultimate_level_a_schedule_is_one_shorter() -> None:
    assert without_penultimate(torch.tensor([3.0, 2.0, 1.0, 0.0])).tolist() == [3.0, 2.0, 0.0]


@pytest.mark.parametrize("name", ["DPM2", "DPM2 a", "DPM++ 3M SDE"])
def test_samplers_that_discard_the_penultimate_level_still_make_their_steps(name: str) -> None:
    sampler = SAMPLERS.find(name)
    longer = schedule_of(sampler)(21, TABLE)
    assert torch.equal(sigmas_for(sampler, 20, TABLE), torch.cat([longer[:-2], longer[-1:]]))


def test_any_sampler_can_be_asked_to_discard_the_penultimate_level() -> None:
    sigmas = sigmas_for(SAMPLERS.find("Euler"), 20, TABLE, discard_penultimate=True)
    assert len(sigmas) == 21
    assert float(sigmas[-2]) > 0.2


@pytest.mark.parametrize(
    ("sampler", "schedule", "chosen"),
    [
        ("DPM++ 2M", "Automatic", "Karras"),
        ("DPM++ 2M SDE", "Automatic", "Exponential"),
        ("Euler a", "Automatic", "Automatic"),
        ("Euler a", "sgm_uniform", "SGM Uniform"),
        ("LCM", "Automatic", "LCM timesteps"),
        ("LCM", "SGM Uniform", "SGM Uniform"),
        ("DDIM", "Automatic", "DDIM timesteps"),
        ("DDIM", "Karras", "DDIM timesteps"),
        ("UniPC", "Karras", "UniPC timesteps"),
    ],
)
def test_automatic_means_the_samplers_own_and_timestep_samplers_know_no_other(
    sampler: str, schedule: str, chosen: str
) -> None:
    assert schedule_of(SAMPLERS.find(sampler), schedule).name == chosen


def test_lcm_walks_levels_of_the_fifty_it_was_distilled_on() -> None:
    sigmas = sigmas_for(SAMPLERS.find("LCM"), 50, TABLE)
    torch.testing.assert_close(sigmas[:-1], TABLE.sigmas[19::20].flip(0))
    assert SAMPLERS.find("LCM").time_grid == 20


def test_unipc_walks_even_timesteps_down_to_0() -> None:
    sigmas = sigmas_for(SAMPLERS.find("UniPC"), 20, TABLE)
    torch.testing.assert_close(sigmas, TABLE.sigma_of(torch.linspace(999, 0, 21, dtype=torch.float64)))
