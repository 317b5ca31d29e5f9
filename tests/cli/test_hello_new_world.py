"""The first picture of the notes that danqing was made from, the whole way: however its text was copied, it is one recipe."""

from pathlib import Path

import pytest

from danqing.base.infotext import read_infotext
from danqing.painting.plan import plan
from danqing.pixels.files import read_picture
from tests.cli.conftest import Danqing, Ran

PROMPT = (
    "masterpiece, best quality, astronaut looking at a nebula, digital art, trending on artstation, "
    "hyperdetailed, matte painting, CGSociety"
)
NEGATIVE = "lowres, ((bad anatomy)), text, error, cropped, worst quality, jpeg artifacts, watermark, blurry"
TIDY = f"""{PROMPT}
Negative prompt: {NEGATIVE}
Steps: 30, Sampler: DDIM, CFG scale: 10, Seed: 1039378680, Size: 300x400, Model hash: 89d59c3dde, Model: final-pruned, \
Clip skip: 2, Hires upscale: 2, Hires upscaler: Latent, Denoising strength: 0.7"""
SQUEEZED = f"""{PROMPT}

反向提示词：
{NEGATIVE}

Steps: 30, Sampler: DDIM, CFGscale: 10, Seed: 1039378680, Size: 300x400, Modelhash: 89d59c3dde, Model: final-pruned, Clipskip: 2,

Hires upscale: 2, Hires upscaler: Latent Denoising strength: 0.7"""
WRAPPED = f"""{PROMPT}
Negative prompt: {NEGATIVE}
Steps: 30, Sampler: DDIM, CFG scale: 10, Seed: 10393
78680, Size: 300x400, Model hash: 89d59c3dde, Model: final-
pruned, Clip skip: 2, Hires up
scale: 2, Hires upscaler: Latent, Denoising strength: 0.7"""
COPIES = {"tidy": TIDY, "squeezed": SQUEEZED, "wrapped": WRAPPED}
FAST = ("--set", "steps=2", "--device", "cpu", "--dtype", "float32", "--json")


def paint(danqing: Danqing, text: str, *words: str) -> Ran:
    path = danqing.home / "seed003.txt"
    path.write_text(text, encoding="utf-8")
    return danqing("paint", "--from", str(path), *words)


@pytest.mark.parametrize("text", COPIES.values(), ids=COPIES.keys())
def test_every_copy_is_the_same_order(text: str) -> None:
    found = read_infotext(text)
    assert found.order == read_infotext(TIDY).order
    assert found.notes == ()


def test_it_says_all_that_the_notes_say() -> None:
    recipe = read_infotext(TIDY).order.recipe
    assert (recipe.prompt, recipe.negative_prompt) == (PROMPT, NEGATIVE)
    assert (recipe.steps, recipe.sampler, recipe.cfg_scale, recipe.seed) == (30, "DDIM", 10, 1039378680)
    assert (recipe.width, recipe.height, recipe.clip_skip) == (300, 400, 2)
    assert (recipe.model.name, recipe.model.sha256) == ("final-pruned", "89d59c3dde")
    assert recipe.hires is not None
    assert (recipe.hires.upscale, recipe.hires.upscaler, recipe.hires.denoising_strength) == (2, "Latent", 0.7)


def test_it_goes_by_way_of_296x400_to_600x800() -> None:
    first, second = plan(read_infotext(TIDY).order.recipe).passes
    assert (first.width // 8 * 8, first.height // 8 * 8) == (296, 400)
    assert (second.width, second.height) == (600, 800)


@pytest.mark.timeout(300)
def test_every_copy_paints_600x800_and_says_that_the_model_is_another(danqing: Danqing) -> None:
    digests: set[str] = set()
    for text in COPIES.values():
        ran = paint(danqing, text, *FAST)
        assert ran.code == 0, ran.err
        assert "note: the model 'final-pruned' [89d59c3dde] isn't here: 'toy' [" in ran.err
        (picture,) = ran.json["pictures"]
        assert (picture["width"], picture["height"], picture["model"]) == (600, 800, "toy")
        assert read_picture(Path(str(picture["path"]))).shape == (800, 600, 3)
        digests.add(str(picture["digest"]))
    assert len(digests) == 1


def test_its_infotext_still_says_300x400(danqing: Danqing) -> None:
    ran = paint(danqing, TIDY, *FAST)
    told = danqing("read", ran.json["pictures"][0]["path"], "--json").json
    assert (told["recipe"]["width"], told["recipe"]["height"]) == (300, 400)
    assert "Size: 300x400" in told["infotext"]
    assert "Hires upscale: 2, Hires upscaler: Latent" in told["infotext"]
