"""Plans: passes made explicit, and which recipes may share a batch."""

import json
from pathlib import Path

import pytest

from danqing.base.errors import RecipeError
from danqing.base.parts import Variation
from danqing.base.picture_parts import Hires
from danqing.base.recipe import Recipe
from danqing.base.refs import LoraUse, ModelRef
from danqing.painting.batches import batches
from danqing.painting.plan import plan

GOLDEN = Path(__file__).parents[1] / "golden"


def test_a_plain_recipe_has_one_pass_from_noise() -> None:
    one = plan(Recipe(steps=25, sampler="Euler a"))
    assert [part.start for part in one.passes] == ["noise"]
    assert one.steps == 25
    assert one.size == (512, 512)


def test_hires_adds_a_second_pass() -> None:
    two = plan(Recipe(width=300, height=400, steps=30, hires=Hires()))
    assert [part.start for part in two.passes] == ["noise", "previous"]
    assert (two.passes[1].width, two.passes[1].height) == (600, 800)
    assert two.steps == 60
    assert two.size == (600, 800)


@pytest.mark.parametrize("case", json.loads((GOLDEN / "a1111_hires_target.json").read_text()), ids=str)
def test_hires_sizes_are_those_of_a1111(case: dict[str, list[int]]) -> None:
    width, height = case["size"]
    to_width, to_height = case["resize"]
    hires = Hires(upscale=float(case["scale"]), width=to_width, height=to_height)  # type: ignore[arg-type]
    two = plan(Recipe(width=width, height=height, hires=hires))
    assert [two.passes[1].width, two.passes[1].height] == case["upscale_to"]
    assert list(two.size) == case["final_px"]


def test_hires_takes_what_it_is_given_and_the_rest_from_the_first_pass() -> None:
    recipe = Recipe(
        prompt="a", sampler="Euler", cfg_scale=5, hires=Hires(prompt="b", sampler="DPM++ 2M Karras", steps=7)
    )
    second = plan(recipe).passes[1]
    assert (second.prompt, second.sampler, second.schedule, second.steps, second.cfg_scale) == (
        "b",
        "DPM++ 2M",
        "Karras",
        7,
        5,
    )


def test_hires_keeps_the_first_schedule_when_it_names_no_sampler() -> None:
    second = plan(Recipe(sampler="Euler", schedule="Beta", hires=Hires())).passes[1]
    assert (second.sampler, second.schedule) == ("Euler", "Beta")


def test_an_unknown_sampler_is_named_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="no sampler named 'Eulre'; did you mean Euler"):
        plan(Recipe(sampler="Eulre"))


def test_a_plan_can_be_read() -> None:
    text = str(plan(Recipe(hires=Hires(), model=ModelRef(name="ink"))))
    assert text.splitlines()[0] == "first pass: 512x512 from noise, 20 steps DPM++ 2M (Karras), CFG 7, ink"
    assert "hires pass: 1024x1024 from Latent, strength 0.7" in text


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "b"},
        {"negative_prompt": "b"},
        {"seed": 9},
        {"variation": Variation(seed=3)},
        {"embeddings": (ModelRef(name="x"),)},
    ],
)
def test_prompts_and_seeds_may_share_a_batch(other: dict[str, object]) -> None:
    assert plan(Recipe(prompt="a")).batch_key == plan(Recipe(prompt="a").but(**other)).batch_key


@pytest.mark.parametrize(
    "other",
    [
        {"width": 640},
        {"steps": 21},
        {"cfg_scale": 8},
        {"sampler": "Euler"},
        {"clip_skip": 2},
        {"loras": (LoraUse(model=ModelRef(name="x")),)},
        {"variation": Variation(strength=0.5)},
        {"hires": Hires()},
    ],
)
def test_whatever_changes_the_pass_needs_its_own_batch(other: dict[str, object]) -> None:
    assert plan(Recipe()).batch_key != plan(Recipe().but(**other)).batch_key


def test_batches_keep_the_order_and_never_exceed_their_size() -> None:
    recipes = [Recipe(seed=n) for n in range(5)] + [Recipe(seed=5, steps=3)] + [Recipe(seed=6)]
    groups = list(batches(recipes, 2))
    assert [[one.recipe.seed for one in group] for group in groups] == [[0, 1], [2, 3], [4], [5], [6]]


def test_a_sampler_that_finds_its_steps_from_the_picture_is_never_batched() -> None:
    recipes = [Recipe(seed=n, sampler="DPM adaptive") for n in range(3)]
    assert [len(group) for group in batches(recipes, 3)] == [1, 1, 1]
