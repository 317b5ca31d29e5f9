"""Between two passes: latents enlarged as latents, or decoded, enlarged as pictures and encoded again."""

import torch
import torch.nn.functional as F
from torch import Tensor

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.base.size import latent_size
from danqing.painting.canvas import Enlarge, resampled
from danqing.painting.latents import decode, encode
from danqing.painting.plan import LATENT_UPSCALERS, Pass
from danqing.weights.model import DiffusionModel


def enlarged(
    latents: Tensor, source: DiffusionModel, target: DiffusionModel, one: Pass, enlarge: Enlarge = resampled
) -> Tensor:
    """Latents (B, C, h, w) of `source` brought to a pass's size, in the format of `target`.

    Raises RecipeError for a latent upscaler between two formats: numbers of one mean nothing in the other.
    """
    size = latent_size(one.width, one.height, target.latent.factor)
    if one.upscaler in LATENT_UPSCALERS:
        if source.latent != target.latent:
            raise RecipeError(
                f"{one.upscaler!r} can't take latents of {source.name} to {target.name}, whose format is another; use Lanczos"
            )
        return _cropped(_stretched(latents, size, one.upscaler), one.crop)
    pictures = [_grown(decode(source, latent)[0], one, enlarge) for latent in latents]
    return torch.stack([encode(target, picture) for picture in pictures])


def _stretched(latents: Tensor, size: tuple[int, int], upscaler: str) -> Tensor:
    mode, antialias = LATENT_UPSCALERS[upscaler]
    return F.interpolate(latents, size=(size[1], size[0]), mode=mode, antialias=antialias)


def _cropped(latents: Tensor, crop: tuple[int, int]) -> Tensor:
    """Cut from both sides, the odd line from the far one (A1111's truncate_x // 2)."""
    left, top = crop[0] // 2, crop[1] // 2
    height, width = latents.shape[2] - crop[1], latents.shape[3] - crop[0]
    return latents[:, :, top : top + height, left : left + width]


def _grown(picture: Pixels, one: Pass, enlarge: Enlarge) -> Pixels:
    """A picture that isn't to grow is resampled whatever the upscaler (A1111's rule for hires)."""
    height, width = picture.shape[:2]
    grows = one.width > width or one.height > height
    grown = enlarge(picture, one.upscaler if grows else "Lanczos", (one.width, one.height))
    left, top = 8 * (one.crop[0] // 2), 8 * (one.crop[1] // 2)
    return grown[top : one.height - 8 * one.crop[1] + top, left : one.width - 8 * one.crop[0] + left]
