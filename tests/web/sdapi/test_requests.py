"""The request models hold A1111's defaults, field by field, and take what its clients send."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from danqing.web.sdapi.requests import ExtraSingle, ImageToImage, Interrogate, Painting, PngInfo, TextToImage

SHARED: dict[str, Any] = {
    "prompt": "", "negative_prompt": "", "styles": None, "seed": -1, "subseed": -1, "subseed_strength": 0,
    "seed_resize_from_h": -1, "seed_resize_from_w": -1, "sampler_name": None, "sampler_index": "Euler",
    "scheduler": None, "batch_size": 1, "n_iter": 1, "steps": 50, "cfg_scale": 7, "distilled_cfg_scale": 3.5,
    "width": 512, "height": 512, "restore_faces": None, "tiling": None, "do_not_save_samples": False,
    "do_not_save_grid": False, "eta": None, "denoising_strength": 0.75, "s_min_uncond": None, "s_churn": None,
    "s_tmax": None, "s_tmin": None, "s_noise": None, "override_settings": None,
    "override_settings_restore_afterwards": True, "refiner_checkpoint": None, "refiner_switch_at": None,
    "disable_extra_networks": False, "firstpass_image": None, "comments": None, "force_task_id": None,
    "infotext": None, "script_name": None, "script_args": [], "send_images": True, "save_images": False,
    "alwayson_scripts": {},
}  # fmt: skip
HIRES: dict[str, Any] = {
    "enable_hr": False, "firstphase_width": 0, "firstphase_height": 0, "hr_scale": 2, "hr_upscaler": None,
    "hr_second_pass_steps": 0, "hr_resize_x": 0, "hr_resize_y": 0, "hr_checkpoint_name": None,
    "hr_sampler_name": None, "hr_scheduler": None, "hr_prompt": "", "hr_negative_prompt": "",
}  # fmt: skip
IMAGE: dict[str, Any] = {
    "init_images": None, "mask": None, "resize_mode": 0, "image_cfg_scale": None, "mask_blur": None,
    "mask_blur_x": 4, "mask_blur_y": 4, "mask_round": True, "inpainting_fill": 0, "inpaint_full_res": True,
    "inpaint_full_res_padding": 0, "inpainting_mask_invert": 0, "initial_noise_multiplier": None,
    "latent_mask": None, "include_init_images": False,
}  # fmt: skip
EXTRAS: dict[str, Any] = {
    "resize_mode": 0, "show_extras_results": True, "gfpgan_visibility": 0, "codeformer_visibility": 0,
    "codeformer_weight": 0, "upscaling_resize": 2, "upscaling_resize_w": 512, "upscaling_resize_h": 512,
    "upscaling_crop": True, "upscaler_1": "None", "upscaler_2": "None", "extras_upscaler_2_visibility": 0,
    "upscale_first": False, "image": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("model", "defaults"),
    [(TextToImage, {**SHARED, **HIRES}), (ImageToImage, {**SHARED, **IMAGE}), (ExtraSingle, EXTRAS)],
)
def test_an_empty_body_has_a1111s_defaults(model: type[BaseModel], defaults: dict[str, Any]) -> None:
    assert model.model_validate({}).model_dump() == defaults


@pytest.mark.parametrize(
    ("model", "defaults"), [(TextToImage, {**SHARED, **HIRES}), (ImageToImage, {**SHARED, **IMAGE})]
)
def test_null_is_as_if_not_sent_in_every_field(model: type[Painting], defaults: dict[str, Any]) -> None:
    sent = model.model_validate(dict.fromkeys(defaults))
    assert sent.model_dump() == defaults
    assert sent.model_fields_set == set()


def test_unknown_fields_are_ignored() -> None:
    assert TextToImage.model_validate({"hr_additional_modules": ["x"], "steps": 3}).steps == 3


@pytest.mark.parametrize(
    ("sent", "meant"),
    [(7, 7), ("7", 7), (-1, -1), ("", -1), ("abc", -1), (7.9, 7), (True, -1), ([1], -1), (-5, 2**64 - 6), (1e400, -1)],
)
def test_a_seed_that_is_no_number_is_drawn_and_one_below_zero_counts_back(sent: object, meant: int) -> None:
    assert TextToImage.model_validate({"seed": sent}).seed == meant


@pytest.mark.parametrize("sent", [True, False, 0, 1])
def test_switches_come_as_booleans_and_as_numbers(sent: object) -> None:
    request = ImageToImage.model_validate({"inpaint_full_res": sent, "inpainting_mask_invert": sent})
    assert request.inpaint_full_res is bool(sent)
    assert request.inpainting_mask_invert == int(sent)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "body", [{"resize_mode": 2}, {"gfpgan_visibility": 1.5}, {"upscaling_resize": 0}, {"upscaling_resize_w": 0}]
)
def test_extras_out_of_range_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ExtraSingle.model_validate(body)


def test_a_null_picture_is_told_from_none_at_all_where_that_matters() -> None:
    assert Interrogate.model_validate({"image": None}).image is None
    assert Interrogate.model_validate({}).image == ""
    with pytest.raises(ValidationError):
        PngInfo.model_validate({"image": None})
