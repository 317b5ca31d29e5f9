"""The first and the last x of a run."""

import pytest
import torch

from danqing.diffusion.prediction import noise_table, scaled_linear
from danqing.diffusion.samplers import SAMPLERS, sigmas_for
from danqing.diffusion.schedules import ddim_timesteps
from danqing.diffusion.start import (
    finish,
    start_from_latent,
    start_from_noise,
    start_own_from_latent,
    walks_own_timesteps,
)

TABLE = noise_table(scaled_linear())
ONES = torch.ones(1, 4, 2, 2, dtype=torch.float64)
ORIGINAL = ONES * 0.3


def test_pictures_start_from_noise_of_the_highest_level() -> None:
    sigmas = sigmas_for(SAMPLERS.find("Euler"), 20, TABLE)
    torch.testing.assert_close(start_from_noise(SAMPLERS.find("Euler"), ONES, sigmas), ONES * sigmas[0])


@pytest.mark.parametrize("name", ["DDIM", "DDIM CFG++", "PLMS", "UniPC"])
def test_timestep_samplers_start_from_unit_noise_on_the_networks_scale(name: str) -> None:
    sampler = SAMPLERS.find(name)
    sigmas = sigmas_for(sampler, 20, TABLE)
    x = start_from_noise(sampler, ONES, sigmas)
    torch.testing.assert_close(x / (1 + sigmas[0] ** 2).sqrt(), ONES)
    assert walks_own_timesteps(sampler, "Karras")


def test_the_sgm_multiplier_gives_any_sampler_that_start() -> None:
    sigmas = sigmas_for(SAMPLERS.find("Euler"), 20, TABLE)
    x = start_from_noise(SAMPLERS.find("Euler"), ONES, sigmas, sgm=True)
    torch.testing.assert_close(x, start_from_noise(SAMPLERS.find("DDIM"), ONES, sigmas))
    assert not walks_own_timesteps(SAMPLERS.find("Euler"))


@pytest.mark.parametrize(("steps", "t_enc"), [(20, 15), (20, 0), (20, 19), (40, 19)])
def test_a_picture_from_a_picture_walks_the_end_of_the_schedule(steps: int, t_enc: int) -> None:
    sigmas = sigmas_for(SAMPLERS.find("DPM++ 2M"), steps, TABLE)
    x, rest = start_from_latent(ORIGINAL, ONES, sigmas, steps, t_enc)
    assert torch.equal(rest, sigmas[steps - t_enc - 1 :])
    assert len(rest) == t_enc + 2
    torch.testing.assert_close(x, ORIGINAL + ONES * rest[0])


@pytest.mark.parametrize("name", ["DDIM", "PLMS"])
def test_on_timesteps_the_noise_is_that_of_one_timestep_above_the_first_walked(name: str) -> None:
    steps = ddim_timesteps(20)
    x, rest = start_own_from_latent(SAMPLERS.find(name), ORIGINAL, ONES, TABLE, 20, 15)
    assert rest.tolist() == [float(TABLE.sigmas[t]) for t in reversed(steps[:15])]
    alpha = scaled_linear()[steps[15]]
    noised = ORIGINAL * alpha.sqrt() + ONES * (1 - alpha).sqrt()
    torch.testing.assert_close(x / (1 + rest[0] ** 2).sqrt(), noised)


def test_unipc_walks_evenly_down_from_the_same_timestep() -> None:
    _, rest = start_own_from_latent(SAMPLERS.find("UniPC"), ORIGINAL, ONES, TABLE, 20, 15)
    torch.testing.assert_close(TABLE.t_of(rest), torch.linspace(ddim_timesteps(20)[14], 0, 16, dtype=torch.float64))


@pytest.mark.parametrize("name", ["DDIM", "UniPC"])
def test_at_strength_0_nothing_is_walked(name: str) -> None:
    sampler = SAMPLERS.find(name)
    x, rest = start_own_from_latent(sampler, ORIGINAL, ONES, TABLE, 20, 0)
    alpha = scaled_linear()[1]
    assert len(rest) == 1
    torch.testing.assert_close(finish(sampler, x, rest), ORIGINAL * alpha.sqrt() + ONES * (1 - alpha).sqrt())


def test_finishing_changes_only_what_ends_on_the_networks_scale() -> None:
    ended = torch.tensor([1.0, 0.5], dtype=torch.float64)
    assert torch.equal(finish(SAMPLERS.find("Euler"), ONES, ended), ONES)
    torch.testing.assert_close(finish(SAMPLERS.find("DDIM"), ONES, ended), ONES / 1.25**0.5)
