import pytest
import torch

from danqing.diffusion.prediction import prediction_of, scaled_linear
from danqing.training.losses import capped_snr_weight, contrastive_loss, kl_to_normal, noise_loss, picture_loss, psnr


def latents(seed: int) -> torch.Tensor:
    return torch.randn((3, 4, 8, 8), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", ["epsilon", "velocity", "sample"])
def test_the_noise_loss_without_gamma_is_the_predictions_own(name: str) -> None:
    prediction = prediction_of(name, scaled_linear())
    sigma = prediction.sigma_of(torch.tensor([10, 400, 900]))
    output, x0, noise = latents(0), latents(1), latents(2)
    expected = prediction.loss(output, x0, noise, sigma).mean()
    assert torch.equal(noise_loss(prediction, output, x0, noise, sigma, None), expected)


@pytest.mark.parametrize("name", ["epsilon", "velocity", "sample"])
def test_the_right_output_costs_nothing(name: str) -> None:
    prediction = prediction_of(name, scaled_linear())
    sigma = prediction.sigma_of(torch.tensor([10, 400, 900]))
    x0, noise = latents(1), latents(2)
    assert noise_loss(prediction, prediction.target(x0, noise, sigma), x0, noise, sigma, 5.0) == 0


def test_a_large_gamma_leaves_velocity_and_epsilon_unweighted() -> None:
    sigma = torch.tensor([0.5, 1.0, 10.0])
    for name in ("velocity", "epsilon"):
        weight = capped_snr_weight(prediction_of(name, scaled_linear()), sigma, 1e9)
        assert torch.allclose(weight, torch.ones(3))


def test_capped_weights_equal_the_papers_formula_for_epsilon() -> None:
    sigma = torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64)
    snr = sigma**-2
    weight = capped_snr_weight(prediction_of("epsilon", scaled_linear()), sigma, 5.0)
    assert torch.allclose(weight.double(), snr.clamp(max=5) / snr)


def test_pure_noise_keeps_its_full_weight_for_velocity() -> None:
    weight = capped_snr_weight(prediction_of("velocity", scaled_linear()), torch.tensor([0.05, 14.0]), 5.0)
    assert weight[1] == 1
    assert weight[0] < 0.02


def test_equal_pictures_have_no_picture_loss() -> None:
    picture = latents(3)[:, :3]
    assert picture_loss(picture, picture) == 0


def test_a_constant_shift_costs_pixels_and_means_but_no_edges() -> None:
    picture = torch.zeros(1, 3, 8, 8)
    assert torch.isclose(picture_loss(picture + 0.5, picture, edge=100.0, coarse=0.5), torch.tensor(0.75))


def test_the_kl_of_the_unit_normal_is_zero() -> None:
    assert kl_to_normal(torch.zeros(4), torch.zeros(4)) == 0
    assert kl_to_normal(torch.ones(4), torch.zeros(4)) == 0.5


def test_matching_pairs_cost_less_than_swapped_ones() -> None:
    unit = torch.eye(4)
    assert contrastive_loss(unit, unit, torch.tensor(10.0)) < contrastive_loss(unit, unit.flip(0), torch.tensor(10.0))


def test_psnr_of_a_tenth_of_the_range_is_twenty() -> None:
    wanted = torch.zeros(2, 3, 4, 4)
    assert torch.allclose(psnr(wanted + 0.2, wanted), torch.tensor([20.0, 20.0]))
