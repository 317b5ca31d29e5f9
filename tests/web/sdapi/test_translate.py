"""Requests as orders: what each field of A1111's becomes in a recipe, and which layer wins."""

from collections.abc import Mapping
from typing import Any

import pytest

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef
from danqing.web.problems import NotYetError, Refused
from danqing.web.sdapi.requests import ImageToImage, TextToImage
from danqing.web.sdapi.translate import Around, orders_of, without_comments

FIRST, SECOND = ImageRef(sha256="a" * 64), ImageRef(sha256="b" * 64)
DRAWN = 12345


def around(options: Mapping[str, Any] = {}, *images: ImageRef, mask: ImageRef | None = None) -> Around:
    return Around(options, lambda: DRAWN, lambda name: name != "gone", images, mask)


def text(options: Mapping[str, Any] = {}, **body: Any) -> Order:
    (order,) = orders_of(TextToImage.model_validate(body), around(options))
    return order


def image(*images: ImageRef, mask: ImageRef | None = None, **body: Any) -> Recipe:
    (order,) = orders_of(ImageToImage.model_validate(body), around({}, *(images or (FIRST,)), mask=mask))
    return order.recipe


def at(recipe: Recipe, path: str) -> Any:
    value: Any = recipe
    for name in path.split("."):
        value = getattr(value, name)
    return value


def test_an_empty_request_is_a1111s_own_picture() -> None:
    order = text()
    wanted = Recipe.model_validate(
        {
            "dialect": "a1111",
            "steps": 50,
            "sampler": "Euler",
            "seed": DRAWN,
            "variation": {"seed": DRAWN},
        }
    )
    assert order.recipe == wanted
    assert (order.count, order.batch_size, order.seeds, order.left_to_model) == (1, 1, "increasing", ())


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        ({"prompt": "fox"}, "prompt", "fox"),
        ({"negative_prompt": "ugly"}, "negative_prompt", "ugly"),
        ({"seed": 7}, "seed", 7),
        ({"subseed": 8}, "variation.seed", 8),
        ({"subseed_strength": 0.4}, "variation.strength", 0.4),
        ({"seed_resize_from_w": 256}, "variation.from_width", 256),
        ({"seed_resize_from_h": -1}, "variation.from_height", 0),
        ({"steps": 3}, "steps", 3),
        ({"cfg_scale": 4.5}, "cfg_scale", 4.5),
        ({"width": 64}, "width", 64),
        ({"height": 72}, "height", 72),
        ({"sampler_name": "Euler a"}, "sampler", "Euler a"),
        ({"sampler_name": "k_euler_a"}, "sampler", "Euler a"),
        ({"sampler_index": "DDIM"}, "sampler", "DDIM"),
        ({"sampler_index": "DDIM", "sampler_name": ""}, "sampler", "DDIM"),
        ({"sampler_index": "DDIM", "sampler_name": "LMS"}, "sampler", "LMS"),
        ({"sampler_name": "DPM++ 2M Karras"}, "sampler", "DPM++ 2M"),
        ({"sampler_name": "DPM++ 2M Karras"}, "schedule", "Karras"),
        ({"scheduler": "karras"}, "schedule", "Karras"),
        ({"scheduler": "SGM Uniform"}, "schedule", "SGM Uniform"),
        ({"scheduler": "automatic"}, "schedule", "Automatic"),
        ({"scheduler": "of another world"}, "schedule", "Automatic"),
        ({"eta": 0.5}, "sampling.eta", 0.5),
        ({"eta": 0.5}, "sampling.eta_ddim", 0.5),
        ({"s_churn": 1}, "sampling.churn", 1),
        ({"s_tmin": 0.1}, "sampling.churn_from", 0.1),
        ({"s_tmax": 0}, "sampling.churn_to", 0),
        ({"s_noise": 1.01}, "sampling.noise", 1.01),
        ({"s_min_uncond": 2}, "guidance.skip_below_sigma", 2),
        ({"tiling": True}, "tiling", True),
        ({"disable_extra_networks": True, "prompt": "a <lora:x:1> b"}, "prompt", "a  b"),
        ({"override_settings": {"CLIP_stop_at_last_layers": 2}}, "clip_skip", 2),
        ({"override_settings": {"sd_model_checkpoint": "ink [0123456789]"}}, "model.name", "ink"),
        ({"override_settings": {"sd_model_checkpoint": "ink [0123456789]"}}, "model.sha256", "0123456789"),
        ({"override_settings": {"sd_model_checkpoint": "gone"}}, "model.name", ""),
        ({"override_settings": {"sd_vae": "Automatic"}}, "vae.name", ""),
        ({"override_settings": {"sd_vae": "fine.vae.pt"}}, "vae.name", "fine.vae.pt"),
        ({"override_settings": {"randn_source": "GPU"}}, "noise.source", "NV"),
        ({"override_settings": {"eta_noise_seed_delta": 31337}}, "noise.seed_delta", 31337),
        ({"override_settings": {"emphasis": "No norm"}}, "text.emphasis", "No norm"),
        ({"override_settings": {"sd_noise_schedule": "Zero Terminal SNR"}}, "sampling.zero_terminal_snr", True),
        ({"override_settings": {"s_churn": 2.0}, "s_churn": 1.0}, "sampling.churn", 1.0),
        ({"override_settings": {"no such option": 1}, "steps": 4}, "steps", 4),
        ({"refiner_checkpoint": "r", "refiner_switch_at": 0.7}, "refiner.switch_at", 0.7),
        ({"refiner_checkpoint": "None", "refiner_switch_at": 0.7}, "refiner", None),
        ({"refiner_checkpoint": "r"}, "refiner", None),
        ({"alwayson_scripts": {"Refiner": {"args": [True, "r", 0.6]}}}, "refiner.switch_at", 0.6),
        ({"alwayson_scripts": {"refiner": {"args": [False, "r", 0.6]}}}, "refiner", None),
        ({"alwayson_scripts": {"seed": {"args": [9]}}}, "seed", 9),
        ({"alwayson_scripts": {"seed": {"args": [9, True, 10, 0.3, 32, 64]}}}, "variation.strength", 0.3),
        ({"alwayson_scripts": {"Sampler": {"args": [5, "LMS", "Karras"]}}}, "schedule", "Karras"),
        ({"alwayson_scripts": {"Comments": {}}}, "steps", 50),
        ({"alwayson_scripts": {"Extra options": {"args": []}}}, "steps", 50),
        ({"alwayson_scripts": {"ControlNet": {"args": []}}}, "controls", ()),
        ({"alwayson_scripts": {"ControlNet": {"args": [{"model": "canny"}]}}}, "controls", ()),
        ({"alwayson_scripts": {"ADetailer": {"args": [False]}}}, "finishers", ()),
        ({"alwayson_scripts": {"ADetailer": {"args": [True, {"ad_model": "None"}]}}}, "finishers", ()),
        ({"alwayson_scripts": {"Dynamic Prompts v2.17.1": {"args": [True]}}}, "dialect", "danqing"),
    ],
)  # fmt: skip
def test_a_field_of_txt2img_becomes_a_field_of_the_recipe(body: dict[str, Any], path: str, value: object) -> None:
    assert at(text(**body).recipe, path) == value


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        ({}, "hires.upscale", 2),
        ({}, "hires.upscaler", "Latent"),
        ({}, "hires.denoising_strength", 0.75),
        ({"hr_scale": 1.5}, "hires.upscale", 1.5),
        ({"hr_upscaler": "Lanczos"}, "hires.upscaler", "Lanczos"),
        ({"hr_upscaler": "None"}, "hires.upscaler", "Lanczos"),
        ({"hr_second_pass_steps": 4}, "hires.steps", 4),
        ({"hr_resize_x": 128, "hr_resize_y": 96}, "hires.height", 96),
        ({"hr_sampler_name": "DPM++ 2M Karras"}, "hires.schedule", "Karras"),
        ({"hr_sampler_name": "Use same sampler"}, "hires.sampler", ""),
        ({"hr_scheduler": "Use same scheduler"}, "hires.schedule", ""),
        ({"hr_checkpoint_name": "Use same checkpoint"}, "hires.model.name", ""),
        ({"hr_checkpoint_name": "other"}, "hires.model.name", "other"),
        ({"hr_prompt": "more"}, "hires.prompt", "more"),
        ({"denoising_strength": 0.3}, "hires.denoising_strength", 0.3),
        ({"firstphase_width": 256, "firstphase_height": 320, "width": 512, "height": 640}, "width", 256),
        ({"firstphase_width": 256, "firstphase_height": 320, "width": 512, "height": 640}, "hires.height", 640),
    ],
)
def test_a_field_of_hires_becomes_a_field_of_the_recipe(body: dict[str, Any], path: str, value: object) -> None:
    assert at(text(enable_hr=True, **body).recipe, path) == value


def test_hires_fields_without_hires_mean_nothing() -> None:
    assert text(hr_scale=3, hr_upscaler="Lanczos", denoising_strength=0.1).recipe.hires is None


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        ({}, "init.image", FIRST),
        ({}, "init.denoising_strength", 0.75),
        ({}, "init.resize_mode", "just resize"),
        ({}, "inpaint", None),
        ({"resize_mode": 2}, "init.resize_mode", "resize and fill"),
        ({"initial_noise_multiplier": 1.1}, "init.noise_multiplier", 1.1),
        ({"image_cfg_scale": 2}, "guidance.image_scale", 2),
        ({"override_settings": {"img2img_fix_steps": True}}, "init.full_steps", True),
        ({"override_settings": {"img2img_color_correction": True}}, "init.color_correction", True),
        ({"override_settings": {"img2img_background_color": "#000000"}}, "init.background", "#000000"),
    ],
)
def test_a_field_of_img2img_becomes_a_field_of_the_recipe(body: dict[str, Any], path: str, value: object) -> None:
    assert at(image(**body), path) == value


@pytest.mark.parametrize(
    ("body", "path", "value"),
    [
        ({}, "mask", SECOND),
        ({}, "blur_x", 4),
        ({}, "content", "fill"),
        ({}, "area", "only masked"),
        ({}, "padding", 0),
        ({}, "invert", False),
        ({}, "soft", None),
        ({"mask_blur": 8}, "blur_y", 8),
        ({"mask_blur_x": 2}, "blur_x", 2),
        ({"inpainting_fill": 3}, "content", "latent nothing"),
        ({"inpaint_full_res": 0}, "area", "whole picture"),
        ({"inpaint_full_res_padding": 16}, "padding", 16),
        ({"inpainting_mask_invert": True}, "invert", True),
        ({"override_settings": {"inpainting_mask_weight": 0.5}}, "mask_weight", 0.5),
        ({"alwayson_scripts": {"soft inpainting": {"args": [True, 2, 0.6]}}}, "soft.schedule_bias", 2),
        ({"alwayson_scripts": {"soft inpainting": {"args": [True, 2, 0.6]}}}, "soft.contrast", 4),
        ({"alwayson_scripts": {"soft inpainting": {"args": [False, 2]}}}, "soft", None),
    ],
)
def test_a_field_of_inpainting_becomes_a_field_of_the_recipe(body: dict[str, Any], path: str, value: object) -> None:
    recipe = image(mask=SECOND, **body)
    assert recipe.inpaint is not None
    assert at(Recipe(inpaint=recipe.inpaint), f"inpaint.{path}") == value


def test_layers_lie_over_each_other() -> None:
    told = "fox\nSteps: 9, Sampler: Euler a, CFG scale: 3, Seed: 4, Size: 96x64, Clip skip: 2"
    options = {"CLIP_stop_at_last_layers": 3, "s_churn": 0.5}
    recipe = text(options, infotext=told, cfg_scale=5, override_settings={"s_churn": 0.25}).recipe
    assert (recipe.prompt, recipe.steps, recipe.sampler, recipe.seed, recipe.width) == ("fox", 9, "Euler a", 4, 96)
    assert recipe.clip_skip == 2  # the text over the option
    assert recipe.cfg_scale == 5  # the request over the text
    assert recipe.sampling.churn == 0.25  # what is overridden over what is set
    assert text(options).recipe.clip_skip == 3


def test_a_text_with_hires_switches_it_on_unless_the_request_says_no() -> None:
    told = "fox\nSteps: 9, Sampler: Euler a, Seed: 4, Size: 64x64, Hires upscale: 1.5, Hires upscaler: Lanczos"
    hires = text(infotext=told).recipe.hires
    assert hires is not None
    assert (hires.upscale, hires.upscaler) == (1.5, "Lanczos")
    assert text(infotext=told, enable_hr=False).recipe.hires is None


def test_a_seed_of_minus_one_in_the_request_outweighs_that_of_the_text() -> None:
    told = "fox\nSteps: 9, Sampler: Euler a, CFG scale: 3, Seed: 4"
    assert text(infotext=told, seed=-1).recipe.seed == DRAWN


def test_styles_are_named_and_none_is_no_style() -> None:
    assert text(styles=["photo", "None", ""]).styles == ("photo",)


def test_batches_become_count_and_batch_size() -> None:
    order = text(n_iter=3, batch_size=2)
    assert (order.count, order.batch_size) == (3, 2)


def test_several_init_images_give_each_picture_its_own() -> None:
    body = ImageToImage.model_validate({"batch_size": 2, "n_iter": 2, "seed": 5})
    orders = orders_of(body, around({}, FIRST, SECOND))
    told = [(order.recipe.seed, order.recipe.init and order.recipe.init.image) for order in orders]
    assert told == [(5, FIRST), (6, SECOND), (7, FIRST), (8, SECOND)]
    with pytest.raises(Refused, match="bad number of images passed: 3"):
        orders_of(body, around({}, FIRST, SECOND, FIRST))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("fox", "fox"),
        ("fox # red", "fox "),
        ("# all\nfox", "fox"),
        ("a\n# b\nc", "a\nc"),
        ("a # b\nc", "a \nc"),
        ("#", ""),
    ],
)
def test_comments_go(written: str, meant: str) -> None:
    assert without_comments(written) == meant
    assert text(prompt=written).recipe.prompt == meant
    assert text({"enable_prompt_comments": False}, prompt=written).recipe.prompt == written


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"sampler_name": "Eulre"}, 400, "Sampler not found"),
        ({"enable_hr": True, "hr_sampler_name": "Eulre"}, 400, "Sampler not found"),
        ({"alwayson_scripts": {"roop": {"args": []}}}, 422, "not found"),
        ({"alwayson_scripts": {"X/Y/Z plot": {"args": []}}}, 422, "Cannot have a selectable script"),
        ({"alwayson_scripts": {"soft inpainting": {"args": []}}}, 422, "not found"),
        ({"infotext": "x\nSteps: 99999, Sampler: Euler, CFG scale: 7, Size: 1x1"}, 422, "infotext"),
    ],
)
def test_what_a1111_refuses_is_refused_with_its_status(body: dict[str, Any], status: int, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence) as refused:
        text(**body)
    assert refused.value.status == status


@pytest.mark.parametrize(
    "body",
    [
        {"restore_faces": True},
        {"override_settings": {"face_restoration": True}},
        {"firstpass_image": "x"},
        {"alwayson_scripts": {"ControlNet": {"args": [{"enabled": True}]}}},
        {"alwayson_scripts": {"ADetailer": {"args": [True, {"ad_model": "face_yolov8n.pt"}]}}},
        {"alwayson_scripts": {"hypertile": {"args": [True]}}},
    ],
)
def test_what_is_to_come_is_refused_by_name(body: dict[str, Any]) -> None:
    with pytest.raises(NotYetError, match="yet"):
        text(**body)


@pytest.mark.parametrize(
    "body",
    [
        {"steps": 0},
        {"steps": 10**9},
        {"width": -8},
        {"n_iter": 0},
        {"batch_size": 10**9},
        {"cfg_scale": -1},
        {"override_settings": {"CLIP_stop_at_last_layers": "many"}},
        {"alwayson_scripts": {"seed": []}},
        {"alwayson_scripts": {"seed": {"args": "7"}}},
        {"alwayson_scripts": {"sampler": {"args": ["many"]}}},
    ],
)
def test_values_out_of_range_are_refused_in_plain_words(body: dict[str, Any]) -> None:
    with pytest.raises(DanqingError):
        text(**body)


def test_modes_beyond_a1111s_are_refused() -> None:
    with pytest.raises(RecipeError, match="resize_mode must be one of 0"):
        image(resize_mode=9)
