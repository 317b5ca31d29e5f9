"""Every sampler of k-diffusion gives k-diffusion's numbers: golden/samplers.json, whose head says how they were
made."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from danqing.diffusion.moment import Moment
from danqing.diffusion.samplers import SAMPLERS, SamplerOptions
from danqing.diffusion.samplers.contract import ancestral_step
from tests.diffusion import mixture

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden" / "samplers.json").read_text("utf-8"))
NAMES = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
}
OPTIONS = {"eta": "eta", "s_noise": "noise", "order": "lms_order"}


def levels(case: dict[str, Any]) -> Tensor:
    """The oracle's levels: computed in float32 as k-diffusion computes them, and then widened. Their rounding shows in
    x."""
    low, high, steps = case["sigma_min"], case["sigma_max"], case["n"]
    if case.get("schedule") == "karras":
        ramp = torch.linspace(0, 1, steps)
        sigmas = (high ** (1 / 7) + ramp * (low ** (1 / 7) - high ** (1 / 7))) ** 7
    else:
        sigmas = torch.linspace(torch.tensor(high).log().item(), torch.tensor(low).log().item(), steps).exp()
        if case["sampler"] == "dpm_fast":  # it gets the two ends as they are
            sigmas = torch.tensor([high, *sigmas[1:-1].tolist(), low], dtype=torch.float64)
    return torch.cat([sigmas.double(), torch.zeros(1, dtype=torch.float64)])


def case_name(case: dict[str, Any]) -> str:
    """A readable id."""
    options = ",".join(f"{key}={value}" for key, value in case["options"].items())
    return f"{case['sampler']}-{case.get('schedule', '')}-{case['n']}-{options}"


@pytest.mark.parametrize("case", GOLDEN["samplers"], ids=case_name)
def test_a_sampler_gives_the_numbers_of_k_diffusion(case: dict[str, Any]) -> None:
    options = dict(case["options"])
    heun = options.pop("solver_type", "midpoint") == "heun"
    sampler = SAMPLERS.find(NAMES[case["sampler"]] + (" Heun" if heun else ""))
    place = torch.arange(12, dtype=torch.float64)
    moments: list[Moment] = []
    draws: list[tuple[float, float]] = []

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        moments.append(moment)
        return mixture.denoised(x, moment.sigma)

    def noise(sigma: float, sigma_next: float) -> Tensor:
        draws.append((sigma, sigma_next))
        return torch.cos(0.9 * place + 2.1 * (len(draws) - 1) + 0.5)

    x = case["sigma_max"] * torch.sin(1.7 * place + 0.3)
    known = SamplerOptions(**{OPTIONS[key]: value for key, value in options.items()})
    result = sampler.function(denoise, x, levels(case), noise=noise, options=known)

    torch.testing.assert_close(result, torch.tensor(case["x"], dtype=torch.float64), rtol=1e-6, atol=1e-6)
    assert [moment.call for moment in moments] == list(range(case.get("model_calls", case["n"])))
    assert len(draws) == case.get("noise_calls", len(draws))


def test_every_sampler_of_the_golden_file_is_covered() -> None:
    assert {case["sampler"] for case in GOLDEN["samplers"]} == set(NAMES)


@pytest.mark.parametrize(
    "case", GOLDEN["ancestral_step"], ids=lambda case: f"{case['from']}-{case['to']}-{case['eta']}"
)
def test_an_ancestral_step_divides_its_noise_as_k_diffusion_does(case: dict[str, float]) -> None:
    assert ancestral_step(case["from"], case["to"], case["eta"]) == pytest.approx((case["down"], case["up"]), abs=1e-12)
