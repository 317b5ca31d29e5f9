"""Repainting a part: denoisers that keep the original outside of a mask. mask (B, 1, h, w) or (1, 1, h, w) in [0, 1], 1
is repainted."""

import torch
from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment


def blended(x0: Tensor, original: Tensor, mask: Tensor) -> Tensor:
    """x0 where mask is 1, the original where it is 0. All (B, C, h, w) or broadcast to it."""
    return x0 * mask + original * (1 - mask)


def with_mask(inner: Denoiser, original: Tensor, mask: Tensor) -> Denoiser:
    """Lays the original over every prediction, so that sampling itself carries the noise of the kept part. original (B,
    C, h, w)."""

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        return blended(inner(x, moment), original, mask)

    return denoise


def with_mask_before(inner: Denoiser, original: Tensor, mask: Tensor) -> Denoiser:
    """A1111's way for DDIM, DDIM CFG++, PLMS and UniPC: the network sees the clean original in the kept part, and its
    noise is taken as it is.

    The kept part is right only after `blended` at the end; softer than `with_mask`, kept for the sake of equal
    pictures.
    """

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        # Blended on the network's own scale, where the original stands unscaled beside x / sqrt(1 + sigma^2).
        seen = blended(x, original * (1 + moment.sigma**2) ** 0.5, mask)
        return x - (seen - inner(seen, moment))

    return denoise


def softly_masked(
    inner: Denoiser, original: Tensor, mask: Tensor, *, bias: float, preservation: float, contrast: float
) -> Denoiser:
    """Soft inpainting: a mask of all shades, whose greys keep more of the original the less noise is left.

    The mask is taken to the power of preservation * sigma ** bias, and `magnitude_blended` lays prediction and original
    together. A1111's soft inpainting (1.8, extensions-builtin/soft-inpainting).
    """

    def denoise(x: Tensor, moment: Moment) -> Tensor:
        share = mask ** (preservation * moment.sigma**bias)
        return magnitude_blended(original, inner(x, moment), share, contrast)

    return denoise


def magnitude_blended(first: Tensor, second: Tensor, share: Tensor, power: float) -> Tensor:
    """Between two latents (B, C, h, w) by share (B|1, 1, h, w): the direction of the straight mixture, its length mixed by
    powers.

    A straight mixture of unlike vectors is short, and what is short is blurred; a high `power` keeps the longer one's length.
    """
    mixed = first * (1 - share) + second * share
    # float64: lengths to the power of 32 leave the range of float32.
    lengths = [part.double().norm(dim=1, keepdim=True) for part in (first, second, mixed)]
    wanted = (lengths[0] ** power * (1 - share) + lengths[1] ** power * share) ** (1 / power)
    return (mixed * (wanted / (lengths[2] + 1e-5))).to(torch.promote_types(first.dtype, second.dtype))
