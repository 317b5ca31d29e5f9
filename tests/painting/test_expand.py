"""Orders to recipes, with a catalog of names only: nothing here loads torch."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import MappingProxyType

import pytest

from danqing.base.errors import ModelError, RecipeError
from danqing.base.order import Axis, Order
from danqing.base.parts import Variation
from danqing.base.picture_parts import Hires, InitImage, Inpaint, Refiner
from danqing.base.protocols import ModelFile, ModelKind
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef, LoraUse, ModelRef, Use
from danqing.painting.axes import with_knob
from danqing.painting.check import check
from danqing.painting.expand import Phrases, expand, settle_seed
from danqing.prompt.styles import Style
from danqing.prompt.wildcards import wildcards_of

SMALL = ModelFile(
    "small",
    Path("small"),
    "checkpoint",
    "mini",
    "a" * 64,
    usual=MappingProxyType({"width": 128, "height": 128, "steps": 12, "cfg_scale": 4.0}),
)
FILES: dict[ModelKind, dict[str, ModelFile]] = {
    "checkpoint": {
        "": SMALL,
        "small": SMALL,
        "large": ModelFile("large", Path("large"), "checkpoint", "sdxl", "9" * 64),
        "edit": ModelFile("edit", Path("edit"), "checkpoint", "sd1_pix2pix", "8" * 64),
    },
    "vae": {"soft": ModelFile("soft", Path("soft"), "vae", "sd1", "b" * 64)},
    "lora": {
        name: ModelFile(name, Path(name), "lora", "sd1", digit * 64)
        for name, digit in (("ink", "c"), ("old film", "d"))
    },
    "embedding": {"bad-artist": ModelFile("bad-artist", Path("bad-artist"), "embedding", "sd1", "f" * 64)},
    "hypernet": {"anime": ModelFile("anime", Path("anime"), "hypernet", "sd1", "e" * 64)},
}


class Names:
    """A catalog of names."""

    def find(self, ref: ModelRef, kind: ModelKind = "checkpoint") -> ModelFile:
        found = FILES.get(kind, {}).get(ref.name)
        if found is None:
            raise ModelError(f"no {kind} named {ref.name!r}")
        return found

    def list(self, kind: ModelKind | None = None) -> Iterable[ModelFile]:
        return FILES.get(kind or "checkpoint", {}).values()


def recipes(order: Order) -> list[Recipe]:
    return list(expand(order, Names()))


def test_what_was_left_to_the_model_is_the_models() -> None:
    (one,) = recipes(Order(recipe=Recipe(prompt="a")))
    assert (one.width, one.height, one.steps, one.cfg_scale) == (128, 128, 12, 4.0)
    assert one.model == ModelRef(name="small", sha256="a" * 64)


def test_what_the_user_said_stays_even_if_it_is_the_default() -> None:
    (one,) = recipes(Order(recipe=Recipe(width=512, steps=20)))
    assert (one.width, one.height, one.steps) == (512, 128, 20)


def test_sampler_and_schedule_get_their_proper_names() -> None:
    (one,) = recipes(Order(recipe=Recipe(sampler="k_dpmpp_2m")))
    assert (one.sampler, one.schedule) == ("DPM++ 2M", "Karras")


def test_seeds_count_up_over_batches() -> None:
    assert [one.seed for one in recipes(Order(recipe=Recipe(seed=7), count=2, batch_size=2))] == [7, 8, 9, 10]


def test_with_a_variation_the_second_seed_counts() -> None:
    order = Order(recipe=Recipe(seed=7, variation=Variation(seed=3, strength=0.1)), count=3)
    assert [(one.seed, one.variation.seed) for one in recipes(order)] == [(7, 3), (7, 4), (7, 5)]


def test_a_random_seed_is_drawn_once_and_then_counts() -> None:
    draws = iter([100, 200])
    order = settle_seed(Order(count=3, seeds="random"), lambda: next(draws))
    assert [one.seed for one in recipes(order)] == [100, 101, 102]
    assert recipes(order)[0].width == 128, "what was left open stays open when the seed is drawn"


def test_an_unsettled_order_is_refused() -> None:
    with pytest.raises(RecipeError, match="settle_seed"):
        recipes(Order(seeds="random"))


def test_lora_tags_are_lifted_out_of_the_prompt() -> None:
    (one,) = recipes(
        Order(
            recipe=Recipe(
                prompt="a <lora:ink:0.8> b <lora:old film:0.5:0.7><hypernet:anime:0.3>",
                negative_prompt="c <lora:ink:1>",
            )
        )
    )
    assert one.prompt == "a  b "
    assert one.negative_prompt == "c "
    assert one.loras == (
        LoraUse(model=ModelRef(name="ink", sha256="c" * 64), text=0.8, unet=0.8),
        LoraUse(model=ModelRef(name="old film", sha256="d" * 64), text=0.5, unet=0.7),
    )
    assert one.hypernets[0].weight == 0.3


def test_a_lora_given_beside_the_prompt_comes_first() -> None:
    (one,) = recipes(Order(recipe=Recipe(prompt="<lora:old film:1>", loras=(LoraUse(model=ModelRef(name="ink")),))))
    assert [use.model.name for use in one.loras] == ["ink", "old film"]


def test_the_hires_prompt_has_tags_of_its_own() -> None:
    (one,) = recipes(Order(recipe=Recipe(hires=Hires(prompt="x<lora:ink:0.4>"))))
    assert one.hires is not None
    assert one.hires.prompt == "x"
    assert one.hires.loras[0].unet == 0.4


def test_embeddings_named_in_a_prompt_are_pinned() -> None:
    (one,) = recipes(Order(recipe=Recipe(prompt="a", negative_prompt="blurry, (Bad-Artist:0.7)")))
    assert one.embeddings == (ModelRef(name="bad-artist", sha256="f" * 64),)
    assert recipes(Order(recipe=Recipe(prompt="not-bad-artistic")))[0].embeddings == ()


def test_variants_are_drawn_by_the_seed_and_may_hold_tags() -> None:
    order = Order(recipe=Recipe(prompt="a {red|blue|green} {fox|<lora:ink:1>cat}", seed=5), count=20)
    prompts = [one.prompt for one in recipes(order)]
    assert prompts == [one.prompt for one in recipes(order)], "the same order gives the same pictures"
    assert len(set(prompts)) > 3
    assert all("{" not in prompt and "<" not in prompt for prompt in prompts)
    assert {bool(one.loras) for one in recipes(order)} == {True, False}


def test_braces_are_left_alone_where_the_dialect_has_no_variants() -> None:
    assert recipes(Order(recipe=Recipe(prompt="{a|b}", dialect="a1111")))[0].prompt == "{a|b}"
    assert recipes(Order(recipe=Recipe(prompt="{a}")))[0].prompt == "{a}", "without a bar it is NovelAI's emphasis"


def test_wildcards_and_styles_of_the_studio_are_used() -> None:
    phrases = Phrases({"ink": Style("ink", "ink drawing of {prompt}", "photo")}, wildcards_of({"beast.txt": "wolf"}))
    (one,) = expand(
        Order(recipe=Recipe(prompt="a __beast__", negative_prompt="bad"), styles=("ink",)), Names(), phrases
    )
    assert (one.prompt, one.negative_prompt) == ("ink drawing of a wolf", "bad, photo")
    with pytest.raises(RecipeError, match="no style named 'inc'; did you mean ink"):
        list(expand(Order(styles=("inc",)), Names(), phrases))


def test_axes_make_a_grid_in_display_order() -> None:
    axes = (Axis(knob="Steps", values=(5, 6)), Axis(knob="hires.upscale", values=(1.5, 2)))
    cells = recipes(Order(recipe=Recipe(), axes=axes))
    assert [(one.steps, one.hires.upscale if one.hires else 0) for one in cells] == [(5, 1.5), (5, 2), (6, 1.5), (6, 2)]


def test_an_axis_over_a_field_left_open_counts_as_said() -> None:
    assert [one.steps for one in recipes(Order(axes=(Axis(knob="steps", values=(3, 4)),)))] == [3, 4]


def test_an_unknown_axis_is_named() -> None:
    with pytest.raises(RecipeError, match="no knob named 'stepz'; did you mean steps"):
        recipes(Order(axes=(Axis(knob="stepz", values=(1,)),)))


def test_a_knob_deep_in_an_absent_part_is_turned() -> None:
    turned = with_knob(Recipe(), "sampling.eta", 0.5)
    assert turned.sampling.eta == 0.5
    with pytest.raises(RecipeError, match="hirez"):
        with_knob(Recipe(), "hirez.steps", 3)


IMAGE = ImageRef(sha256="0" * 64)


@pytest.mark.parametrize(
    ("recipe", "word"),
    [
        (Recipe(sampler="Eulre"), "did you mean Euler"),
        (Recipe(schedule="Karas"), "did you mean Karras"),
        (Recipe(model=ModelRef(name="gone")), "no checkpoint named 'gone'"),
        (Recipe(refiner=Refiner()), "a refiner without a model"),
        (Recipe(refiner=Refiner(model=ModelRef(name="gone"))), "no checkpoint named 'gone'"),
        (Recipe(refiner=Refiner(model=ModelRef(name="large"))), "their latents differ"),
        (Recipe(hires=Hires(model=ModelRef(name="gone"))), "no checkpoint named 'gone'"),
        (Recipe(vae=ModelRef(name="gone")), "no vae named 'gone'"),
        (Recipe(prompt="<lora:gone:1>"), "no lora named 'gone'"),
        (Recipe(prompt="<lora:ink:strong>"), "'strong' is no weight"),
        (Recipe(hires=Hires(upscaler="ESRGAN_4x")), "no hires upscaler named 'ESRGAN_4x'"),
        (Recipe(model=ModelRef(name="edit")), "edits a picture: give one as init.image"),
        (Recipe(model=ModelRef(name="edit"), init=InitImage(image=IMAGE), hires=Hires()), "in one pass"),
        (Recipe(inpaint=Inpaint(mask=IMAGE)), "no picture to paint into"),
        (
            Recipe(init=InitImage(image=IMAGE), inpaint=Inpaint(mask=IMAGE), hires=Hires()),
            "hires can't follow inpainting",
        ),
        (Recipe(finishers=(Use(name="detailer"),)), "finishers"),
    ],
)
def test_what_cannot_be_painted_is_said_before_it_is_queued(recipe: Recipe, word: str) -> None:
    fatal = [complaint.message for complaint in check(Order(recipe=recipe), Names()) if complaint.fatal]
    assert any(word in message for message in fatal)


def test_a_good_order_has_no_complaints() -> None:
    assert check(Order(recipe=Recipe(prompt="a <lora:ink:1>", hires=Hires(upscaler="Lanczos"))), Names()) == ()


def test_the_same_trouble_is_told_once() -> None:
    messages = [complaint.message for complaint in check(Order(recipe=Recipe(sampler="Eulre")), Names())]
    assert len(messages) == len(set(messages)) == 1


def test_a_size_far_from_the_models_own_is_advised_against() -> None:
    (advice,) = check(Order(recipe=Recipe(width=1024)), Names())
    assert not advice.fatal
    assert "hires" in advice.message


def test_expanding_planning_and_checking_need_no_torch() -> None:
    code = "import sys, danqing.painting.expand, danqing.painting.plan, danqing.painting.check; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
