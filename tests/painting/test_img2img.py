"""Pictures from pictures through the engine, on the toy family: A1111's step rule, diffusers as an oracle, masks that keep what they should."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler, StableDiffusionImg2ImgPipeline
from PIL import Image
from transformers import CLIPTokenizer

from danqing.base.errors import ImageError
from danqing.base.parts import Sampling
from danqing.base.picture import Pixels
from danqing.base.picture_parts import Hires, InitImage, Inpaint, Refiner, SoftInpaint
from danqing.base.progress import Progress, Verdict
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef, ModelRef
from danqing.painting.engine import Engine
from danqing.painting.plan import plan
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from tests.painting.test_against_diffusers import TOKENIZER, TRAINED
from tests.toy.fixtures import TOY_REF, FolderCatalog
from tests.toy.model import write_toy_folder

PHOTO, MASK, BLANK = (
    ImageRef(sha256=digit * 64, name=name) for digit, name in zip("abc", ("photo", "mask", "blank"), strict=True)
)
BASE = Recipe(prompt="a red apple", model=TOY_REF, width=64, height=64, steps=4, sampler="Euler", seed=11, cfg_scale=5)
OVER = BASE.but(init=InitImage(image=PHOTO, denoising_strength=0.6))


@dataclass
class Pictures:
    """A store of input pictures in memory."""

    kept: dict[ImageRef, Pixels] = field(default_factory=dict)

    def open(self, ref: ImageRef) -> Pixels:
        if ref not in self.kept:
            raise ImageError(f"no picture {ref.name!r}")
        return self.kept[ref]


def smooth(width: int, height: int, seed: int) -> Pixels:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def square(width: int, height: int) -> Pixels:
    """White in the right half's middle."""
    mask = np.zeros((height, width, 3), np.uint8)
    mask[height // 4 : 3 * height // 4, width // 2 : 7 * width // 8] = 255
    return mask


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures({PHOTO: smooth(64, 64, 1), MASK: square(64, 64), BLANK: np.zeros((64, 64, 3), np.uint8)})


@pytest.fixture(scope="module")
def engine(toy_catalog: FolderCatalog, pictures: Pictures) -> Engine:
    return Engine(toy_catalog, Place(), images=pictures)


def paint(engine: Engine, recipe: Recipe) -> np.ndarray:
    (picture,) = engine.paint([recipe])
    return picture.pixels.astype(int)


GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "a1111_img2img_steps.json").read_text("utf-8"))


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: f"{case['steps']}@{case['denoise']}")
def test_strength_becomes_steps_as_in_a1111(case: dict[str, float]) -> None:
    if case["hires_steps"] is not None:
        recipe = BASE.but(
            steps=case["steps"], hires=Hires(steps=case["hires_steps"], denoising_strength=case["denoise"])
        )
        one = plan(recipe).passes[1]
    else:
        init = InitImage(image=PHOTO, denoising_strength=case["denoise"], full_steps=case["fix_steps"])
        one = plan(BASE.but(steps=case["steps"], init=init)).passes[0]
    assert one.tail == (case["schedule_steps"], case["t_enc"])
    assert one.walked == case["model_calls_first_order"]


def test_a_picture_over_a_picture_is_that_of_diffusers(
    engine: Engine, pictures: Pictures, toy_model: DiffusionModel
) -> None:
    pipeline = StableDiffusionImg2ImgPipeline(
        vae=toy_model.vae,
        text_encoder=toy_model.text_encoders[0],
        tokenizer=CLIPTokenizer(str(TOKENIZER / "vocab.json"), str(TOKENIZER / "merges.txt"), model_max_length=77),
        unet=toy_model.unet,
        scheduler=EulerDiscreteScheduler(**TRAINED, timestep_spacing="linspace", steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    with torch.inference_mode(), pytest.MonkeyPatch.context() as patch:
        # diffusers draws from what the encoder sees; danqing takes its mean.
        patch.setattr(
            "diffusers.models.autoencoders.vae.DiagonalGaussianDistribution.sample",
            lambda seen, generator=None: seen.mean,
        )
        theirs = pipeline(
            BASE.prompt,
            image=Image.fromarray(pictures.kept[PHOTO]),
            strength=0.75,  # three of four steps, as 0.6 is by A1111's rule
            num_inference_steps=4,
            guidance_scale=5.0,
            generator=torch.Generator().manual_seed(BASE.seed),
            output_type="np",
        ).images[0]
    ours = paint(engine, OVER)
    assert np.abs(ours - np.round(theirs * 255).astype(int)).max() <= 1
    assert ours.std() > 5


def test_more_strength_leads_further_from_the_picture(engine: Engine) -> None:
    def over(strength: float) -> np.ndarray:
        return paint(engine, BASE.but(init=InitImage(image=PHOTO, denoising_strength=strength)))

    kept = over(0.0)  # the toy's decoder is random: the picture as it sees it
    far = [float(np.abs(over(strength) - kept).mean()) for strength in (0.3, 0.6, 1.0)]
    assert 0 < far[0] < far[1] < far[2]


@pytest.mark.parametrize(
    "other",
    [
        {"noise_multiplier": 0.7},
        {"extra_noise": 0.2},
        {"full_steps": True},
        {"denoising_strength": 0.9},
        {"color_correction": True},
    ],
    ids=str,
)
def test_every_knob_of_img2img_changes_the_picture(engine: Engine, other: dict[str, object]) -> None:
    assert OVER.init is not None
    assert not np.array_equal(paint(engine, OVER), paint(engine, OVER.but(init=OVER.init.but(**other))))


@pytest.mark.parametrize("mode", ["just resize", "crop and resize", "resize and fill", "latent upscale"])
def test_every_resize_mode_paints_the_size_asked_for(engine: Engine, mode: str) -> None:
    assert OVER.init is not None
    wide = OVER.but(width=96, height=48, init=OVER.init.but(resize_mode=mode))
    assert paint(engine, wide).shape == (48, 96, 3)


@pytest.mark.parametrize("sampler", ["Euler", "DPM++ 2M", "DDIM", "UniPC", "DPM++ SDE"])
@pytest.mark.parametrize("area", ["whole picture", "only masked"])
def test_what_is_not_masked_comes_back_byte_for_byte(
    engine: Engine, pictures: Pictures, sampler: str, area: str
) -> None:
    recipe = OVER.but(sampler=sampler, inpaint=Inpaint(mask=MASK, area=area, blur_x=2, blur_y=2, padding=8))
    painted, photo = paint(engine, recipe), pictures.kept[PHOTO].astype(int)
    assert np.array_equal(painted[:, :24], photo[:, :24])
    inside = np.abs(painted - photo)[20:44, 36:52]
    assert inside.mean() > 2, "nothing was painted"


@pytest.mark.parametrize("content", ["fill", "latent noise", "latent nothing"])
def test_what_lies_under_the_mask_changes_what_is_painted(engine: Engine, content: str) -> None:
    plain = OVER.but(inpaint=Inpaint(mask=MASK))
    assert not np.array_equal(
        paint(engine, plain), paint(engine, plain.but(inpaint=Inpaint(mask=MASK, content=content)))
    )


def test_an_inverted_mask_paints_the_other_part(engine: Engine, pictures: Pictures) -> None:
    recipe = OVER.but(inpaint=Inpaint(mask=MASK, invert=True, blur_x=0, blur_y=0))
    painted, photo = paint(engine, recipe), pictures.kept[PHOTO].astype(int)
    assert np.array_equal(painted[16:48, 32:56], photo[16:48, 32:56])
    assert not np.array_equal(painted[:, :24], photo[:, :24])


def test_a_blank_mask_is_as_none(engine: Engine) -> None:
    assert np.array_equal(paint(engine, OVER.but(inpaint=Inpaint(mask=BLANK))), paint(engine, OVER))


def test_only_the_masked_part_is_painted_at_full_size(toy_catalog: FolderCatalog) -> None:
    large = Pictures({PHOTO: smooth(160, 128, 2), MASK: square(160, 128)})
    painted = paint(
        Engine(toy_catalog, Place(), images=large), OVER.but(inpaint=Inpaint(mask=MASK, area="only masked"))
    )
    assert painted.shape == (128, 160, 3), "the picture keeps its own size"
    assert np.array_equal(painted[:, :40], large.kept[PHOTO][:, :40])


def test_soft_inpainting_paints_less_the_greyer_the_mask_and_nothing_where_it_is_black(
    engine: Engine, pictures: Pictures
) -> None:
    ramp = ImageRef(sha256="d" * 64, name="ramp")
    columns = np.concatenate([np.zeros(32), np.linspace(0, 255, 32)]).astype(np.uint8)
    pictures.kept[ramp] = np.broadcast_to(columns[None, :, None], (64, 64, 3)).copy()
    hard = OVER.but(inpaint=Inpaint(mask=ramp, blur_x=0, blur_y=0))
    # The toy's latents lie far apart, so the threshold is high.
    soft = OVER.but(inpaint=Inpaint(mask=ramp, blur_x=0, blur_y=0, soft=SoftInpaint(difference_threshold=4.0)))
    change = np.abs(paint(engine, soft) - pictures.kept[PHOTO].astype(int)).mean(axis=(0, 2))
    assert not change[:8].any()
    assert 0 < change[32:40].mean() < 0.9 * change[-16:].mean()
    assert not np.array_equal(paint(engine, soft), paint(engine, hard))


def test_a_batch_over_a_picture_equals_its_singles(engine: Engine) -> None:
    masked = OVER.but(sampler="Euler a", inpaint=Inpaint(mask=MASK, content="latent noise"))
    recipes = [masked.but(seed=seed) for seed in (1, 2, 3)]
    together = list(engine.paint(recipes, batch_size=3))
    for recipe, picture in zip(recipes, together, strict=True):
        assert np.abs(paint(engine, recipe) - picture.pixels.astype(int)).max() <= 1
    assert not np.array_equal(together[0].pixels, together[1].pixels)


def test_the_steps_that_a_watch_hears_of_are_those_that_are_done(engine: Engine) -> None:
    heard: list[Progress] = []
    list(engine.paint([OVER], lambda progress: heard.append(progress) or Verdict.CONTINUE))
    assert [(one.step, one.steps) for one in heard] == [(1, 3), (2, 3), (3, 3)]


def test_an_interrupted_picture_still_keeps_what_was_not_masked(engine: Engine, pictures: Pictures) -> None:
    (picture,) = engine.paint([OVER.but(inpaint=Inpaint(mask=MASK))], lambda _: Verdict.FINISH_NOW)
    assert picture.provenance.interrupted
    assert np.array_equal(picture.pixels[:, :16], pictures.kept[PHOTO][:, :16])


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    folder = tmp_path_factory.mktemp("two")
    write_toy_folder(folder / "toy", 0)
    write_toy_folder(folder / "other", 1)
    return Engine(FolderCatalog(folder), Place())


OTHER = ModelRef(name="other")


def test_a_refiner_takes_over_where_it_is_told(two_models: Engine) -> None:
    def with_refiner(switch_at: float, **more: object) -> np.ndarray:
        return paint(two_models, BASE.but(steps=8, refiner=Refiner(model=OTHER, switch_at=switch_at, **more)))

    alone, other = paint(two_models, BASE.but(steps=8)), paint(two_models, BASE.but(steps=8, model=OTHER))
    late, early = with_refiner(0.8, by_steps=True), with_refiner(0.25, by_steps=True)
    assert np.array_equal(with_refiner(1.0), alone)
    assert np.abs(late - alone).mean() < np.abs(early - alone).mean()
    assert not np.array_equal(early, other)
    assert not np.array_equal(with_refiner(0.5), with_refiner(0.5, by_steps=True)), (
        "noise doesn't fall evenly with the steps"
    )


def test_the_share_of_noise_says_at_which_step_the_refiner_begins(two_models: Engine) -> None:
    # Uniform steps over 0..999: 999, 856, 714, 571, 428 ... 0. Share 0.5 is timestep 499: the fifth call is the first below it.
    def by(**how: object) -> np.ndarray:
        return paint(two_models, BASE.but(steps=8, schedule="Uniform", refiner=Refiner(model=OTHER, **how)))

    assert np.array_equal(by(switch_at=0.5), by(switch_at=0.49, by_steps=True))
    assert not np.array_equal(by(switch_at=0.5), by(switch_at=0.51, by_steps=True))


def test_hires_with_another_checkpoint_goes_on_from_the_first_ones_picture(two_models: Engine) -> None:
    hires = Hires(upscale=1.5, steps=2, upscaler="Lanczos", model=OTHER)
    recipe = BASE.but(hires=hires)
    own = paint(two_models, recipe.but(hires=hires.but(model=ModelRef())))
    swapped = paint(two_models, recipe)
    assert own.shape == swapped.shape == (96, 96, 3)
    assert not np.array_equal(own, swapped)
    (picture,) = two_models.paint([recipe])
    assert set(picture.provenance.hashes) == {"toy", "other"}


def test_the_noise_multiplier_scales_all_the_noise_that_is_laid_over(engine: Engine) -> None:
    assert OVER.init is not None
    none = OVER.but(sampler="Euler a", init=OVER.init.but(noise_multiplier=0.0), sampling=Sampling(eta=0.0))
    assert np.array_equal(paint(engine, none), paint(engine, none.but(seed=99)))


def test_a_tiled_picture_has_no_edges(toy_catalog: FolderCatalog) -> None:
    """A picture that goes round may be turned before it is painted over, or after: the same comes out."""
    photo = smooth(64, 64, 5)
    turned = ImageRef(sha256="e" * 64, name="turned")
    store = Pictures({PHOTO: photo, turned: np.roll(photo, (32, 32), axis=(0, 1))})
    engine = Engine(toy_catalog, Place(), images=store)

    def over(image: ImageRef, **more: object) -> np.ndarray:
        init = InitImage(image=image, denoising_strength=0.6, noise_multiplier=0.0)
        return paint(engine, BASE.but(init=init, **more))

    def difference(**more: object) -> float:
        return float(np.abs(np.roll(over(PHOTO, **more), (32, 32), axis=(0, 1)) - over(turned, **more)).max())

    assert difference(tiling=True) <= 1
    assert difference() > 10
