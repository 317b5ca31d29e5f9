"""A Stable Diffusion 1.x file dropped into the models folder paints through the very same way: full depth, quarter width, random weights."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline

from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.painting.noises import first_noise
from danqing.painting.plan import plan
from danqing.painting.stages import Opener, paint_from_noise, prepare
from danqing.studio.studio import Studio
from danqing.weights.loading import load_model
from danqing.weights.place import Place
from tests.painting.test_stages import go_on, no_embedding
from tests.weights import scaled

RECIPE = Recipe(
    prompt="a castle at sunset",
    negative_prompt="blurry",
    model=ModelRef(name="quarter"),
    width=128,
    height=192,
    steps=2,  # timesteps 999 and 0, where both sides' tables agree to the last bit
    sampler="Euler",
    seed=5,
    cfg_scale=7.5,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    models = folder / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaled, "VOCABULARY", 49408)  # real prompts need the real table
        path = scaled.write_scaled("sd1", models / "quarter.safetensors")
        scaled.write_oracle_folder(scaled.family_named("sd1"), folder / "configs", "StableDiffusionPipeline")
    yield folder
    path.unlink()


def test_it_is_found_detected_and_painted(home: Path) -> None:
    studio = Studio(home, environment={}, settings={"dtype": "float32"})
    (kept,) = studio.paint(Order(recipe=RECIPE))
    assert studio.catalog.find(RECIPE.model).family == "sd1"
    assert kept.picture.size == (128, 192)
    assert kept.picture.recipe.model.sha256 == studio.catalog.find(RECIPE.model).sha256
    assert kept.path.is_file()


def test_it_is_the_default_when_it_is_the_only_one_dropped_in(home: Path) -> None:
    assert Studio(home, environment={}).catalog.find(ModelRef()).name == "quarter"


def test_denoising_equals_diffusers_pipeline_within_1e_4(home: Path) -> None:
    path = home / "models" / "Stable-diffusion" / "quarter.safetensors"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = StableDiffusionPipeline.from_single_file(
            str(path), config=str(home / "configs"), local_files_only=True, torch_dtype=torch.float32
        )
    pipeline.scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="linspace", steps_offset=1
    )
    pipeline.tokenizer.model_max_length = 77  # its folder here has no tokenizer_config.json that would say so
    pipeline.set_progress_bar_config(disable=True)
    noise, _ = first_noise([RECIPE], (4, 24, 16))
    with torch.inference_mode():
        ours = paint_from_noise(prepare(load_model(path, Place()), [plan(RECIPE)], 0, go_on, Opener(no_embedding)))
        theirs = pipeline(
            RECIPE.prompt,
            negative_prompt=RECIPE.negative_prompt,
            width=RECIPE.width,
            height=RECIPE.height,
            num_inference_steps=RECIPE.steps,
            guidance_scale=RECIPE.cfg_scale,
            latents=noise.clone(),
            output_type="latent",
        ).images
    assert (ours - theirs).norm() / theirs.norm() <= 1e-4
    assert ours.isfinite().all()
