"""Denoisers that keep the original outside of a mask."""

import torch
from torch import Tensor

from danqing.diffusion.masking import blended, with_mask, with_mask_before
from danqing.diffusion.moment import Moment
from danqing.diffusion.prediction import noise_table, scaled_linear
from danqing.diffusion.samplers import SAMPLERS, SamplerOptions, sigmas_for
from tests.diffusion import mixture

TABLE = noise_table(scaled_linear())
ORIGINAL = torch.linspace(-1.2, 1.2, 32, dtype=torch.float64).view(1, 2, 4, 4)
MASK = torch.zeros(1, 1, 4, 4, dtype=torch.float64)
MASK[..., 2:] = 1
NOISE = torch.randn(1, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
MOMENT = Moment(0, 0, 1, 2.0, 1.0)


def paint(denoise: object, name: str) -> Tensor:
    """A picture from ORIGINAL's noised version."""
    sampler = SAMPLERS.find(name)
    sigmas = sigmas_for(sampler, 12, TABLE)
    assert callable(denoise)
    return sampler.function(
        denoise, NOISE * sigmas[0], sigmas, noise=lambda s, t: torch.zeros(()), options=SamplerOptions()
    )


def test_a_mask_keeps_the_original_and_repaints_the_rest() -> None:
    result = paint(with_mask(mixture.denoise, ORIGINAL, MASK), "DPM++ 2M")
    free = paint(mixture.denoise, "DPM++ 2M")
    torch.testing.assert_close(result[..., :2], ORIGINAL[..., :2], rtol=0, atol=1e-9)
    torch.testing.assert_close(result[..., 2:], free[..., 2:])


def test_a_soft_mask_mixes() -> None:
    torch.testing.assert_close(blended(ORIGINAL * 3, ORIGINAL, MASK * 0.5)[..., 2:], ORIGINAL[..., 2:] * 2)


def test_masking_before_shows_the_network_the_clean_original_on_its_own_scale() -> None:
    seen: list[Tensor] = []

    def inner(x: Tensor, moment: Moment) -> Tensor:
        seen.append(x / (1 + moment.sigma**2) ** 0.5)
        return mixture.denoise(x, moment)

    with_mask_before(inner, ORIGINAL, MASK)(NOISE, MOMENT)
    torch.testing.assert_close(seen[0][..., :2], ORIGINAL[..., :2])
    torch.testing.assert_close(seen[0][..., 2:], NOISE[..., 2:] / 5**0.5)


def test_masking_before_takes_over_the_noise_that_the_network_found() -> None:
    shown = blended(NOISE, ORIGINAL * 5**0.5, MASK)
    found = (shown - mixture.denoised(shown, 2.0)) / 2.0
    x0 = with_mask_before(mixture.denoise, ORIGINAL, MASK)(NOISE, MOMENT)
    torch.testing.assert_close((NOISE - x0) / 2.0, found)


def test_masking_before_leaves_the_repainted_part_as_it_would_be_without() -> None:
    result = paint(with_mask_before(mixture.denoise, ORIGINAL, MASK), "DDIM")
    torch.testing.assert_close(result[..., 2:], paint(mixture.denoise, "DDIM")[..., 2:])
