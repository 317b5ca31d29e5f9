"""Both ends of a latent: the decode to pixels, and a quick linear preview fitted to the model's own decoder."""

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danqing.base.picture import Pixels
from danqing.diffusion.preview import fitted_factors, latent_to_rgb
from danqing.painting.memory import decode_within_memory, encode_within_memory
from danqing.weights.model import DiffusionModel

log = logging.getLogger(__name__)


def decode(model: DiffusionModel, latent: Tensor) -> tuple[Pixels, tuple[str, ...]]:
    """((8h, 8w, 3) uint8, notes) of one latent (C, h, w).

    Where the decoder overflows in half precision it is run again in float32, where memory is short in tiles, and the notes
    say so (A1111 does the same). Raises HardwareError where not even a tile fits.
    """
    picture, notes = _decoded_within_memory(model, latent.unsqueeze(0))
    if not bool(torch.isfinite(picture).all()) and model.vae_dtype != torch.float32:
        overflowed = (
            f"the decoder overflowed in {str(model.vae_dtype).removeprefix('torch.')}; decoded again in float32"
        )
        log.warning(overflowed)
        before = model.vae_dtype
        vae = cast("nn.Module", model.vae)
        vae.to(torch.float32)
        picture, again = _decoded_within_memory(model, latent.unsqueeze(0))
        notes = (overflowed, *again)
        vae.to(before)
    return _pixels(picture)[0], notes


def encode(model: DiffusionModel, picture: Pixels) -> Tensor:
    """The latent (C, h, w) float32 of a picture (H, W, 3): the mean of what the encoder sees, no chance in it. Sides are cut to a multiple of 8."""
    return encode_levels(model, levels_of(picture))


def levels_of(picture: Pixels) -> Tensor:
    """(3, H, W) float32 from -1 (black) to 1 (white) of a picture (H, W, 3)."""
    return torch.tensor(np.ascontiguousarray(picture[..., :3])).movedim(-1, 0).to(torch.float32) / 127.5 - 1


def encode_levels(model: DiffusionModel, levels: Tensor) -> Tensor:
    """`encode` of (3, H, W) in [-1, 1]."""
    factor = model.latent.factor
    height, width = levels.shape[1] // factor * factor, levels.shape[2] // factor * factor
    cut = levels[:, :height, :width].unsqueeze(0).to(model.device)

    def mean(part: Tensor) -> Tensor:
        # diffusers annotates its networks loosely; what they return here is a DiagonalGaussianDistribution and a Tensor.
        seen: Any = cast("Any", model.vae).encode(part.to(model.vae_dtype), return_dict=False)[0]
        return cast("Tensor", seen.mean).float()

    encoded, _ = encode_within_memory(mean, cut, factor)
    return ((encoded - model.latent.shift) * model.latent.scale)[0]


def _decoded_within_memory(model: DiffusionModel, latents: Tensor) -> tuple[Tensor, tuple[str, ...]]:
    return decode_within_memory(lambda part: _decoded(model, part), latents, model.latent.factor)


def _decoded(model: DiffusionModel, latents: Tensor) -> Tensor:
    """(B, 3, H, W) float32 in [-1, 1] and beyond."""
    form = model.latent
    unscaled = latents / form.scale + form.shift
    decoded: Tensor = cast("Any", model.vae).decode(unscaled.to(model.device, model.vae_dtype), return_dict=False)[0]
    return decoded.float()


def _pixels(pictures: Tensor) -> Pixels:
    levels = ((pictures.nan_to_num(0.0) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.movedim(1, -1).cpu().numpy())


@dataclass(frozen=True, eq=False)
class Preview:
    """Previews for one model. The linear map is fitted at the first use: random latents are decoded and compared with what came out."""

    model: DiffusionModel

    @cached_property
    def _map(self) -> tuple[Tensor, Tensor]:
        channels = self.model.latent.channels
        # Smooth patches: the map is for colours of areas, not for detail.
        draws = torch.randn((16, channels, 2, 2), generator=torch.Generator().manual_seed(0))
        latents = F.interpolate(draws, size=(8, 8), mode="bilinear")
        pictures = _decoded(self.model, latents.to(self.model.device)).cpu().clamp(-1, 1)
        return fitted_factors(latents, F.interpolate(pictures, size=(8, 8), mode="area"))

    def __call__(self, x0: Tensor) -> Pixels:
        """A picture (8h, 8w, 3) of the first latent of a batch (B, C, h, w): its colours without its detail."""
        factors, bias = self._map
        small = latent_to_rgb(x0[:1], factors, bias)[0].numpy()
        return np.ascontiguousarray(small.repeat(8, axis=0).repeat(8, axis=1))
