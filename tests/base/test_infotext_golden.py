"""A1111's infotext against texts and outputs that we did not write: every golden case, field by field."""

import json
from pathlib import Path

import pytest

from danqing.base.infotext import quote, write_infotext
from danqing.base.infotext_a1111 import all_fields, present_fields, unquote
from danqing.base.infotext_read import read_infotext
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef

GOLDEN = Path(__file__).parents[1] / "golden"
PARSED = json.loads((GOLDEN / "a1111_infotext_parse.json").read_text(encoding="utf-8"))
TEXTS = json.loads((GOLDEN / "infotext.json").read_text(encoding="utf-8"))["cases"]
READ_BETTER = {"infotext-038": "p"}
"""A1111 takes parameters only from the last line; a line after them makes all of it a prompt there, and no loss here."""
QUOTED = json.loads((GOLDEN / "a1111_infotext_quote.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", PARSED, ids=range(len(PARSED)))
def test_fields_are_those_that_a1111_finds(case: dict[str, object]) -> None:
    assert all_fields(str(case["in"])) == case["out"]


@pytest.mark.parametrize("case", TEXTS, ids=[case["id"] for case in TEXTS])
def test_fields_in_the_text_are_those_of_the_golden_list(case: dict[str, object]) -> None:
    text, present = str(case["text"]), case["present"]
    assert isinstance(present, dict)
    assert set(present_fields(text)) == set(present)
    found = all_fields(text)
    assert {key: found[key] for key in present} == present


@pytest.mark.parametrize("case", TEXTS, ids=[case["id"] for case in TEXTS])
def test_every_golden_text_becomes_an_order(case: dict[str, dict[str, str]]) -> None:
    order = read_infotext(str(case["text"])).order
    present = case["present"]
    if str(case["id"]) in READ_BETTER:
        assert order.recipe.prompt == READ_BETTER[str(case["id"])]
        return
    assert order.recipe.prompt == present.get("Prompt", "")
    if present.get("Steps", "").isdigit():
        assert order.recipe.steps == int(present["Steps"])


def test_values_are_quoted_as_a1111_quotes_them() -> None:
    for case in QUOTED:
        assert quote(case["in"]) == str(case["out"])
        assert unquote(str(case["out"])) == str(case["in"])


TIDY = (
    "a man in a spacesuit\nNegative prompt: ugly\n"
    "Steps: 30, Sampler: DDIM, CFG scale: 10, Seed: 1039378680, Size: 300x400, Model hash: 89d59c3dde, Model: final-pruned, "
    "Denoising strength: 0.7, Clip skip: 2, Hires upscale: 2, Hires upscaler: Latent"
)
SQUEEZED = """a man in a spacesuit
Negative prompt: ugly
Steps: 30, Sampler: DDIM, CFGscale: 10, Seed: 1039378680, Size: 300x400, Modelhash: 89d59c3dde, Model: final-pruned, Clipskip: 2,

Hires upscale: 2, Hires upscaler: Latent Denoising strength: 0.7"""
WRAPPED = TIDY.replace("Model hash: 89d5", "Model hash:\n89d5").replace("Hires upscaler", "Hires\nupscaler")


@pytest.mark.parametrize("text", [TIDY, SQUEEZED, WRAPPED], ids=["tidy", "squeezed", "wrapped"])
def test_hello_new_world_is_read_however_it_was_squeezed(text: str) -> None:
    recipe = read_infotext(text).order.recipe
    assert (recipe.prompt, recipe.negative_prompt) == ("a man in a spacesuit", "ugly")
    assert (recipe.steps, recipe.sampler, recipe.cfg_scale, recipe.seed) == (30, "DDIM", 10, 1039378680)
    assert (recipe.width, recipe.height, recipe.clip_skip) == (300, 400, 2)
    assert recipe.model == ModelRef(name="final-pruned", sha256="89d59c3dde")
    assert recipe.hires is not None
    assert (recipe.hires.upscale, recipe.hires.upscaler, recipe.hires.denoising_strength) == (2, "Latent", 0.7)


def test_a_text_without_rng_means_nvidias_noise() -> None:
    assert read_infotext(TIDY).order.recipe.noise.source == "NV"
    assert read_infotext(TIDY + ", RNG: CPU").order.recipe.noise.source == "CPU"


def test_what_is_written_is_read_again() -> None:
    recipe = Recipe(
        prompt="a, (b:1.2)", negative_prompt="c", seed=5, steps=7, sampler="Euler a", width=64, height=72, clip_skip=2
    )
    again = read_infotext(write_infotext(recipe, hashes={}, version="0.1.0")).order.recipe
    for name in (
        "prompt",
        "negative_prompt",
        "seed",
        "steps",
        "sampler",
        "width",
        "height",
        "clip_skip",
        "cfg_scale",
        "noise",
    ):
        assert getattr(again, name) == getattr(recipe, name), name
