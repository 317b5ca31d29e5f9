"""Axes: every name of A1111's, any knob, and what each does to an order."""

import json
from pathlib import Path

import pytest

from danqing.base.errors import RecipeError
from danqing.base.knobs import KnobField, knobs
from danqing.base.order import Axis, Order
from danqing.base.picture_parts import Hires, InitImage
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef, ModelRef
from danqing.painting.axes import axis_kind, cells, read_axis, turned, with_drawn_seeds, with_knob

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "xyz_axis.json").read_text(encoding="utf-8"))["cases"]
PICTURE = InitImage(image=ImageRef(sha256="0" * 64))
A1111 = {
    "Seed": ("3", "seed", 3),
    "Var. seed": ("4", "variation.seed", 4),
    "Var. strength": ("0.5", "variation.strength", 0.5),
    "Steps": ("30", "steps", 30),
    "Hires steps": ("5", "hires.steps", 5),
    "CFG Scale": ("4.5", "cfg_scale", 4.5),
    "Image CFG Scale": ("2", "guidance.image_scale", 2),
    "Sampler": ("Euler a", "sampler", "Euler a"),
    "Hires sampler": ("DDIM", "hires.sampler", "DDIM"),
    "Checkpoint name": ("anything", "model", ModelRef(name="anything")),
    "Negative Guidance minimum sigma": ("1.5", "guidance.skip_below_sigma", 1.5),
    "Sigma Churn": ("10", "sampling.churn", 10),
    "Sigma min": ("0.1", "sampling.churn_from", 0.1),
    "Sigma max": ("5", "sampling.churn_to", 5),
    "Sigma noise": ("1.1", "sampling.noise", 1.1),
    "Schedule type": ("Karras", "schedule", "Karras"),
    "Schedule min sigma": ("0.1", "sampling.sigma_min", 0.1),
    "Schedule max sigma": ("12", "sampling.sigma_max", 12),
    "Schedule rho": ("6", "sampling.rho", 6),
    "Beta schedule alpha": ("0.7", "sampling.beta_alpha", 0.7),
    "Beta schedule beta": ("0.7", "sampling.beta_beta", 0.7),
    "Eta": ("0.3", "sampling.eta_ddim", 0.3),
    "Clip skip": ("2", "clip_skip", 2),
    "Hires upscaler": ("Lanczos", "hires.upscaler", "Lanczos"),
    "VAE": ("other", "vae", ModelRef(name="other")),
    "UniPC Order": ("2", "sampling.unipc_order", 2),
    "Token merging ratio": ("0.5", "speed.token_merging", 0.5),
    "Token merging ratio high-res": ("0.5", "speed.token_merging_hires", 0.5),
    "Always discard next-to-last sigma": ("True", "sampling.discard_penultimate", True),
    "SGM noise multiplier": ("yes", "sampling.sgm_noise", True),
    "Refiner checkpoint": ("fine", "refiner.model", ModelRef(name="fine")),
    "Refiner switch at": ("0.6", "refiner.switch_at", 0.6),
    "RNG source": ("GPU", "noise.source", "NV"),
    "Initial noise multiplier": ("0.9", "init.noise_multiplier", 0.9),
    "Extra noise": ("0.1", "init.extra_noise", 0.1),
    "Denoising": ("0.4", "init.denoising_strength", 0.4),
}


def at(recipe: Recipe, path: str) -> object:
    value: object = recipe
    for name in path.split("."):
        value = getattr(value, name)
    return value


def recipes(order: Order) -> list[Recipe]:
    return [cell.recipe for cell in cells(order)]


@pytest.mark.parametrize(("name", "case"), A1111.items())
def test_every_axis_of_a1111_turns_its_knob(name: str, case: tuple[str, str, object]) -> None:
    typed, path, expected = case
    axis = read_axis(f"{name.upper()}: {typed}")
    (recipe,) = recipes(Order(recipe=Recipe(init=PICTURE), axes=(axis,)))
    assert axis.knob == name
    assert at(recipe, path) == expected


def test_eta_is_one_number_for_all_samplers_as_in_a1111() -> None:
    (recipe,) = recipes(Order(axes=(read_axis("Eta: 0.3"),)))
    assert (recipe.sampling.eta, recipe.sampling.eta_ddim) == (0.3, 0.3)


@pytest.mark.parametrize("field", [field for field in knobs(Recipe) if field.path.count(".") < 2], ids=lambda f: f.path)
def test_any_knob_is_an_axis_by_its_path(field: KnobField) -> None:
    assert field.path in [one.path for one in axis_kind(field.path).fields]


def test_denoising_turns_what_the_order_has() -> None:
    axis = read_axis("Denoising strength: 0.3")
    (hires,) = recipes(Order(recipe=Recipe(hires=Hires()), axes=(axis,)))
    assert hires.hires is not None
    assert hires.hires.denoising_strength == 0.3
    with pytest.raises(RecipeError, match="nothing to denoise"):
        recipes(Order(axes=(axis,)))
    with pytest.raises(RecipeError, match="works on a picture"):
        recipes(Order(axes=(read_axis("Extra noise: 0.1"),)))


def test_nothing_is_one_cell_that_changes_nothing() -> None:
    order = Order(recipe=Recipe(prompt="a"), axes=(read_axis("Nothing"),))
    assert recipes(order) == [order.recipe]


def test_a_size_is_no_longer_left_to_the_model() -> None:
    (cell,) = cells(Order(recipe=Recipe(), axes=(read_axis("Size: 320x448"),)))
    assert (cell.recipe.width, cell.recipe.height) == (320, 448)
    assert {"width", "height"} & set(cell.left_to_model) == set()
    assert "steps" in cell.left_to_model


@pytest.mark.parametrize("case", [case for case in GOLDEN if case["type"] == "prompt_sr"], ids=lambda case: case["id"])
def test_prompt_search_and_replace_is_a1111s(case: dict[str, object]) -> None:
    axis = Axis(knob="Prompt S/R", values=tuple(case["values"]))  # type: ignore[arg-type]
    order = Order(recipe=Recipe(prompt=str(case["prompt"]), negative_prompt="no red"), axes=(axis,))
    assert [recipe.prompt for recipe in recipes(order)] == case["expected"]


def test_search_and_replace_reaches_the_negative_prompt() -> None:
    order = Order(recipe=Recipe(prompt="a fox", negative_prompt="blurry"), axes=(read_axis("S/R: blurry, dark"),))
    assert [(one.prompt, one.negative_prompt) for one in recipes(order)] == [("a fox", "blurry"), ("a fox", "dark")]


def test_search_and_replace_needs_its_first_word() -> None:
    with pytest.raises(RecipeError, match=r"axis Prompt S/R, value 'wolf': 'wolf', the axis's first value"):
        recipes(Order(recipe=Recipe(prompt="a fox"), axes=(read_axis("Prompt S/R: wolf, dog"),)))


def test_prompt_order_puts_words_into_each_others_places() -> None:
    order = Order(recipe=Recipe(prompt="x red, big cat!"), axes=(read_axis("Prompt order: big, red"),))
    assert [one.prompt for one in recipes(order)] == ["x big, red cat!", "x red, big cat!"]
    with pytest.raises(RecipeError, match="no 'blue'"):
        recipes(Order(recipe=Recipe(prompt="red"), axes=(read_axis("Prompt order: red, blue"),)))


def test_styles_come_after_the_orders_own() -> None:
    order = Order(styles=("ink",), axes=(read_axis('Styles: None, oil, "oil, night"'),))
    assert [cell.styles for cell in cells(order)] == [("ink",), ("ink", "oil"), ("ink", "oil", "night")]


def test_none_takes_a_model_away() -> None:
    order = Order(recipe=with_knob(Recipe(), "refiner.model", ModelRef(name="fine")))
    assert turned(order, read_axis("Refiner checkpoint: None"), "None").recipe.refiner is None
    assert turned(order, read_axis("VAE: Automatic"), "Automatic").recipe.vae == ModelRef()


def test_cells_come_in_display_order_and_two_replacing_axes_as_in_a1111() -> None:
    axes = (read_axis("Steps: 1, 2"), read_axis("S/R: bird, crow"), read_axis("Prompt S/R: fox, bird"))
    order = Order(recipe=Recipe(prompt="fox bird"), axes=axes)
    found = [(one.steps, one.prompt) for one in recipes(order)]
    assert found == [
        (1, "fox bird"),
        (1, "bird bird"),  # X first: fox becomes bird
        (1, "fox crow"),
        (1, "crow crow"),  # then Y replaces both
        (2, "fox bird"),
        (2, "bird bird"),
        (2, "fox crow"),
        (2, "crow crow"),
    ]


def test_a_seed_of_minus_one_is_drawn_or_kept() -> None:
    order = Order(recipe=Recipe(seed=5), axes=(read_axis("Seed: -1, 7, -1"),))
    draws = iter([100, 200])
    assert [one.seed for one in recipes(with_drawn_seeds(order, lambda: next(draws)))] == [100, 7, 200]
    assert [cell.seeds for cell in cells(order)] == ["random", "increasing", "random"]


@pytest.mark.parametrize(
    ("axis", "label"),
    [
        ("Steps: 20", "Steps: 20"),
        ("CFG Scale: 0.1-0.5 (+0.2)", "CFG Scale: 0.1"),
        ("Sampler: Euler a", "Euler a"),
        ("Prompt order: a, b", "a, b"),
        ("hires.upscale: 1.5", "hires.upscale: 1.5"),
        ("Always discard next-to-last sigma: true", "Always discard next-to-last sigma: True"),
    ],
)
def test_a_value_is_shown_as_people_read_it(axis: str, label: str) -> None:
    read = read_axis(axis)
    assert axis_kind(read.knob).label(read.values[0]) == label


def test_a_dear_axis_says_so() -> None:
    assert axis_kind("Checkpoint name").cost == 1.0
    assert axis_kind("VAE").cost == 0.7
    assert axis_kind("Steps").cost == 0.0


@pytest.mark.parametrize(
    ("axis", "word"),
    [
        ("Stepz: 1", "did you mean Steps|did you mean steps"),
        ("Checkpoint names: a", "did you mean Checkpoint name"),
        ("Steps", "needs values"),
        ("Steps: ", "needs values"),
        ("Steps: 10-5", "gives no value"),
        ("Steps: ten", "axis Steps: 'ten' is no whole number"),
        ("RNG source: TPU", "no Noise source named 'TPU'"),
        ("Face restore: GFPGAN", "no face restoration yet"),
        ("FP8 mode: Enable", "8 bits"),
        ("", "no knob named ''"),
    ],
)
def test_what_is_no_axis_is_told(axis: str, word: str) -> None:
    with pytest.raises(RecipeError, match=word):
        read_axis(axis)


def test_a_value_out_of_range_names_its_axis() -> None:
    with pytest.raises(RecipeError, match=r"axis Steps, value 'Steps: 5000': steps must be at most 1000, found 5000"):
        recipes(Order(axes=(read_axis("steps=20, 5000"),)))
