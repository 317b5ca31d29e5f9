"""Painting over a picture: its latent at the start, what is kept of it while sampling, and what inpainting and editing models are shown."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from danqing.base.picture_parts import Inpaint, SoftInpaint
from danqing.base.recipe import Recipe
from danqing.base.size import latent_size
from danqing.diffusion.masking import softly_masked, with_mask, with_mask_before
from danqing.diffusion.moment import Denoiser
from danqing.diffusion.samplers import Sampler
from danqing.painting.canvas import Canvas
from danqing.painting.latents import encode, encode_levels, levels_of
from danqing.painting.noises import first_noise
from danqing.pixels.mask import latent_mask
from danqing.weights.model import DiffusionModel


@dataclass(frozen=True, eq=False)
class Kept:
    """What stays of the picture below: its latent (B, C, h, w), and where (1, 1, h, w) it may change."""

    original: Tensor
    mask: Tensor
    soft: SoftInpaint | None = None


def first_latents(model: DiffusionModel, recipes: Sequence[Recipe], canvas: Canvas) -> tuple[Tensor, Kept | None]:
    """(latents (B, C, h, w) to paint over, what is kept of them where there is a mask)."""
    first = recipes[0]
    assert first.init is not None
    width, height = latent_size(first.width, first.height, model.latent.factor)
    latent = _at(encode(model, canvas.picture).unsqueeze(0), width, height)
    if canvas.others:
        further = [(_at(encode(model, other).unsqueeze(0), width, height), weight) for other, weight in canvas.others]
        latent = mixed([(latent, 1.0), *further])
    latents = latent.repeat(len(recipes), 1, 1, 1)
    if canvas.mask is None or first.inpaint is None:
        return latents, None
    mask = torch.tensor(latent_mask(canvas.mask, (width, height), soft=first.inpaint.soft is not None)).to(latents)[
        None, None
    ]
    if first.inpaint.content == "latent noise":
        noise, _ = first_noise(recipes, (latents.shape[1], latents.shape[2], latents.shape[3]))
        latents = latents * (1 - mask) + noise.to(latents) * mask
    elif first.inpaint.content == "latent nothing":
        latents = latents * (1 - mask)
    return latents, Kept(latents, mask, first.inpaint.soft)


def mixed(latents: Sequence[tuple[Tensor, float]]) -> Tensor:
    """Latents (B, C, h, w) as one by their weights. At every place their directions and their lengths are mixed apart.

    A plain mean of unlike latents is short, and what is short is grey.
    """
    total = sum(weight for _, weight in latents)
    direction = torch.stack([latent * (weight / total) for latent, weight in latents]).sum(0)
    lengths = [_length(latent) * (weight / total) for latent, weight in latents]
    return direction * (torch.stack(lengths).sum(0) / _length(direction).clamp(min=1e-6))


def _length(latents: Tensor) -> Tensor:
    return latents.pow(2).sum(dim=1, keepdim=True).sqrt()


def masked(denoise: Denoiser, kept: Kept, sampler: Sampler) -> Denoiser:
    """The denoiser with the original laid over what isn't masked, at the place where the sampler wants it."""
    if kept.soft:
        soft = kept.soft
        return softly_masked(
            denoise,
            kept.original,
            kept.mask,
            bias=soft.schedule_bias,
            preservation=soft.preservation,
            contrast=soft.contrast,
        )
    return (with_mask_before if sampler.mask == "before" else with_mask)(denoise, kept.original, kept.mask)


def sight_of(
    model: DiffusionModel, canvas: Canvas | None, size: tuple[int, int], inpaint: Inpaint | None = None
) -> Tensor | None:
    """What the network sees beside x: (1, k, h, w), or None for one that takes latents alone. size (width, height) in pixels.

    Inpainting models see the mask, and the picture with the masked part greyed out by `mask_weight`; without a picture
    all is masked. InstructPix2Pix sees the picture, its latent unscaled (Brooks et al. 2023, arXiv:2211.09800, 3.2).
    """
    if model.family.unet_channels == model.latent.channels:
        return None
    width, height = latent_size(*size, model.latent.factor)
    levels = levels_of(canvas.picture) if canvas else torch.zeros(3, size[1], size[0])
    if model.family.edits:
        return _at(encode_levels(model, levels).unsqueeze(0) / model.latent.scale + model.latent.shift, width, height)
    hidden = torch.ones(levels.shape[1:])
    if canvas and canvas.mask is not None and inpaint:
        hidden = torch.tensor(canvas.mask) / 255
        hidden = hidden if inpaint.soft else hidden.round()
    shown = encode_levels(model, levels * (1 - hidden * (inpaint.mask_weight if inpaint else 1.0)))
    where = F.interpolate(hidden[None, None].to(shown), size=(height, width))  # nearest, as the models were trained
    return torch.cat([where, _at(shown.unsqueeze(0), width, height)], dim=1)


def _at(latents: Tensor, width: int, height: int) -> Tensor:
    """Latents (B, C, h, w) at the painted size, where a picture was left at its own ("latent upscale")."""
    if latents.shape[2:] == (height, width):
        return latents
    return F.interpolate(latents, size=(height, width), mode="bilinear")
