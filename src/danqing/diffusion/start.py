"""Both ends of sampling: the first x from noise or from a picture, and the last x as the VAE takes it."""

import torch
from torch import Tensor

from danqing.diffusion.prediction import NoiseTable
from danqing.diffusion.samplers.table import AUTOMATIC, Sampler, schedule_of
from danqing.diffusion.schedules import ddim_timesteps


def start_from_noise(sampler: Sampler, noise: Tensor, sigmas: Tensor, *, sgm: bool = False) -> Tensor:
    """x at sigmas[0] for a picture out of nothing. noise (B, C, h, w) of unit variance. `sgm`: A1111's SGM noise
    multiplier."""
    sigma = float(sigmas[0])
    return noise * ((1 + sigma * sigma) ** 0.5 if sgm or sampler.start == "sqrt" else sigma)


def start_from_latent(
    original: Tensor, noise: Tensor, sigmas: Tensor, schedule_steps: int, t_enc: int
) -> tuple[Tensor, Tensor]:
    """(x, the rest of the levels) for a picture out of a picture: the last t_enc + 1 steps of a schedule made for
    `schedule_steps`.

    original and noise (B, C, h, w); sigmas as `sigmas_for` gave them. For a sampler on its own timesteps use `start_own_from_latent`.
    """
    rest = sigmas[schedule_steps - t_enc - 1 :]
    return original + noise * float(rest[0]), rest


def start_own_from_latent(
    sampler: Sampler, original: Tensor, noise: Tensor, table: NoiseTable, schedule_steps: int, t_enc: int
) -> tuple[Tensor, Tensor]:
    """`start_from_latent` for a sampler that walks its own timesteps: DDIM, DDIM CFG++, PLMS and UniPC with schedule
    Automatic.

    A1111 adds the noise of one timestep and then begins at the one below it, which shows in the picture and is kept.
    """
    steps = ddim_timesteps(schedule_steps, len(table))
    noise_sigma = float(table.sigmas[steps[t_enc]])
    if sampler.name == "UniPC" and t_enc > 0:
        rest = table.sigma_of(torch.linspace(steps[t_enc - 1], 0, t_enc + 1, dtype=torch.float64))
    else:
        # With t_enc 0 nothing is left to walk: A1111 decodes the noised picture as it is.
        rest = table.sigmas[steps[:t_enc] or steps[:1]].flip(0)
        noise_sigma = noise_sigma if t_enc else float(rest[0])
    x = (original + noise * noise_sigma) * ((1 + float(rest[0]) ** 2) / (1 + noise_sigma**2)) ** 0.5
    return x, rest


def walks_own_timesteps(sampler: Sampler, schedule: str) -> bool:
    """Whether a sampler takes its own timesteps under this schedule's name."""
    return sampler.start == "sqrt" and schedule_of(sampler, schedule) is sampler.own_schedule


def finish(sampler: Sampler, x: Tensor, sigmas: Tensor) -> Tensor:
    """The latent to decode. Only samplers on their own timesteps stop above sigma 0, on the network's scale: a factor
    of 0.999."""
    return x * (1 + float(sigmas[-1]) ** 2) ** -0.5 if sampler.start == "sqrt" else x


__all__ = [
    "AUTOMATIC",
    "finish",
    "start_from_latent",
    "start_from_noise",
    "start_own_from_latent",
    "walks_own_timesteps",
]
