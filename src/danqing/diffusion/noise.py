"""Noise that belongs to one picture: its generator, its starting noise, its noise while sampling. A batch only stacks
single pictures' draws.

Nothing is global: the same seed gives the same noise in every batch and on every device.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from danqing.diffusion.brownian import BrownianPath
from danqing.diffusion.philox import philox_normal
from danqing.diffusion.samplers.contract import StepNoise

NoiseSource: TypeAlias = Literal["CPU", "NV"]
"""torch's CPU generator, or what an NVIDIA GPU would have drawn."""


class PictureNoise:
    """One picture's random numbers, drawn one after the other."""

    def __init__(self, seed: int, source: NoiseSource = "CPU") -> None:
        self.seed = seed
        self.source = source
        self._draws = 0
        self._generator = torch.Generator().manual_seed(seed)

    def draw(self, shape: Sequence[int]) -> Tensor:
        """The next normal numbers: `shape`, unit variance, float32 on the CPU."""
        if self.source == "CPU":
            return torch.randn(tuple(shape), generator=self._generator, dtype=torch.float32)
        numbers = philox_normal(self.seed, self._draws, math.prod(shape))
        self._draws += 1
        return torch.from_numpy(numbers).view(tuple(shape))


@dataclass(frozen=True)
class SeedPlan:
    """All that decides one picture's noise."""

    seed: int
    source: NoiseSource = "CPU"
    subseed: int = 0
    subseed_strength: float = 0.0
    """0 is the seed's noise, 1 the subseed's."""
    resize_from: tuple[int, int] | None = None
    """(height, width) in latent cells of the picture whose composition to keep."""
    ensd: int = 0
    """Eta noise seed delta: noise after the first comes from seed + ensd."""


def starting_noise(plan: SeedPlan, shape: tuple[int, int, int]) -> tuple[Tensor, PictureNoise]:
    """(noise (C, h, w) of unit variance, the generator that goes on from there). shape (C, h, w) in latent cells."""
    generator = PictureNoise(plan.seed, plan.source)
    resized = plan.resize_from is not None and plan.resize_from != shape[1:]
    inner = (shape[0], *plan.resize_from) if plan.resize_from is not None else shape
    noise = PictureNoise(plan.seed, plan.source).draw(inner) if resized else generator.draw(shape)
    if plan.subseed_strength != 0:
        noise = slerp(noise, PictureNoise(plan.subseed, plan.source).draw(inner), plan.subseed_strength)
    if resized:
        noise = centred(noise, generator.draw(shape))
    if plan.ensd:
        generator = PictureNoise(plan.seed + plan.ensd, plan.source)
    return noise, generator


def slerp(low: Tensor, high: Tensor, share: float) -> Tensor:
    """Between two noises of shape (C, h, w) along the sphere, so that the variance stays. Column by column, as A1111
    does it."""
    # A1111 normalises along the height: its variations are reproduced only with that.
    cosine = (low / low.norm(dim=1, keepdim=True) * (high / high.norm(dim=1, keepdim=True))).sum(1, keepdim=True)
    if cosine.mean() > 0.9995:
        return low.lerp(high, share)
    angle = cosine.acos()
    return (((1 - share) * angle).sin() * low + (share * angle).sin() * high) / angle.sin()


def centred(inner: Tensor, outer: Tensor) -> Tensor:
    """`outer` (C, h, w) with `inner` in its middle: pasted where it is smaller, cropped where it is larger, side by
    side."""
    result = outer.clone()
    rows_to, rows_from = _overlap(outer.shape[1], inner.shape[1])
    columns_to, columns_from = _overlap(outer.shape[2], inner.shape[2])
    result[:, rows_to, columns_to] = inner[:, rows_from, columns_from]
    return result


def _overlap(outer: int, inner: int) -> tuple[slice, slice]:
    # Rounding down a negative half too: A1111's crop starts at the upper of two middle cells.
    shift = (outer - inner) // 2
    length = inner if shift >= 0 else inner + 2 * shift
    return slice(max(shift, 0), max(shift, 0) + length), slice(max(-shift, 0), max(-shift, 0) + length)


def fresh_noise(pictures: Sequence[PictureNoise], like: Tensor) -> StepNoise:
    """Step noise from each picture's generator. like (B, C, h, w) with one generator a row."""

    def noise(sigma: float, sigma_next: float) -> Tensor:
        return torch.stack([picture.draw(like.shape[1:]) for picture in pictures]).to(like.dtype).to(like.device)

    return noise


def brownian_noise(
    seeds: Sequence[int], like: Tensor, sigma_max: float, sigma_min: float = 0.0, source: NoiseSource = "CPU"
) -> StepNoise:
    """Step noise from one Brownian path a picture, in sigma: neighbouring and nested steps fit together.

    like (B, C, h, w). A1111's paths reach from the lowest level above 0 to the highest of the whole schedule.
    """
    shape = tuple(like.shape[1:])
    paths = [
        BrownianPath(seed, lambda node: PictureNoise(node, source).draw(shape), sigma_min, sigma_max) for seed in seeds
    ]

    def noise(sigma: float, sigma_next: float) -> Tensor:
        scale = abs(sigma - sigma_next) ** -0.5
        drawn = torch.stack([path.between(sigma, sigma_next) * scale for path in paths])
        return drawn.to(like.dtype).to(like.device)  # the dtype first: not every device has float64

    return noise
