"""Every family through the stages, against diffusers: SDXL, refiner, inpainting, InstructPix2Pix. Full depth, quarter width."""

import gc
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    EulerDiscreteScheduler,
    StableDiffusionInpaintPipeline,
    StableDiffusionInstructPix2PixPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
)
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from PIL import Image
from torch import Tensor

from danqing.base.parts import Guidance, SdxlSize, TextEncoding
from danqing.base.picture_parts import Inpaint
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef
from danqing.painting.canvas import Canvas
from danqing.painting.noises import first_noise
from danqing.painting.plan import plan
from danqing.painting.stages import Opener, paint_from_noise, prepare
from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from tests.painting.test_stages import go_on, no_embedding
from tests.weights import scaled

RECIPE = Recipe(
    prompt="a castle at sunset",
    negative_prompt="blurry",
    width=128,
    height=192,
    steps=2,  # timesteps 999 and 0, where both sides' tables agree to the last bit
    sampler="Euler",
    seed=5,
    cfg_scale=7.5,
)
MASKED = Inpaint(mask=ImageRef(sha256="0" * 64))
PIPELINES: dict[str, Any] = {
    "sdxl_base": StableDiffusionXLPipeline,
    "sdxl_refiner": StableDiffusionXLImg2ImgPipeline,
    "sd1_inpaint": StableDiffusionInpaintPipeline,
    "sd1_pix2pix": StableDiffusionInstructPix2PixPipeline,
}


@dataclass(frozen=True)
class Pair:
    """The same file as danqing and as diffusers loads it."""

    header: str
    model: DiffusionModel
    pipeline: Any


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp(request.param)
    kind = PIPELINES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scaled, "VOCABULARY", 49408)  # real prompts need the real table
        path = scaled.write_scaled(request.param, folder / "quarter.safetensors")
        family = scaled.family_named(scaled.FAMILY_OF[request.param])
        scaled.write_oracle_folder(family, folder / "configs", kind.__name__)
    yield Pair(request.param, load_model(path, Place()), oracle(kind, path, folder / "configs"))
    path.unlink()
    gc.collect()


def oracle(kind: Any, path: Path, configs: Path) -> Any:
    """diffusers' own pipeline from the file, its scheduler set to the levels of A1111's Euler."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = kind.from_single_file(
            str(path),
            config=str(configs),
            local_files_only=True,
            torch_dtype=torch.float32,
            requires_safety_checker=False,
        )
    pipeline.scheduler = EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="linspace", steps_offset=1
    )
    for name in ("tokenizer", "tokenizer_2"):
        if getattr(pipeline, name, None) is not None:
            getattr(pipeline, name).model_max_length = 77
    if kind is StableDiffusionXLImg2ImgPipeline:
        pipeline.register_to_config(requires_aesthetics_score=True)
    if getattr(pipeline, "tokenizer_2", None) is not None:
        pipeline.tokenizer_2.pad_token = (
            "!"  # id 0, as OpenCLIP pads; the folder here has no settings that would say so
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def painted(model: DiffusionModel, recipe: Recipe, canvas: Canvas | None = None) -> Tensor:
    with torch.inference_mode():
        return paint_from_noise(prepare(model, [plan(recipe)], 0, go_on, Opener(no_embedding), canvas))


def theirs(pair: Pair, recipe: Recipe, noise: Tensor, canvas: Canvas) -> Tensor:
    """The latents that diffusers paints from the same noise."""
    pipeline = pair.pipeline
    words: dict[str, Any] = {
        "negative_prompt": recipe.negative_prompt or None,
        "num_inference_steps": recipe.steps,
        "guidance_scale": recipe.cfg_scale,
        "output_type": "latent",
    }
    pipeline.scheduler.set_timesteps(recipe.steps)
    if pair.header == "sdxl_base":
        words |= {"width": recipe.width, "height": recipe.height, "latents": noise.clone()}
        words |= {"crops_coords_top_left": (recipe.sdxl.crop_top, recipe.sdxl.crop_left)}
    elif pair.header == "sdxl_refiner":
        started = noise * pipeline.scheduler.init_noise_sigma
        size = {"original_size": (recipe.height, recipe.width), "target_size": (recipe.height, recipe.width)}
        words |= {"image": torch.zeros_like(noise), "strength": 1.0, "latents": started, **size}
    elif pair.header == "sd1_inpaint":
        assert canvas.mask is not None
        masks = {"image": Image.fromarray(canvas.picture), "mask_image": Image.fromarray(canvas.mask)}
        words |= {"width": recipe.width, "height": recipe.height, "latents": noise.clone(), "strength": 1.0, **masks}
    else:
        words |= {"image": Image.fromarray(canvas.picture), "latents": noise.clone(), "image_guidance_scale": 1.5}
    with torch.inference_mode():
        return pipeline(recipe.prompt, **words).images


@pytest.fixture
def canvas() -> Canvas:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (12, 8, 3), dtype=np.uint8)
    picture = np.array(Image.fromarray(coarse).resize((128, 192), Image.Resampling.BICUBIC))
    mask = np.zeros((192, 128), np.uint8)
    mask[64:128, 32:96] = 255
    return Canvas(picture, mask=mask)


@pytest.mark.parametrize("pair", PIPELINES, indirect=True)
def test_denoising_equals_diffusers_pipeline_within_1e_4(
    pair: Pair, canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    # diffusers draws from what the encoder sees; danqing takes its mean.
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mean)
    recipe = RECIPE.but(sdxl=SdxlSize(crop_top=16, crop_left=8)) if pair.header == "sdxl_base" else RECIPE
    if pair.header == "sd1_inpaint":
        recipe = recipe.but(inpaint=MASKED)
    noise, _ = first_noise([recipe], (4, 24, 16))
    ours = painted(pair.model, recipe, canvas)
    reference = theirs(pair, recipe, noise, canvas)
    assert ours.isfinite().all()
    assert (ours - reference).norm() / reference.norm() <= 1e-4


@pytest.mark.parametrize("pair", ["sdxl_base"], indirect=True)
def test_without_a_negative_prompt_sdxl_hears_nothing_at_all(pair: Pair, canvas: Canvas) -> None:
    recipe = RECIPE.but(negative_prompt="")
    noise, _ = first_noise([recipe], (4, 24, 16))
    reference = theirs(pair, recipe, noise, canvas)
    assert (painted(pair.model, recipe) - reference).norm() / reference.norm() <= 1e-4


@pytest.mark.parametrize(
    ("pair", "other"),
    [
        ("sdxl_base", {"sdxl": SdxlSize(original_width=64)}),
        ("sdxl_base", {"sdxl": SdxlSize(crop_left=32)}),
        ("sdxl_base", {"text": TextEncoding(skip_clip_l=True)}),
        ("sdxl_refiner", {"sdxl": SdxlSize(score=2.0)}),
        ("sdxl_refiner", {"sdxl": SdxlSize(negative_score=8.0)}),
        ("sd1_inpaint", {"inpaint": MASKED.but(mask_weight=0.5)}),
        ("sd1_pix2pix", {"guidance": Guidance(image_scale=3.0)}),
    ],
    indirect=["pair"],
    ids=str,
)
def test_what_a_family_is_told_changes_its_picture(pair: Pair, canvas: Canvas, other: dict[str, Any]) -> None:
    plain = RECIPE.but(inpaint=MASKED) if pair.header == "sd1_inpaint" else RECIPE
    assert not torch.equal(painted(pair.model, plain, canvas), painted(pair.model, plain.but(**other), canvas))


@pytest.mark.parametrize("pair", ["sdxl_base", "sdxl_refiner"], indirect=True)
def test_clip_skip_is_nothing_to_sdxl(pair: Pair) -> None:
    assert torch.equal(painted(pair.model, RECIPE), painted(pair.model, RECIPE.but(clip_skip=2)))


@pytest.mark.parametrize("pair", ["sd1_inpaint"], indirect=True)
def test_an_inpainting_model_paints_from_nothing_as_over_grey(pair: Pair, canvas: Canvas) -> None:
    whole = replace(canvas, picture=np.full_like(canvas.picture, 128), mask=None)
    alone, over_grey = painted(pair.model, RECIPE), painted(pair.model, RECIPE, whole)
    assert alone.isfinite().all()
    assert torch.equal(alone, over_grey)
