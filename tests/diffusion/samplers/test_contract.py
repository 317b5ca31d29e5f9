"""What all samplers keep to: moments, purity, dtypes, batches, short and odd schedules."""

import math

import pytest
import torch
from torch import Tensor

from danqing.diffusion.moment import Moment
from danqing.diffusion.noise import PictureNoise, brownian_noise, fresh_noise
from danqing.diffusion.prediction import noise_table, scaled_linear
from danqing.diffusion.samplers import SAMPLERS, SamplerOptions, StepNoise, sigmas_for
from danqing.diffusion.samplers.contract import churned
from tests.diffusion import mixture

TABLE = noise_table(scaled_linear())
OPTIONS = SamplerOptions(eta_ddim=0.5, uncond=mixture.denoise)


def paint(name: str, seeds: list[int], steps: int = 7, schedule: str = "Automatic", **like: torch.dtype) -> Tensor:
    """Tiny pictures of the mixture, one a seed: (B, 2, 3, 4)."""
    sampler = SAMPLERS.find(name)
    sigmas = sigmas_for(sampler, steps, TABLE, schedule)
    pictures = [PictureNoise(seed) for seed in seeds]
    x = torch.stack([picture.draw((2, 3, 4)) for picture in pictures]).to(like.get("dtype", torch.float64))
    noise: StepNoise = fresh_noise(pictures, x)
    if sampler.noise == "brownian":
        noise = brownian_noise(seeds, x, float(sigmas[0]), float(sigmas[sigmas > 0][-1]))
    return sampler.function(mixture.denoise, x * sigmas[0], sigmas, noise=noise, options=OPTIONS)


def moments_of(name: str, steps: int = 6) -> list[Moment]:
    """The moments of one run."""
    sampler = SAMPLERS.find(name)
    seen: list[Moment] = []

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        seen.append(moment)
        return mixture.denoise(x, moment)

    sigmas = sigmas_for(sampler, steps, TABLE)
    x = mixture.starting_x(float(sigmas[0]))
    sampler.function(denoise, x, sigmas, noise=lambda s, t: torch.zeros(()), options=OPTIONS)
    return seen


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_moments_count_calls_and_steps_from_0_and_go_down_in_noise(name: str) -> None:
    seen = moments_of(name)
    steps = [moment.step for moment in seen]
    assert [moment.call for moment in seen] == list(range(len(seen)))
    assert steps == sorted(steps)
    assert set(steps) == set(range(steps[-1] + 1))
    first = [next(moment for moment in seen if moment.step == step) for step in range(steps[-1] + 1)]
    assert all(moment.sigma > moment.sigma_next for moment in first)
    last = [next(moment for moment in reversed(seen) if moment.step == step) for step in range(steps[-1] + 1)]
    assert all(before.sigma_next == after.sigma for before, after in zip(last, first[1:], strict=False))
    expected = None if name == "DPM adaptive" else steps[-1] + 1
    assert {moment.steps for moment in seen} == {expected}


@pytest.mark.parametrize(
    ("name", "calls"),
    [("Euler", 6), ("Heun", 11), ("DPM2", 11), ("DPM++ SDE", 11), ("DPM++ 2M", 6), ("DPM fast", 6), ("LCM", 6)],
)
def test_a_sampler_makes_as_many_calls_as_in_a1111(name: str, calls: int) -> None:
    assert len(moments_of(name)) == calls


@pytest.mark.parametrize(("name", "calls"), [("DDIM", 19), ("DDIM CFG++", 19), ("PLMS", 20), ("UniPC", 20)])
def test_samplers_on_timesteps_count_as_in_a1111(name: str, calls: int) -> None:
    assert len(moments_of(name, 20)) == calls


@pytest.mark.parametrize("name", [name for name in SAMPLERS if not SAMPLERS.find(name).one_at_a_time])
def test_a_batch_equals_its_single_pictures(name: str) -> None:
    batch = paint(name, [5, 6, 7])
    for row, seed in enumerate((5, 6, 7)):
        torch.testing.assert_close(batch[row], paint(name, [seed])[0], rtol=1e-12, atol=1e-12)


def test_dpm_adaptive_depends_on_its_batch_and_says_so() -> None:
    batch = paint("DPM adaptive", [5, 6])
    assert not torch.equal(batch[0], paint("DPM adaptive", [5])[0])
    assert SAMPLERS.find("DPM adaptive").one_at_a_time


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_a_run_changes_neither_its_input_nor_the_next_run(name: str) -> None:
    sampler = SAMPLERS.find(name)
    sigmas = sigmas_for(sampler, 5, TABLE)
    x = mixture.starting_x(float(sigmas[0]))
    kept, levels = x.clone(), sigmas.clone()
    noise = torch.linspace(-1, 1, 12, dtype=torch.float64).view(1, -1, 1, 1)

    def sample() -> Tensor:
        return sampler.function(mixture.denoise, x, sigmas, noise=lambda s, t: noise, options=OPTIONS)

    assert torch.equal(sample(), sample())
    assert torch.equal(x, kept)
    assert torch.equal(sigmas, levels)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if not SAMPLERS.find(name).one_at_a_time])
def test_float32_stays_float32_and_near_float64(name: str) -> None:
    narrow = paint(name, [1, 2], dtype=torch.float32)
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow.double(), paint(name, [1, 2]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("schedule", ["Automatic", "Karras", "KL Optimal"])
@pytest.mark.parametrize("name", list(SAMPLERS))
def test_few_steps_give_finite_pictures(name: str, schedule: str, steps: int) -> None:
    result = paint(name, [9], steps, schedule)
    assert bool(result.isfinite().all())
    assert not torch.equal(result, paint(name, [8], steps, schedule))


@pytest.mark.parametrize("name", ["Euler", "Heun", "DPM2"])
def test_churn_changes_the_picture_and_is_off_at_0(name: str) -> None:
    sampler = SAMPLERS.find(name)
    sigmas = sigmas_for(sampler, 8, TABLE)
    x = mixture.starting_x(float(sigmas[0]))
    noise = torch.linspace(-1, 1, 12, dtype=torch.float64).view(1, -1, 1, 1)

    def sample(options: SamplerOptions) -> Tensor:
        return sampler.function(mixture.denoise, x, sigmas, noise=lambda s, t: noise, options=options)

    assert torch.equal(sample(SamplerOptions()), sample(SamplerOptions(noise=1.2, churn_min=1.0)))
    assert not torch.equal(sample(SamplerOptions()), sample(SamplerOptions(churn=10.0)))


def test_churn_raises_the_noise_level_by_what_it_adds() -> None:
    x = torch.zeros(3, dtype=torch.float64)
    raised, sigma = churned(x, 2.0, 10, lambda s, t: torch.ones(3, dtype=torch.float64), SamplerOptions(churn=3.0))
    assert sigma == pytest.approx(2.6)
    assert float(raised[0]) == pytest.approx(math.sqrt(2.6**2 - 2.0**2))


def test_churn_draws_noise_even_where_its_bounds_keep_it_out() -> None:
    draws: list[float] = []

    def noise(sigma: float, sigma_next: float) -> Tensor:
        draws.append(sigma)
        return torch.ones(1)

    x, sigma = churned(torch.zeros(1), 2.0, 10, noise, SamplerOptions(churn=3.0, churn_max=1.0))
    assert (float(x), sigma, draws) == (0.0, 2.0, [2.0])


def test_churn_never_adds_more_than_a_share_of_0_41() -> None:
    _, sigma = churned(torch.zeros(1), 1.0, 5, lambda s, t: torch.ones(1), SamplerOptions(churn=1000.0))
    assert sigma == pytest.approx(math.sqrt(2))


def test_the_noise_factor_scales_what_an_ancestral_sampler_adds() -> None:
    sampler = SAMPLERS.find("Euler a")
    sigmas = torch.tensor([2.0, 1.0], dtype=torch.float64)
    x = mixture.starting_x(2.0)

    def sample(factor: float) -> Tensor:
        noise = torch.ones(1, 12, 1, 1, dtype=torch.float64)
        return sampler.function(
            mixture.denoise, x, sigmas, noise=lambda s, t: noise, options=SamplerOptions(noise=factor)
        )

    torch.testing.assert_close(sample(2.0) - sample(1.0), sample(1.0) - sample(0.0))
