"""Predictions: what a network says, as x0; noise levels and timesteps."""

import math

import pytest
import torch
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.diffusion.prediction import (
    PREDICTIONS,
    NoiseTable,
    Prediction,
    flow_table,
    noise_table,
    prediction_of,
    scaled_linear,
    zero_terminal_snr,
)

TABLE = noise_table(scaled_linear())
X0 = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
NOISE = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
SIGMAS = torch.tensor([0.05, 1.3, 11.0], dtype=torch.float64)


def prediction(name: str) -> Prediction:
    """SD's levels under every form but flow, which has its own."""
    return Prediction(PREDICTIONS.find(name), flow_table() if name == "flow" else TABLE)


def test_stable_diffusions_levels_run_from_0_029_to_14_6() -> None:
    assert TABLE.sigma_min == pytest.approx(0.029167158151720367, rel=1e-12)
    assert TABLE.sigma_max == pytest.approx(14.614641229333639, rel=1e-12)
    assert len(TABLE) == 1000


def test_a_timestep_and_its_level_lead_to_each_other() -> None:
    t = torch.tensor([0.0, 0.25, 1.0, 500.5, 998.75, 999.0], dtype=torch.float64)
    torch.testing.assert_close(TABLE.t_of(TABLE.sigma_of(t)), t, rtol=0, atol=1e-8)
    assert float(TABLE.sigma_of(2)) == pytest.approx(float(TABLE.sigmas[2]), rel=1e-14)


def test_between_two_timesteps_the_level_is_their_geometric_mean() -> None:
    assert float(TABLE.sigma_of(10.5)) == pytest.approx(math.sqrt(float(TABLE.sigmas[10] * TABLE.sigmas[11])))


def test_levels_beyond_the_table_have_its_end_as_timestep() -> None:
    assert TABLE.t_of(torch.tensor([1e-6, 1e6])).tolist() == [0.0, 999.0]


def test_the_timestep_of_a_level_can_be_kept_to_a_grid() -> None:
    sigma = TABLE.sigma_of(672.3)
    assert float(TABLE.t_of(sigma, every=1)) == 672
    assert float(TABLE.t_of(sigma, every=20)) == 679
    assert float(TABLE.t_of(TABLE.sigma_max, every=20)) == 999
    assert TABLE.t_of(TABLE.sigma_of(torch.tensor([19.4, 650.0])), every=1).tolist() == [19, 650]


@pytest.mark.parametrize("name", list(PREDICTIONS))
def test_a_network_that_says_its_target_is_right_about_x0(name: str) -> None:
    known = prediction(name)
    x = known.noised(X0, NOISE, SIGMAS)
    torch.testing.assert_close(known.denoised(x, SIGMAS, known.target(X0, NOISE, SIGMAS)), X0, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", list(PREDICTIONS))
def test_one_level_for_all_is_the_same_as_one_a_picture(name: str) -> None:
    known = prediction(name)
    together = known.denoised(X0, torch.full((3,), 2.5, dtype=torch.float64), NOISE)
    torch.testing.assert_close(known.denoised(X0, 2.5, NOISE), together)
    torch.testing.assert_close(known.scale_input(X0, 2.5), known.scale_input(X0, torch.full((3,), 2.5)))


@pytest.mark.parametrize("name", ["epsilon", "velocity", "sample"])
def test_a_variance_preserving_input_has_the_variance_it_was_trained_on(name: str) -> None:
    # alpha x0 + sigma_vp noise, with alpha^2 + sigma_vp^2 = 1
    alpha = 1 / math.sqrt(1 + 1.7**2)
    known = prediction(name)
    seen = known.scale_input(known.noised(X0, NOISE, 1.7), 1.7)
    torch.testing.assert_close(seen, alpha * X0 + math.sqrt(1 - alpha**2) * NOISE)


def test_velocity_is_alpha_noise_less_sigma_x0() -> None:
    alpha = 1 / math.sqrt(1 + 1.7**2)
    expected = alpha * NOISE - math.sqrt(1 - alpha**2) * X0
    torch.testing.assert_close(prediction("velocity").target(X0, NOISE, 1.7), expected)


def test_a_flow_sees_the_straight_line_between_picture_and_noise() -> None:
    known, sigma = prediction("flow"), 0.25 / 0.75
    torch.testing.assert_close(known.scale_input(known.noised(X0, NOISE, sigma), sigma), 0.75 * X0 + 0.25 * NOISE)
    assert float(known.t_of(sigma)) == pytest.approx(250)
    torch.testing.assert_close(known.target(X0, NOISE, sigma), NOISE - X0)


def test_the_shift_of_a_flow_moves_its_middle_towards_noise() -> None:
    assert float(flow_table(1000).sigmas[499]) == pytest.approx(1.0)
    assert float(flow_table(1000, shift=3.0).sigmas[499]) == pytest.approx(3.0)
    assert bool(flow_table(1000, shift=3.0).sigmas.isfinite().all())


@pytest.mark.parametrize("name", list(PREDICTIONS))
def test_the_loss_is_0_for_the_target_and_counts_each_picture_alone(name: str) -> None:
    known = prediction(name)
    output = known.target(X0, NOISE, SIGMAS).clone()
    assert float(known.loss(output, X0, NOISE, SIGMAS).abs().max()) == 0
    output[1] += 0.5
    torch.testing.assert_close(known.loss(output, X0, NOISE, SIGMAS), torch.tensor([0, 0.25, 0], dtype=torch.float64))


def test_the_loss_of_a_bf16_output_is_summed_in_float32() -> None:
    known = prediction("epsilon")
    output = NOISE.bfloat16()
    loss = known.loss(output, X0.bfloat16(), NOISE.bfloat16(), SIGMAS)
    assert (loss.dtype, loss.shape) == (torch.float32, (3,))


def test_a_bf16_x_stays_bf16_and_its_factors_are_not_rounded() -> None:
    x = torch.full((1, 1, 1, 1), 256.0, dtype=torch.bfloat16)
    seen = prediction("epsilon").scale_input(x, 14.6146)
    assert seen.dtype == torch.bfloat16
    assert float(seen) == float(torch.tensor(256 / math.sqrt(1 + 14.6146**2)).bfloat16())


def test_a_prediction_is_found_by_the_names_that_configs_use() -> None:
    assert [PREDICTIONS.name_of(word) for word in ("v_prediction", "V", "eps", "x0")] == [
        "velocity",
        "velocity",
        "epsilon",
        "sample",
    ]
    with pytest.raises(ModelError, match="did you mean epsilon"):
        prediction_of("epsilom", scaled_linear())


def test_zero_terminal_snr_leaves_the_first_level_and_nearly_no_signal_at_the_last() -> None:
    stretched = noise_table(zero_terminal_snr(scaled_linear()))
    assert stretched.sigma_min == pytest.approx(TABLE.sigma_min)
    assert stretched.sigma_max == pytest.approx(4518.7, rel=1e-4)
    assert bool((stretched.sigmas.diff() > 0).all())


def test_zero_terminal_snr_is_the_papers_algorithm() -> None:
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    rescaled = pytest.importorskip("diffusers.schedulers.scheduling_ddim").rescale_zero_terminal_snr(betas)
    expected = (1 - rescaled).cumprod(0)
    torch.testing.assert_close(zero_terminal_snr(scaled_linear())[:-1], expected[:-1], rtol=1e-9, atol=0)


def test_a_checkpoint_whose_schedule_ends_at_0_gets_a_finite_level() -> None:
    alphas = scaled_linear()
    alphas[-1] = 0
    assert noise_table(alphas).sigma_max == pytest.approx(4518.7, rel=1e-4)


@pytest.mark.parametrize("alphas", [[0.9, 0.95, 0.1], [1.0, 0.5], [0.9, -0.1], [0.9, float("nan")]])
def test_a_broken_noise_schedule_is_refused(alphas: list[float]) -> None:
    with pytest.raises(ModelError, match="alphas_cumprod"):
        noise_table(torch.tensor(alphas))


def test_a_table_of_another_length_works_as_well() -> None:
    table = NoiseTable(torch.tensor([0.1, 1.0, 10.0], dtype=torch.float64))
    assert table.t_of(torch.tensor([0.1, 10**-0.5, 10.0], dtype=torch.float64)).tolist() == pytest.approx([0, 0.5, 2])
    assert isinstance(table.sigma_of(1.5), Tensor)
