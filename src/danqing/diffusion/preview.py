"""Quick looks at a latent while it is painted: a linear map from its channels to colours, no network."""

import torch
from torch import Tensor


def latent_to_rgb(latent: Tensor, factors: Tensor, bias: Tensor | None = None) -> Tensor:
    """A small picture of x0: (B, h, w, 3) uint8 on the CPU. latent (B, C, h, w); factors (C, 3) and bias (3,) map it to
    [-1, 1]."""
    rgb = torch.einsum("bchw,cr->bhwr", latent.detach().float(), factors.to(latent.device, torch.float32))
    if bias is not None:
        rgb = rgb + bias.to(rgb)
    # NaN has no colour; grey shows that something went wrong without hiding the rest.
    return ((rgb.nan_to_num(0.0) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).cpu()


def fitted_factors(latents: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """(factors (C, 3), bias (3,)) that map latents best onto pictures. latents (B, C, h, w); pictures (B, 3, h, w) in
    [-1, 1], shrunk to h x w."""
    cells = latents.float().movedim(1, -1).flatten(0, -2)
    colours = pictures.float().movedim(1, -1).flatten(0, -2)
    with_one = torch.cat([cells, torch.ones_like(cells[:, :1])], 1)
    solution = torch.linalg.lstsq(with_one, colours).solution
    return solution[:-1], solution[-1]
