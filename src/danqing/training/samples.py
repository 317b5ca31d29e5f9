"""Sample pictures while a UNet is taught: fixed prompts, seeds, steps and guidance, so that sheets of different days
can be laid side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from danqing.diffusion.guidance import Predictions, compose
from danqing.diffusion.moment import Moment
from danqing.diffusion.noise import PictureNoise, fresh_noise
from danqing.diffusion.prediction import Prediction
from danqing.diffusion.samplers import SAMPLERS, SamplerOptions, sigmas_for
from danqing.diffusion.start import start_from_noise


@dataclass(frozen=True, eq=False)
class Networks:
    """What paints: `scale` is what latents were multiplied by for the UNet."""

    unet: Any
    vae: Any
    text: Any
    prediction: Prediction
    scale: float
    device: torch.device


@dataclass(frozen=True)
class Manner:
    """How sample pictures are painted; never changed between sheets that are compared."""

    steps: int = 20
    cfg_scale: float = 4.0
    sampler: str = "DDIM"
    side: int = 16
    """Of a latent."""


@torch.no_grad()
def paint_samples(
    networks: Networks,
    ids: Tensor,
    empty: Tensor,
    seeds: Sequence[int],
    manner: Manner = Manner(),
) -> NDArray[np.uint8]:
    """One picture for each row of ids (B, 77) and its seed; `empty` (77,) is the prompt without words. (B, H, W, 3)."""
    sampler = SAMPLERS.find(manner.sampler)
    sigmas = sigmas_for(sampler, manner.steps, networks.prediction.table)
    shape = (int(networks.unet.config["in_channels"]), manner.side, manner.side)
    noises = [PictureNoise(seed, "CPU") for seed in seeds]
    first = torch.stack([noise.draw(shape) for noise in noises])
    x = start_from_noise(sampler, first, sigmas).to(networks.device)
    words = torch.cat([empty.expand_as(ids), ids]).to(networks.device)
    context = networks.text(input_ids=words).last_hidden_state

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        prediction = networks.prediction
        doubled = torch.cat([x, x]).float()
        t = prediction.t_of(moment.sigma).round().float().expand(len(doubled)).to(networks.device)
        scaled = prediction.scale_input(doubled, moment.sigma)
        output = networks.unet(scaled, t, context, return_dict=False)[0]
        without, conditioned = prediction.denoised(doubled, moment.sigma, output.float()).chunk(2)
        return compose(Predictions((conditioned,), without), manner.cfg_scale).to(x.dtype)

    x = sampler.function(denoise, x, sigmas, noise=fresh_noise(noises, x), options=SamplerOptions())
    decoded = networks.vae.decode(x.float() / networks.scale).sample
    return ((decoded.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
