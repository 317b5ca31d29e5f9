"""What is written is read again: 200 random recipes, field by field, as far as A1111's text can name a field."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.infotext import read_infotext, tags_of, write_infotext
from danqing.base.infotext_a1111 import present_fields
from danqing.base.infotext_keys import (
    ORDER,
    SAMPLER_WORDS,
    SCHEDULE_WORDS,
    UNNAMED,
    UPSCALER_WORDS,
    knob_keys,
)
from danqing.base.infotext_read import split_sampler
from danqing.base.knobs import KnobField, knobs
from danqing.base.picture_parts import ControlUse, Hires, InitImage, Inpaint
from danqing.base.recipe import Recipe
from danqing.base.refs import HypernetUse, ImageRef, LoraUse, ModelRef
from danqing.base.value import Value

LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("(),:[]{}<>\"'\\|"), max_size=40).map(
    str.strip
)
PROMPTS = (
    st.lists(LINE, max_size=4)
    .map(lambda lines: "\n".join(lines).strip())
    .filter(lambda text: "Negative prompt:" not in text)
)
NAMES = st.from_regex(r"[A-Za-z0-9_.\-]([A-Za-z0-9_.\- ()]{0,18}[A-Za-z0-9_.\-])?", fullmatch=True).filter(
    lambda name: name.casefold() not in ("none", "default", "automatic")
)
REFS = st.builds(
    ModelRef, name=NAMES, sha256=st.one_of(st.just(""), st.text("0123456789abcdef", min_size=10, max_size=10))
)
LORAS = st.lists(
    st.builds(
        LoraUse,
        model=st.builds(ModelRef, name=NAMES),
        unet=st.floats(-2, 2),
        text=st.floats(-2, 2),
        dim=st.integers(0, 64),
    ),
    max_size=3,
).map(tuple)
HYPERNETS = st.lists(
    st.builds(HypernetUse, model=st.builds(ModelRef, name=NAMES), weight=st.floats(-2, 2)), max_size=2
).map(tuple)
WORDS = {
    "sampler": st.sampled_from(SAMPLER_WORDS),
    "schedule": st.sampled_from(SCHEDULE_WORDS),
    "prompt": PROMPTS,
    "negative_prompt": PROMPTS,
}


def values_of(knob: KnobField) -> st.SearchStrategy[Any]:
    """Any value that the knob allows."""
    least, most = knob.knob.least, knob.knob.most
    if knob.annotation is bool:
        return st.booleans()
    if knob.annotation is int:
        return st.integers(int(least or 0), int(most or 0))
    if knob.annotation is float:
        return st.floats(least, most)
    return st.sampled_from(knob.choices)


@st.composite
def parts(draw: st.DrawFn, name: str) -> Any:
    """A part with every field drawn that has a key of its own."""
    kind = Recipe.model_fields[name].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, Value)
    drawn: dict[str, Any] = {}
    for knob in knobs(Recipe):
        part, _, field = knob.path.partition(".")
        if part == name and knob.path in knob_keys() and draw(st.booleans()):
            drawn[field] = draw(values_of(knob))
    return kind(**drawn)


@st.composite
def variations(draw: st.DrawFn) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    if draw(st.booleans()):
        drawn = {"seed": draw(st.integers(0, 2**64 - 1)), "strength": draw(st.floats(1e-300, 1))}
    if draw(st.booleans()):
        drawn |= {"from_width": draw(st.integers(1, 16384)), "from_height": draw(st.integers(1, 16384))}
    return drawn


@st.composite
def hires_parts(draw: st.DrawFn) -> Hires:
    drawn: dict[str, Any] = {
        "upscaler": draw(st.sampled_from(UPSCALER_WORDS) | NAMES),
        "denoising_strength": draw(st.floats(0, 1)),
        "steps": draw(st.integers(0, 1000)),
        "cfg_scale": draw(st.floats(0, 100)),
        "sampler": draw(st.sampled_from(("", *SAMPLER_WORDS))),
        "schedule": draw(st.sampled_from(("", *SCHEDULE_WORDS[1:]))),
        "prompt": draw(PROMPTS),
        "negative_prompt": draw(PROMPTS),
        "model": draw(st.just(ModelRef()) | REFS),
    }
    if draw(st.booleans()):
        drawn |= {"width": draw(st.integers(0, 16384)), "height": draw(st.integers(1, 16384))}
    else:
        drawn["upscale"] = draw(st.floats(1, 8))
    return Hires(**drawn)


CONTROLS = st.lists(
    st.builds(
        ControlUse,
        model=REFS,
        module=st.sampled_from(["none", "canny", "depth_midas"]),
        weight=st.floats(0, 2),
        start=st.floats(0, 1),
        end=st.floats(0, 1),
        mode=st.sampled_from(["balanced", "prompt", "control"]),
        resize_mode=st.sampled_from(["just resize", "crop and resize", "resize and fill"]),
        processor_res=st.integers(-1, 4096),
        threshold_a=st.floats(-1, 255),
        threshold_b=st.floats(-1, 255),
        pixel_perfect=st.booleans(),
        hires=st.sampled_from(["both", "low res only", "high res only"]),
    ),
    max_size=3,
).map(tuple)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Any recipe whose every field A1111's text can name."""
    drawn: dict[str, Any] = {}
    for knob in knobs(Recipe):
        if "." not in knob.path and knob.path in knob_keys() and knob.path not in ("model", "vae"):
            drawn[knob.path] = draw(WORDS[knob.path] if knob.path in WORDS else values_of(knob))
    drawn["dialect"] = draw(st.sampled_from(["danqing", "a1111", "novelai", "comfy", "compel", "midjourney"]))
    drawn |= {"model": draw(st.just(ModelRef()) | REFS), "vae": draw(st.just(ModelRef()) | REFS)}
    drawn |= {name: draw(parts(name)) for name in ("noise", "sampling", "guidance", "text", "sdxl", "speed")}
    drawn |= {"variation": draw(variations()), "controls": draw(CONTROLS)}
    drawn |= {"loras": draw(LORAS), "hypernets": draw(HYPERNETS)}
    drawn["hires"] = draw(st.none() | hires_parts())
    if draw(st.booleans()):
        drawn["refiner"] = {"model": draw(REFS), "switch_at": draw(st.floats(0.01, 1)), "by_steps": draw(st.booleans())}
    return Recipe(**drawn)


def as_named(recipe: Recipe) -> Recipe:
    """The recipe with its networks where the text names them: as tags in the prompt."""
    tags = tags_of(recipe.loras, recipe.hypernets)
    return recipe.but(prompt=recipe.prompt + tags, loras=(), hypernets=())


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(recipes())
def test_a_recipe_is_read_again_as_it_was_written(recipe: Recipe) -> None:
    found = read_infotext(write_infotext(recipe, hashes={}, version="0.1.0"))
    assert found.order.recipe.sparse() == as_named(recipe).sparse()
    assert [note for note in found.notes if "ControlNet" not in note] == []


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(recipes())
def test_a1111_finds_the_same_words_in_it(recipe: Recipe) -> None:
    fields = present_fields(write_infotext(recipe, hashes={}, version="0.1.0"))
    assert fields["Prompt"] == as_named(recipe).prompt
    assert fields["Negative prompt"] == recipe.negative_prompt
    assert (fields["Steps"], fields["Seed"]) == (str(recipe.steps), str(recipe.seed))
    assert float(fields["CFG scale"]) == recipe.cfg_scale
    assert (fields["Size-1"], fields["Size-2"]) == (str(recipe.width), str(recipe.height))


def leaves(kind: type[Value], prefix: str = "") -> set[str]:
    """Every field of a recipe and of its parts by its path."""
    found: set[str] = set()
    for name in kind.model_fields:
        knob = [one for one in knobs(kind) if one.path.startswith(f"{name}.")]
        found |= {prefix + one.path for one in knob} or {prefix + name}
    return found


def test_every_field_has_a_key_or_stands_in_the_list_of_those_without() -> None:
    elsewhere = {"hires.width", "hires.height", "variation.from_width", "variation.from_height", "dialect", "controls"}
    nameless = leaves(Recipe) - set(knob_keys()) - elsewhere
    assert {path for path in nameless if path not in UNNAMED and path.partition(".")[0] not in UNNAMED} == set()


@pytest.mark.parametrize(
    "fields", [{"text": {"comma_backtrack": 3}}, {"prediction": "velocity"}, {"sdxl": {"score": 2}}]
)
def test_fields_without_a_key_leave_no_trace_in_the_text(fields: dict[str, Any]) -> None:
    written = [write_infotext(one, hashes={}, version="1") for one in (Recipe(), Recipe(**fields))]
    assert written[0] == written[1]


def test_keys_stand_in_a1111s_order() -> None:
    recipe = Recipe(
        prompt="a",
        vae=ModelRef(name="v", sha256="ab" * 32),
        model=ModelRef(name="m", sha256="cd" * 32),
        clip_skip=2,
        tiling=True,
        variation={"seed": 1, "strength": 0.5, "from_width": 64, "from_height": 64},  # pyright: ignore[reportArgumentType]
        hires=Hires(sampler="Euler", prompt="b", steps=3),
        loras=(LoraUse(model=ModelRef(name="ink", sha256="ef" * 32)),),
    )
    line = write_infotext(recipe, hashes={}, version="0.1.0").splitlines()[-1]
    keys = re.findall(r"(?:^|, )([A-Z][\w ]+):", re.sub(r'"[^"]*"', "", line))
    assert [key for key in ORDER if key in keys] == keys[:-1]
    assert keys[-1] == "Version"
    assert {"VAE hash", "Seed resize from", "Hires sampler", "Lora hashes", "Tiling"} <= set(keys)


def test_the_text_is_a1111s_to_the_letter() -> None:
    recipe = Recipe(
        prompt="a cat",
        negative_prompt="blurry",
        seed=7,
        sampler="Euler a",
        cfg_scale=7.5,
        clip_skip=2,
        model=ModelRef(name="anything-v3", sha256="8712e20a5d" + "0" * 54),
        loras=(LoraUse(model=ModelRef(name="ink"), unet=0.8, text=0.5),),
        hires=Hires(upscale=1.5, steps=10, upscaler="Lanczos", denoising_strength=0.55),
    )
    assert write_infotext(recipe, hashes={"ink": "0123456789abcdef"}, version="0.1.0") == (
        "a cat<lora:ink:0.5:0.8>\n"
        "Negative prompt: blurry\n"
        "Steps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7.5, Seed: 7, Size: 512x512, "
        "Model hash: 8712e20a5d, Model: anything-v3, Denoising strength: 0.55, Clip skip: 2, RNG: CPU, "
        "Hires upscale: 1.5, Hires steps: 10, Hires upscaler: Lanczos, "
        'Lora hashes: "ink: 0123456789ab", Version: danqing 0.1.0'
    )


def test_hires_networks_repeat_the_prompt_they_belong_to() -> None:
    recipe = Recipe(prompt="a cat", hires=Hires(loras=(LoraUse(model=ModelRef(name="ink")),)))
    again = read_infotext(write_infotext(recipe, hashes={}, version="1")).order.recipe
    assert again.hires is not None
    assert again.hires.prompt == "a cat<lora:ink:1>"


def test_input_pictures_become_a_note_that_says_what_to_give() -> None:
    image = ImageRef(sha256="ab" * 32, name="in.png")
    recipe = Recipe(init=InitImage(image=image, denoising_strength=0.6), inpaint=Inpaint(mask=image, content="fill"))
    found = read_infotext(write_infotext(recipe, hashes={}, version="1"))
    assert found.order.recipe.init is None
    (note,) = found.notes
    assert "picture" in note
    assert "Denoising strength: 0.6" in note
    assert "Masked content: fill" in note


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DPM++ 2M Karras", ("DPM++ 2M", "Karras")),
        ("DPM++2MKarras", ("DPM++ 2M", "Karras")),
        ("DPM++ 2M SDE Heun Exponential", ("DPM++ 2M SDE Heun", "Exponential")),
        ("DPM2 a Karras", ("DPM2 a", "Karras")),
        ("LMS Karras", ("LMS", "Karras")),
        ("euler A", ("Euler a", "")),
        ("DDIM", ("DDIM", "")),
        ("k_euler_a", ("k_euler_a", "")),
        ("My sampler Karras", ("My sampler Karras", "")),
        ("", ("", "")),
    ],
)
def test_old_joined_sampler_names_split(name: str, expected: tuple[str, str]) -> None:
    assert split_sampler(name) == expected


PARAMETERS = "a cat\nSteps: {steps}, Sampler: Euler, CFG scale: {cfg}, Seed: {seed}, Size: {size}, Clip skip: {clip}"
USUAL = {"steps": "20", "cfg": "7", "seed": "1", "size": "64x64", "clip": "1"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": "1000000000"}, ["steps", "at most 1000"]),
        ({"steps": "0"}, ["steps", "at least 1"]),
        ({"steps": "9" * 5000}, ["Steps", "whole number"]),
        ({"cfg": "seven"}, ["CFG scale", "number", "'seven'"]),
        ({"cfg": "1e999"}, ["cfg_scale"]),
        ({"cfg": "nan"}, ["cfg_scale"]),
        ({"seed": "x"}, ["Seed", "whole number", "'x'"]),
        ({"seed": str(2**70)}, ["seed", "at most"]),
        ({"size": "0x0"}, ["width", "at least 16"]),
        ({"size": "big"}, ["Size", "512x768", "'big'"]),
        ({"clip": "13"}, ["clip_skip", "at most 12"]),
    ],
)
def test_values_out_of_range_are_named_in_plain_words(change: dict[str, str], words: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        read_infotext(PARAMETERS.format(**{**USUAL, **change}))
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_seed_minus_one_is_a_seed_to_be_drawn() -> None:
    assert read_infotext(PARAMETERS.format(**{**USUAL, "seed": "-1"})).order.seeds == "random"


def test_a_bare_prompt_leaves_the_rest_to_the_model() -> None:
    order = read_infotext("a cat, (smile:1.2)").order
    assert order.recipe == Recipe(prompt="a cat, (smile:1.2)")
    assert "steps" in order.left_to_model
    assert order.recipe.dialect == "danqing"


def test_texts_of_a1111_are_in_its_dialect_and_have_no_clip_skip() -> None:
    order = read_infotext(PARAMETERS.format(**USUAL) + ", Version: v1.10.1").order
    assert order.recipe.dialect == "a1111"
    assert order.left_to_model == ()
    assert (order.recipe.clip_skip, order.recipe.schedule) == (1, "Automatic")


def test_what_nothing_here_can_do_becomes_a_note() -> None:
    text = PARAMETERS.format(**USUAL) + ", Distilled CFG Scale: 3.5, FP8 weight: Disable, ADetailer model: face.pt"
    notes = " ".join(read_infotext(text).notes)
    assert "Distilled CFG Scale: 3.5" in notes
    assert "ADetailer model" in notes
    assert "FP8" not in notes


def test_before_1_9_a_bare_sampler_name_meant_even_steps() -> None:
    text = PARAMETERS.format(**USUAL).replace("Euler", "DPM++ 2M")
    assert read_infotext(f"{text}, Version: v1.8.0").order.recipe.schedule == "Uniform"
    assert read_infotext(f"{text}, Version: v1.10.1").order.recipe.schedule == "Automatic"
    assert read_infotext(f"{text.replace('2M', '2M Karras')}, Version: v1.8.0").order.recipe.schedule == "Karras"


def test_before_1_6_prompt_editing_counted_steps_another_way() -> None:
    text = PARAMETERS.format(**USUAL).replace("a cat", "a [cat:dog:0.5]")
    assert read_infotext(f"{text}, Version: v1.5.2").order.recipe.text.old_timelines
    assert not read_infotext(f"{text}, Version: v1.6.0").order.recipe.text.old_timelines


def test_forges_hires_words_without_a_second_pass_decide_nothing() -> None:
    found = read_infotext(PARAMETERS.format(**USUAL) + ", Hires CFG Scale: 7, Hires Module 1: Use same choices")
    assert found.order.recipe.hires is None
    assert found.notes == ()


@settings(max_examples=1000, deadline=None)
@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(
            [
                "Steps: 5",
                ", ",
                "\n",
                "Sampler: x",
                ":",
                '"',
                "Size: 4",
                "9x9",
                "Seed: 1",
                "反向提示词",
                "\0",
                "\ud800",
                " ",
            ]
        )
    ).map("".join)
)
def test_any_text_at_all_is_read_or_refused_in_plain_words(text: str) -> None:
    try:
        read_infotext(text)
    except DanqingError as problem:
        assert "\n" not in str(problem)  # noqa: PT017 - it may be read as well
