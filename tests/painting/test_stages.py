"""Passes at the level of latents, where a batch can be held against its singles to the last digits."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from danqing.base.progress import Verdict
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.diffusion.moment import Moment
from danqing.painting.latents import decode, encode
from danqing.painting.plan import plan
from danqing.painting.stages import Opener, paint_from_noise, prepare
from danqing.weights.embedding import Embedding
from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from tests.toy.model import TOY_FAMILIES

RECIPES = [
    Recipe(prompt=text, negative_prompt="blurry", seed=seed, width=64, height=64, steps=8, sampler=sampler, cfg_scale=4)
    for sampler in ("Euler a", "DPM++ 2M", "DPM++ SDE", "DDIM")
    for seed, text in enumerate(("a", "b AND c:0.5", "d, " * 60, "[e:(f:1.3):0.5]"))
]
FLOAT32_BOUND = 1e-5
BFLOAT16_BOUND = 0.1
"""Measured on a Zen 4: 0.051 on the toy family, whose random weights amplify rounding; 0 on the embedded model."""


def go_on(moment: Moment, x0: Tensor) -> Verdict:
    return Verdict.CONTINUE


def no_embedding(ref: ModelRef) -> Embedding:
    raise AssertionError(f"no recipe here names an embedding, but {ref} was asked for")


def latents(model: DiffusionModel, recipes: Sequence[Recipe]) -> Tensor:
    with torch.inference_mode():
        return paint_from_noise(prepare(model, [plan(recipe) for recipe in recipes], 0, go_on, Opener(no_embedding)))


def worst_difference(model: DiffusionModel) -> float:
    """Relative L2 distance of every picture in its batch of four to itself alone, the largest."""
    worst = 0.0
    for first in range(0, len(RECIPES), 4):
        group = RECIPES[first : first + 4]
        together = latents(model, group)
        for row, recipe in enumerate(group):
            alone = latents(model, [recipe])[0]
            worst = max(worst, float((together[row] - alone).norm() / alone.norm()))
    return worst


def test_in_float32_a_batch_equals_its_singles_to_1e_5(toy_model: DiffusionModel) -> None:
    assert worst_difference(toy_model) <= FLOAT32_BOUND


def test_in_bfloat16_a_batch_stays_within_the_stated_bound(toy_folder: Path) -> None:
    half = load_model(toy_folder, Place("cpu", torch.bfloat16, torch.bfloat16), TOY_FAMILIES)
    assert worst_difference(half) <= BFLOAT16_BOUND


def test_a_decode_that_overflows_is_done_again_in_float32(toy_folder: Path) -> None:
    half = load_model(toy_folder, Place("cpu", torch.float32, torch.bfloat16), TOY_FAMILIES)
    calls: list[torch.dtype] = []
    original = half.vae.decode

    def overflowing(latent: Tensor, return_dict: bool = True) -> tuple[Tensor]:
        calls.append(latent.dtype)
        picture = original(latent, return_dict=return_dict)[0]
        return (picture.fill_(float("nan")) if latent.dtype == torch.bfloat16 else picture,)

    half.vae.decode = overflowing  # type: ignore[method-assign]
    with torch.inference_mode():
        pixels, notes = decode(half, torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(0)))
    assert calls == [torch.bfloat16, torch.float32]
    assert "float32" in notes[0]
    assert pixels.std() > 0
    assert half.vae_dtype == torch.bfloat16, "the decoder is left as it was found"


def test_encode_gives_what_the_encoder_sees_in_the_models_own_scale(toy_model: DiffusionModel) -> None:
    with torch.inference_mode():
        pixels, notes = decode(toy_model, torch.zeros(4, 8, 8))
        latent = encode(toy_model, pixels)
        picture = torch.tensor(pixels).movedim(-1, 0)[None] / 127.5 - 1
        expected = toy_model.vae.encode(picture).latent_dist.mean[0] * toy_model.latent.scale
    assert notes == ()
    assert torch.allclose(latent, expected, atol=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "velocity"])
def test_the_recipe_may_overrule_the_models_prediction(toy_model: DiffusionModel, prediction: str) -> None:
    asked = latents(toy_model, [RECIPES[0].but(prediction=prediction)])
    auto = latents(toy_model, [RECIPES[0]])
    assert torch.equal(asked, auto) is (prediction == toy_model.prediction)
