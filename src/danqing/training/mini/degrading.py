"""Large pictures made small and bad on purpose: what an upscaler is to mend. Pictures (B, 3, H, W) in [0, 1]."""

import io

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

SCALE = 4
"""How many times smaller."""

_RADIUS = 6
"""Of the blur's kernel, in pixels of the large picture."""
_WIDEST = 2.4
"""Standard deviation of the strongest blur: a good half of a small pixel."""
_GRAIN = 0.025
_QUALITIES = (60, 95)
_SHRINKING = ("area", "bilinear", "bicubic")


def degraded(large: Tensor, luck: Generator) -> Tensor:
    """Blurred, shrunk, noised and compressed, each more or less, some not at all. (B, 3, H / SCALE, W / SCALE)."""
    widths = torch.rand(len(large), generator=luck) * _WIDEST
    blurred = blur(large, widths * (torch.rand(len(large), generator=luck) < 0.6))
    small = shrunk(blurred, _SHRINKING[int(torch.randint(len(_SHRINKING), (), generator=luck))])
    amount = torch.rand((len(large), 1, 1, 1), generator=luck) * _GRAIN
    noisy = torch.rand((len(large), 1, 1, 1), generator=luck) < 0.5
    grain = torch.randn(small.shape, generator=luck) * amount * noisy
    small = (small + grain.to(small)).clamp(0, 1)
    qualities = torch.randint(*_QUALITIES, (len(large),), generator=luck).tolist()
    squeezed = (torch.rand(len(large), generator=luck) < 0.4).tolist()
    return torch.stack([compressed(x, q) if s else x for x, q, s in zip(small, qualities, squeezed, strict=True)])


def shrunk(large: Tensor, method: str = "bicubic") -> Tensor:
    """SCALE times smaller by a method of torch's `interpolate`, without aliases; bicubic may overshoot a little."""
    if method == "area":
        return F.avg_pool2d(large, SCALE)
    return F.interpolate(large, scale_factor=1 / SCALE, mode=method, antialias=True)


def blur(pictures: Tensor, widths: Tensor) -> Tensor:
    """Each picture under a Gaussian of its own standard deviation in pixels, (B,); 0 leaves it."""
    count, channels, height, width = pictures.shape
    along = torch.arange(-_RADIUS, _RADIUS + 1)
    kernels = torch.exp(-(along**2) / (2 * widths.clamp_min(1e-3)[:, None] ** 2))
    kernels = (kernels / kernels.sum(1, keepdim=True)).to(pictures).repeat_interleave(channels, 0)
    x = F.pad(pictures, (_RADIUS,) * 4, "reflect").view(1, count * channels, height + 2 * _RADIUS, -1)
    x = F.conv2d(x, kernels[:, None, None, :], groups=count * channels)
    x = F.conv2d(x, kernels[:, None, :, None], groups=count * channels)
    return x.view(count, channels, height, width)


def compressed(picture: Tensor, quality: int) -> Tensor:
    """One picture (3, H, W) as a JPEG of that quality shows it."""
    pixels = (picture * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    with Image.open(out) as seen:
        return (torch.from_numpy(np.array(seen)).permute(2, 0, 1).float() / 255).to(picture)
