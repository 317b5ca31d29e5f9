"""Latents as colours."""

import torch

from danqing.diffusion.preview import fitted_factors, latent_to_rgb

FACTORS = torch.tensor([[0.5, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]])


def test_a_preview_is_a_small_picture_of_bytes() -> None:
    latent = torch.zeros(2, 4, 3, 5)
    latent[0, :3, 1, 2] = torch.tensor([1.0, 1.0, 1.0])
    rgb = latent_to_rgb(latent, FACTORS)
    assert (rgb.shape, rgb.dtype) == ((2, 3, 5, 3), torch.uint8)
    assert rgb[0, 1, 2].tolist() == [191, 255, 0]
    assert rgb[1, 0, 0].tolist() == [128, 128, 128]


def test_colours_beyond_the_range_are_clipped_and_nan_is_grey() -> None:
    latent = torch.full((1, 4, 1, 1), 50.0)
    assert latent_to_rgb(latent, FACTORS).flatten().tolist() == [255, 255, 0]
    assert latent_to_rgb(latent * torch.nan, FACTORS).flatten().tolist() == [128, 128, 128]


def test_a_bias_brightens() -> None:
    rgb = latent_to_rgb(torch.zeros(1, 4, 1, 1, dtype=torch.bfloat16), FACTORS, torch.tensor([1.0, 0.0, -1.0]))
    assert rgb.flatten().tolist() == [255, 128, 0]


def test_factors_are_found_from_pictures() -> None:
    latents = torch.randn(3, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    bias = torch.tensor([0.1, -0.2, 0.3])
    pictures = torch.einsum("bchw,cr->brhw", latents, FACTORS) + bias.view(1, 3, 1, 1)
    factors, offset = fitted_factors(latents, pictures)
    torch.testing.assert_close(factors, FACTORS, rtol=0, atol=1e-5)
    torch.testing.assert_close(offset, bias, rtol=0, atol=1e-5)
