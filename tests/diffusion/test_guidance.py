"""Guidance: composition, rescale, when the negative prompt is left out, and the pair for CFG++."""

import pytest
import torch
from torch import Tensor

from danqing.diffusion.guidance import Guidance, Predictions, compose, guided, rescaled
from danqing.diffusion.moment import Moment

SHAPE = (2, 4, 5, 6)
COND, OTHER, UNCOND, X = (
    torch.randn(SHAPE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) for seed in range(4)
)


def moment(call: int = 0, sigma: float = 5.0) -> Moment:
    """A moment of a run of 10 steps."""
    return Moment(call, call, 10, sigma, sigma / 2)


def test_guidance_extends_the_line_from_negative_to_prompt() -> None:
    torch.testing.assert_close(compose(Predictions([COND], UNCOND), 7.0), UNCOND + 7 * (COND - UNCOND))


def test_cfg_1_is_the_prompt_alone() -> None:
    torch.testing.assert_close(compose(Predictions([COND], UNCOND), 1.0), COND)
    assert torch.equal(compose(Predictions([COND], None), 7.0), COND)


def test_and_adds_the_pulls_of_its_parts_by_weight() -> None:
    expected = UNCOND + 7 * (1.2 * (COND - UNCOND) - 0.5 * (OTHER - UNCOND))
    torch.testing.assert_close(compose(Predictions([COND, OTHER], UNCOND, (1.2, -0.5)), 7.0), expected)


def test_weights_may_differ_from_picture_to_picture() -> None:
    weights = (torch.tensor([1.0, 0.3]), torch.tensor([0.0, 2.0]))
    both = compose(Predictions([COND, OTHER], UNCOND, weights), 7.0)
    for row, (first, second) in enumerate([(1.0, 0.0), (0.3, 2.0)]):
        alone = Predictions([COND[row : row + 1], OTHER[row : row + 1]], UNCOND[row : row + 1], (first, second))
        torch.testing.assert_close(both[row], compose(alone, 7.0)[0], rtol=1e-6, atol=1e-6)


def test_without_the_negative_prompt_the_first_part_takes_its_place_at_cfg_1() -> None:
    expected = COND + 0.5 * (OTHER - COND)
    torch.testing.assert_close(compose(Predictions([COND, OTHER], None, (1.2, 0.5)), 7.0), expected)


def test_editing_guides_by_words_and_by_picture() -> None:
    result = compose(Predictions([COND], OTHER, blind=UNCOND), 7.5, 1.5)
    torch.testing.assert_close(result, UNCOND + 7.5 * (COND - OTHER) + 1.5 * (OTHER - UNCOND))
    assert torch.equal(compose(Predictions([COND], COND, blind=COND), 7.5, 1.5), COND)
    torch.testing.assert_close(
        compose(Predictions([COND], OTHER, blind=UNCOND), 7.5, 1.0), compose(Predictions([COND], OTHER), 7.5)
    )


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_rescale_is_that_of_diffusers_on_velocities(strength: float) -> None:
    sigma = 3.0
    alpha = (1 + sigma**2) ** -0.5

    def velocity(x0: Tensor) -> Tensor:
        return (X * alpha * alpha - x0) / (sigma * alpha)

    def x0_of(v: Tensor) -> Tensor:
        return X * alpha * alpha - v * sigma * alpha

    pipeline = pytest.importorskip("diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion")
    expected = x0_of(pipeline.rescale_noise_cfg(velocity(OTHER), velocity(COND), guidance_rescale=strength))
    torch.testing.assert_close(rescaled(X, sigma, OTHER, COND, strength), expected)


def test_the_negative_prompt_is_wanted_by_default() -> None:
    assert all(Guidance().needs_uncond(moment(call), 10) for call in range(10))


def test_outside_of_its_interval_guidance_is_off() -> None:
    guidance = Guidance(sigma_low=0.3, sigma_high=5.0)
    wanted = [guidance.needs_uncond(moment(sigma=sigma), 10) for sigma in (14.0, 5.0, 1.0, 0.3, 0.1)]
    assert wanted == [False, True, True, False, False]


def test_below_its_minimum_sigma_every_second_call_leaves_the_negative_prompt_out() -> None:
    guidance = Guidance(skip_below=2.0)
    assert [guidance.needs_uncond(moment(call, 1.0), 10) for call in range(4)] == [True, False, True, False]
    assert all(guidance.needs_uncond(moment(call, 2.0), 10) for call in range(4))
    assert not any(Guidance(skip_below=2.0, skip_every_call=True).needs_uncond(moment(c, 1.0), 10) for c in range(4))


def test_early_calls_can_leave_the_negative_prompt_out() -> None:
    guidance = Guidance(skip_early=0.2)
    assert [guidance.needs_uncond(moment(call), 10) for call in range(5)] == [False, False, False, True, True]


def test_the_guided_denoiser_composes_what_was_predicted_and_asks_once() -> None:
    asked: list[bool] = []

    def predict(x: Tensor, now: Moment, wanted: bool) -> Predictions:
        asked.append(wanted)
        return Predictions([COND], UNCOND if wanted else None)

    denoise, without_prompt = guided(predict, Guidance(cfg_scale=3.0, sigma_low=1.0), 10)
    torch.testing.assert_close(denoise(X, moment()), UNCOND + 3 * (COND - UNCOND))
    assert without_prompt(X, moment()) is UNCOND
    assert asked == [True]
    assert denoise(X, moment(1, 0.5)) is COND
    assert asked == [True, False]


def test_the_unguided_denoiser_asks_anew_for_another_x_or_moment() -> None:
    asked: list[Moment] = []

    def predict(x: Tensor, now: Moment, wanted: bool) -> Predictions:
        asked.append(now)
        return Predictions([COND + x], UNCOND + x if wanted else None)

    denoise, without_prompt = guided(predict, Guidance(), 10)
    denoise(X, moment(0))
    assert torch.equal(without_prompt(X, moment(1)), UNCOND + X)
    assert torch.equal(without_prompt(X * 2, moment(0)), UNCOND + X * 2)
    assert len(asked) == 3


def test_rescale_is_part_of_the_guided_denoiser() -> None:
    denoise, _ = guided(lambda x, now, wanted: Predictions([COND], UNCOND), Guidance(7.0, rescale=0.7), 10)
    strong = compose(Predictions([COND], UNCOND), 7.0)
    torch.testing.assert_close(denoise(X, moment()), rescaled(X, 5.0, strong, COND, 0.7))
