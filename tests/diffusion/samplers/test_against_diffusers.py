"""DDIM, DDIM CFG++, PLMS, UniPC and LCM against diffusers' schedulers, walked side by side on an analytic network."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment
from danqing.diffusion.prediction import noise_table, scaled_linear
from danqing.diffusion.samplers import SAMPLERS, SamplerOptions, sigmas_for
from danqing.diffusion.start import finish, start_from_noise
from tests.diffusion import mixture

diffusers = pytest.importorskip("diffusers", reason="diffusers is the oracle for the samplers that walk timesteps")

TABLE = noise_table(scaled_linear())
BETAS: dict[str, Any] = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
NOISE = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(11), dtype=torch.float64)
CLOSE: dict[str, float] = {"rtol": 1e-5, "atol": 1e-5}


def in_double(scheduler: Any) -> Any:
    """The scheduler with the noise levels unrounded, so that only formulas are compared."""
    scheduler.alphas_cumprod = scaled_linear()
    scheduler.final_alpha_cumprod = scheduler.alphas_cumprod[0]
    return scheduler


def epsilon(x: Tensor, sigma: float, denoised: Callable[[Tensor, float], Tensor] = mixture.denoised) -> Tensor:
    """What a network of epsilon prediction says to x on its own scale."""
    wide = x * (1 + sigma**2) ** 0.5
    return (wide - denoised(wide, sigma)) / sigma


def level(timestep: Any) -> float:
    """The noise level of a timestep."""
    return float(TABLE.sigmas[int(timestep)])


def fixed_noises(count: int) -> list[Tensor]:
    """Step noises that both sides use."""
    generator = torch.Generator().manual_seed(5)
    return [torch.randn(NOISE.shape, generator=generator, dtype=torch.float64) for _ in range(count)]


def run(name: str, sigmas: Tensor, denoise: Denoiser = mixture.denoise, **options: Any) -> tuple[Tensor, int]:
    """(our picture on the network's scale, calls made), from NOISE and the noises of `fixed_noises`."""
    sampler = SAMPLERS.find(name)
    noises = iter(fixed_noises(len(sigmas)))
    calls: list[Moment] = []

    def counted(x: Tensor, moment: Moment) -> Tensor:
        calls.append(moment)
        return denoise(x, moment)

    x = start_from_noise(SAMPLERS.find("DDIM"), NOISE, sigmas)
    x = sampler.function(counted, x, sigmas, noise=lambda s, t: next(noises), options=SamplerOptions(**options))
    return finish(SAMPLERS.find("DDIM"), x, sigmas), len(calls)


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("steps", "calls"), [(20, 19), (50, 49), (10, 9)])
def test_ddim_is_that_of_diffusers_less_its_last_step(steps: int, calls: int, eta: float) -> None:
    scheduler = in_double(diffusers.DDIMScheduler(**BETAS, steps_offset=1, clip_sample=False, set_alpha_to_one=False))
    scheduler.set_timesteps(steps)
    expected = NOISE
    for timestep, noise in zip(scheduler.timesteps[:-1], fixed_noises(steps), strict=False):
        output = epsilon(expected, level(timestep))
        expected = scheduler.step(output, int(timestep), expected, eta=eta, variance_noise=noise if eta else None)
        expected = expected.prev_sample
    result, made = run("DDIM", sigmas_for(SAMPLERS.find("DDIM"), steps, TABLE), eta_ddim=eta)
    torch.testing.assert_close(result, expected, **CLOSE)
    assert made == calls


def test_ddim_on_levels_of_its_own_end_is_all_of_diffusers() -> None:
    scheduler = in_double(diffusers.DDIMScheduler(**BETAS, steps_offset=1, clip_sample=False, set_alpha_to_one=False))
    scheduler.set_timesteps(20)
    expected = NOISE
    for timestep in scheduler.timesteps:
        expected = scheduler.step(epsilon(expected, level(timestep)), int(timestep), expected).prev_sample
    result, _ = run("DDIM", TABLE.sigmas[[*scheduler.timesteps.tolist(), 0]])
    torch.testing.assert_close(result, expected, **CLOSE)


@pytest.mark.parametrize("eta", [0.0, 0.6])
def test_ddim_cfgpp_takes_x0_from_the_guided_and_its_direction_from_the_unguided_step(eta: float) -> None:
    def unguided(x: Tensor, sigma: float) -> Tensor:
        return mixture.denoised(x, sigma) * 0.9 + 0.05

    scheduler = in_double(diffusers.DDIMScheduler(**BETAS, steps_offset=1, clip_sample=False, set_alpha_to_one=False))
    scheduler.set_timesteps(20)
    expected = NOISE
    for timestep, noise in zip(scheduler.timesteps[:-1], fixed_noises(20), strict=False):
        sigma, step = level(timestep), int(timestep)
        extra = {"eta": eta, "variance_noise": noise if eta else None}
        along = scheduler.step(epsilon(expected, sigma, unguided), step, expected, **extra)
        to = scheduler.step(epsilon(expected, sigma), step, expected, **extra)
        alpha = float(scheduler.alphas_cumprod[step - 50])
        expected = along.prev_sample + alpha**0.5 * (to.pred_original_sample - along.pred_original_sample)
    sigmas = sigmas_for(SAMPLERS.find("DDIM CFG++"), 20, TABLE)
    result, _ = run("DDIM CFG++", sigmas, eta_ddim=eta, uncond=lambda x, moment: unguided(x, moment.sigma))
    torch.testing.assert_close(result, expected, **CLOSE)


@pytest.mark.parametrize("steps", [4, 20, 50])
def test_plms_is_that_of_diffusers(steps: int) -> None:
    scheduler = diffusers.PNDMScheduler(**BETAS, steps_offset=1, skip_prk_steps=True, set_alpha_to_one=False)
    in_double(scheduler).set_timesteps(steps)
    expected = NOISE
    for timestep in scheduler.timesteps:
        expected = scheduler.step(epsilon(expected, level(timestep)), int(timestep), expected).prev_sample
    walked = sorted({*scheduler.timesteps.tolist(), 0}, reverse=True)
    result, made = run("PLMS", TABLE.sigmas[walked])
    torch.testing.assert_close(result, expected, **CLOSE)
    assert made == len(scheduler.timesteps)


@pytest.mark.parametrize("lower_order_final", [True, False])
@pytest.mark.parametrize("variant", ["bh1", "bh2"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_unipc_is_that_of_diffusers(order: int, variant: str, lower_order_final: bool) -> None:
    scheduler = diffusers.UniPCMultistepScheduler(
        **BETAS,
        solver_order=order,
        solver_type=variant,
        lower_order_final=lower_order_final,
        final_sigmas_type="sigma_min",
    )
    scheduler.set_timesteps(12)
    scheduler.sigmas = sigmas = scheduler.sigmas.double()
    sigmas[-1] = TABLE.sigma_min
    expected = NOISE
    for sigma, timestep in zip(sigmas[:-1].tolist(), scheduler.timesteps, strict=True):
        expected = scheduler.step(epsilon(expected, sigma), timestep, expected).prev_sample
    result, made = run(
        "UniPC", sigmas, unipc_order=order, unipc_variant=variant, unipc_lower_order_final=lower_order_final
    )
    torch.testing.assert_close(result, expected, **CLOSE)
    assert made == 12


@pytest.mark.parametrize("steps", [1, 4, 8])
def test_lcm_is_that_of_diffusers(steps: int) -> None:
    scheduler = in_double(diffusers.LCMScheduler(**BETAS, set_alpha_to_one=False))
    scheduler.set_timesteps(steps)
    expected = NOISE
    generator = torch.Generator().manual_seed(5)  # the same draws as fixed_noises
    for timestep in scheduler.timesteps:
        output = epsilon(expected, level(timestep))
        expected = scheduler.step(output, int(timestep), expected, generator=generator).prev_sample
    sigmas = torch.cat([TABLE.sigmas[scheduler.timesteps], torch.zeros(1, dtype=torch.float64)])
    result, made = run("LCM", sigmas)
    torch.testing.assert_close(result, expected, **CLOSE)
    assert made == steps
