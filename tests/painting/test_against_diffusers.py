"""The whole way against diffusers' own pipeline as an oracle: same weights, same noise, same prompt, same picture."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline
from transformers import CLIPTokenizer

from danqing.base.recipe import Recipe
from danqing.painting.engine import Engine
from danqing.painting.noises import first_noise
from danqing.weights.place import Place
from tests.toy.fixtures import TOY_REF, FolderCatalog

TOKENIZER = Path(__file__).parents[2] / "src" / "danqing" / "assets" / "tokenizer"
TRAINED = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}
PROMPT, NEGATIVE = "1girl, long green hair, glasses", "blurry"


@pytest.fixture(scope="module")
def pipeline(toy_model: object) -> StableDiffusionPipeline:
    """diffusers' pipeline around the very same networks, float32."""
    return StableDiffusionPipeline(
        vae=toy_model.vae,  # type: ignore[attr-defined]
        text_encoder=toy_model.text_encoders[0],  # type: ignore[attr-defined]
        tokenizer=CLIPTokenizer(str(TOKENIZER / "vocab.json"), str(TOKENIZER / "merges.txt"), model_max_length=77),
        unet=toy_model.unet,  # type: ignore[attr-defined]
        scheduler=EulerDiscreteScheduler(**TRAINED, timestep_spacing="linspace", steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def test_a_picture_is_that_of_diffusers_own_pipeline(
    pipeline: StableDiffusionPipeline, toy_catalog: FolderCatalog
) -> None:
    # 4 steps over 0..999 fall on whole timesteps, where both sides' tables agree to the last bit.
    whole = Recipe(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        model=TOY_REF,
        width=64,
        height=64,
        seed=11,
        cfg_scale=5,
        sampler="Euler",
        steps=4,
    )
    (picture,) = Engine(toy_catalog, Place()).paint([whole])
    ours = picture.pixels.astype(int)
    noise, _ = first_noise([whole], (4, 8, 8))
    pipeline.set_progress_bar_config(disable=True)
    with torch.inference_mode():
        theirs = pipeline(
            PROMPT,
            negative_prompt=NEGATIVE,
            height=64,
            width=64,
            num_inference_steps=whole.steps,
            guidance_scale=whole.cfg_scale,
            latents=noise.clone(),
            output_type="np",
        ).images[0]
    difference = np.abs(ours - np.round(theirs * 255).astype(int))
    assert difference.max() <= 1
    assert ours.std() > 5
