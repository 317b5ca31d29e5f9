"""Every sampler that follows the ODE on every schedule: how far 30 steps end from 200 Euler steps, as docs/samplers.md says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from danqing.diffusion.prediction import noise_table, scaled_linear
from danqing.diffusion.samplers import SAMPLERS, SamplerOptions, sigmas_for
from danqing.diffusion.schedules import SCHEDULES
from danqing.diffusion.start import finish, start_from_noise
from tests.diffusion import mixture

PAGE = Path(__file__).parents[3] / "docs" / "samplers.md"
TABLE = noise_table(scaled_linear())
NOISE = mixture.starting_x(1.0, 200)
APART = {"Restart", "LCM"}
BOUND, USUAL = 0.12, 0.05
TWINS = {"Euler a": "Euler", "DPM2 a": "DPM2", "DPM++ 2M SDE": "DPM++ 2M", "DPM++ 2S a": "DPM++ SDE"}


def painted(name: str, schedule: str, steps: int = 30) -> Tensor:
    """What a sampler makes of the same noise, started and finished as painting does it, without noise on the way."""
    sampler = SAMPLERS.find(name)
    sigmas = sigmas_for(sampler, steps, TABLE, schedule)

    def no_noise(sigma: float, sigma_next: float) -> Tensor:
        return torch.zeros((), dtype=torch.float64)

    options = SamplerOptions(eta=0.0, uncond=mixture.denoise)
    x = start_from_noise(sampler, NOISE, sigmas)
    return finish(sampler, sampler.function(mixture.denoise, x, sigmas, noise=no_noise, options=options), sigmas)


@pytest.fixture(scope="module")
def reference() -> Tensor:
    return painted("Euler", "Karras", 200)


def distance(found: Tensor, reference: Tensor) -> float:
    return float((found - reference).norm() / reference.norm())


def told() -> Iterator[tuple[str, str, float]]:
    """(sampler, schedule, distance) of the page's table on the mixture."""
    text = PAGE.read_text(encoding="utf-8")
    lines = (
        text[text.index("## On a picture that is known exactly") :].split("\n\n|", 1)[1].split("\n\n")[0].splitlines()
    )
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    for row in rows:
        for schedule, number in zip(header[1:], row[1:], strict=True):
            if number != "=":
                yield row[0], schedule, float(number)


def listed() -> set[tuple[str, str]]:
    """(sampler, schedule) that the page lists as worse than the usual bound."""
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("## What is bad") : text.index("## On a picture")]
    return {
        (sampler.strip(), schedule.strip())
        for schedules, samplers in re.findall(r"^- \*\*(.+?)\*\*: (.+?)(?: \(.*)?$", section, re.MULTILINE)
        for schedule in schedules.split(",")
        for sampler in samplers.split(",")
    }


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name not in APART])
@pytest.mark.parametrize("schedule", list(SCHEDULES))
def test_30_steps_end_near_200_of_euler(name: str, schedule: str, reference: Tensor) -> None:
    found = distance(painted(name, schedule), reference)
    assert found < BOUND
    if found >= USUAL:
        assert (TWINS.get(name, name), schedule.replace("Normal", "Uniform")) in listed()


def test_the_reference_is_near_the_exact_solution(reference: Tensor) -> None:
    exact = mixture.flowed(NOISE * TABLE.sigma_max, TABLE.sigma_max, 1e-12)
    assert distance(reference, exact) < 0.006


@pytest.mark.parametrize(("name", "schedule", "number"), list(told()), ids=str)
def test_the_page_has_the_numbers_as_they_are(name: str, schedule: str, number: float, reference: Tensor) -> None:
    assert distance(painted(name, schedule), reference) == pytest.approx(number, abs=6e-4)


def test_the_page_lists_no_combination_that_is_good(reference: Tensor) -> None:
    assert [pair for pair in sorted(listed()) if distance(painted(*pair), reference) < USUAL] == []


@pytest.mark.parametrize(("one", "other"), TWINS.items())
def test_without_noise_these_are_the_same(one: str, other: str) -> None:
    assert torch.allclose(painted(one, "Karras"), painted(other, "Karras"), atol=1e-12)
