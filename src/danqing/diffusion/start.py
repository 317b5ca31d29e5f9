"""Both ends of sampling: the first x from noise or from a picture, and the last x as the VAE takes it."""

import torch
from torch import Tensor

from danqing.diffusion.names import AUTOMATIC
from danqing.diffusion.prediction import NoiseTable
from danqing.diffusion.samplers.table import Sampler, schedule_of
from danqing.diffusion.schedules import ddim_timesteps


def start_from_noise(sampler: Sampler, noise: Tensor, sigmas: Tensor, *, sgm: bool = False) -> Tensor:
    """x at sigmas[0] for a picture out of nothing. noise (B, C, h, w) of unit variance; `sgm`: SGM noise multiplier."""
    sigma = float(sigmas[0])
    return noise * ((1 + sigma * sigma) ** 0.5 if sgm or sampler.start == "sqrt" else sigma)


def start_from_latent(
    original: Tensor, noise: Tensor, sigmas: Tensor, schedule_steps: int, t_enc: int
) -> tuple[Tensor, Tensor]:
    """(x, the rest of the levels) for a picture out of a picture: the last t_enc + 1 steps of a schedule.

    original and noise (B, C, h, w), noise of unit variance; sigmas as `sigmas_for` gave them for `schedule_steps`. For
    a sampler that `walks_own_timesteps` use `start_own_from_latent`.
    """
    rest = sigmas[schedule_steps - t_enc - 1 :]
    return original + noise * float(rest[0]), rest


def walks_own_timesteps(sampler: Sampler, schedule: str = AUTOMATIC) -> bool:
    """Whether under this schedule's name a sampler takes its own timesteps: DDIM, DDIM CFG++, PLMS and UniPC."""
    return sampler.start == "sqrt" and schedule_of(sampler, schedule) is sampler.own_schedule


def start_own_from_latent(
    sampler: Sampler, original: Tensor, noise: Tensor, table: NoiseTable, schedule_steps: int, t_enc: int
) -> tuple[Tensor, Tensor]:
    """`start_from_latent` for a sampler that walks its own timesteps.

    A1111 adds the noise of one timestep and then begins at the one below it, which shows in the picture and is kept.
    """
    steps = ddim_timesteps(schedule_steps, len(table))
    noise_sigma = float(table.sigmas[steps[t_enc]])
    if t_enc == 0:
        rest = table.sigmas[[steps[0]]]  # nothing is left to walk: A1111 decodes the noised picture as it is
    elif sampler.name == "UniPC":
        rest = table.sigma_of(torch.linspace(steps[t_enc - 1], 0, t_enc + 1, dtype=torch.float64))
    else:
        rest = table.sigmas[steps[:t_enc]].flip(0)
    to_first = ((1 + float(rest[0]) ** 2) / (1 + noise_sigma**2)) ** 0.5
    return (original + noise * noise_sigma) * to_first, rest


def finish(sampler: Sampler, x: Tensor, sigmas: Tensor) -> Tensor:
    """The latent to decode. Samplers that walk timesteps stop above sigma 0, on the network's scale: times 0.999."""
    return x * (1 + float(sigmas[-1]) ** 2) ** -0.5 if sampler.start == "sqrt" else x
