"""`webuiapi`, the best-known client of A1111's API, against a live server, as it comes from PyPI."""

import io
import threading
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.web.conftest import Running

webuiapi = pytest.importorskip("webuiapi")

TINY: dict[str, Any] = {"steps": 2, "width": 64, "height": 64, "seed": 3, "cfg_scale": 5}


@pytest.fixture(scope="module")
def api(server: Running) -> Any:
    return webuiapi.WebUIApi(host="127.0.0.1", port=server.port, sampler="Euler a", steps=2)


def drawing() -> Image.Image:
    picture = Image.new("RGB", (64, 64), "orange")
    ImageDraw.Draw(picture).ellipse((16, 16, 48, 48), fill="navy")
    return picture


def test_txt2img(api: Any) -> None:
    result = api.txt2img(prompt="robot, red", negative_prompt="ugly", n_iter=2, alwayson_scripts={}, **TINY)
    assert [picture.size for picture in result.images] == [(64, 64)] * 2
    assert result.info["all_seeds"] == [3, 4]
    assert result.info["sampler_name"] == "Euler a"
    assert result.images[1].info["parameters"] == result.info["infotexts"][1]
    assert "Negative prompt: ugly" in result.images[0].info["parameters"]
    again = api.txt2img(prompt="robot, red", negative_prompt="ugly", alwayson_scripts={}, **TINY)
    assert np.array_equal(result.images[0], again.image)


def test_txt2img_with_hires(api: Any) -> None:
    result = api.txt2img(
        prompt="robot", enable_hr=True, hr_scale=2, hr_upscaler=webuiapi.HiResUpscaler.Latent, denoising_strength=0.6,
        alwayson_scripts={}, **TINY,
    )  # fmt: skip
    assert result.image.size == (128, 128)
    assert result.info["extra_generation_params"]["Hires upscaler"] == "Latent"
    assert result.info["denoising_strength"] == 0.6


def test_img2img(api: Any) -> None:
    plain = api.txt2img(prompt="robot", alwayson_scripts={}, **TINY)
    over = api.img2img(images=[drawing()], prompt="robot", denoising_strength=0.5, alwayson_scripts={}, **TINY)
    assert over.image.size == (64, 64)
    assert over.info["denoising_strength"] == 0.5
    assert not np.array_equal(plain.image, over.image)
    assert "Denoising strength: 0.5" in over.image.info["parameters"]


def test_inpainting_keeps_what_is_black_in_the_mask(api: Any) -> None:
    mask = Image.new("L", (64, 64), 0)
    ImageDraw.Draw(mask).rectangle((40, 0, 63, 63), fill=255)
    result = api.img2img(
        images=[drawing()], mask_image=mask, mask_blur=0, inpainting_fill=1, inpaint_full_res=False,
        prompt="robot", denoising_strength=0.9, alwayson_scripts={}, **TINY,
    )  # fmt: skip
    before, after = np.asarray(drawing(), dtype=int), np.asarray(result.image.convert("RGB"), dtype=int)
    assert np.array_equal(before[:, :32], after[:, :32])
    assert np.abs(before - after)[:, 44:].mean() > 5


def test_png_info(api: Any) -> None:
    picture = api.txt2img(prompt="robot", alwayson_scripts={}, **TINY).image
    told = api.png_info(picture)
    assert told.info == picture.info["parameters"]
    assert told.parameters["Seed"] == "3"
    assert "danqing" in told.json["items"]
    assert api.png_info(drawing()).json == {"info": "", "items": {}, "parameters": {}}


def test_options(api: Any) -> None:
    before = api.get_options()
    assert api.set_options({"send_seed": not before["send_seed"], "CLIP_stop_at_last_layers": 2}) is None
    try:
        assert api.get_options()["send_seed"] is not before["send_seed"]
        result = api.txt2img(prompt="robot", alwayson_scripts={}, **TINY)
        assert result.info["clip_skip"] == 2
        kept = api.txt2img(
            prompt="robot", override_settings={"CLIP_stop_at_last_layers": 1}, alwayson_scripts={}, **TINY
        )
        assert kept.info["clip_skip"] == 1
    finally:
        api.set_options({"send_seed": before["send_seed"], "CLIP_stop_at_last_layers": 1})
    assert api.get_options() == before


def test_models_are_listed_and_chosen(api: Any) -> None:
    assert any(title.startswith("toy") for title in api.util_get_model_names())
    before = api.util_get_current_model()
    assert before in api.util_get_model_names()
    api.util_set_model("mini")
    try:
        assert api.util_get_current_model().startswith("danqing-mini")
    finally:
        api.set_options({"sd_model_checkpoint": before})
    assert api.util_get_current_model() == before


def test_progress_interrupt_and_skip(api: Any) -> None:
    api.util_wait_for_ready(check_interval=0.05)
    assert api.get_progress()["state"]["job_count"] == 0
    results: list[Any] = []
    long = {**TINY, "steps": 150, "n_iter": 50}
    caller = threading.Thread(target=lambda: results.append(api.txt2img(prompt="x", alwayson_scripts={}, **long)))
    caller.start()
    try:
        until = time.monotonic() + 60
        while (told := api.get_progress())["state"]["job_count"] != 50 and time.monotonic() < until:
            time.sleep(0.02)
        assert told["state"]["sampling_steps"] == 150
        assert 0 < told["progress"] <= 1
        assert told["current_task"].startswith("task(txt2img-")
        assert api.skip() is None
    finally:
        assert api.interrupt() == {}
        caller.join(60)
    assert 1 <= len(results[0].images) < 50
    api.util_wait_for_ready(check_interval=0.05)


def test_lists(api: Any) -> None:
    assert {"Euler", "DPM++ 2M", "LCM"} <= set(api.util_get_sampler_names())
    assert {"automatic", "karras", "sgm_uniform"} <= set(api.util_get_scheduler_names())
    assert [one["name"] for one in api.get_upscalers()][:3] == ["None", "Lanczos", "Nearest"]
    assert api.get_latent_upscale_modes()[0] == {"name": "Latent"}
    assert set(api.get_embeddings()) == {"loaded", "skipped"}
    assert api.get_memory()["ram"]["total"] > 0
    assert api.refresh_checkpoints() is None
    for listed in (
        api.get_sd_vae(),
        api.get_loras(),
        api.get_hypernetworks(),
        api.get_face_restorers(),
        api.get_realesrgan_models(),
        api.get_prompt_styles(),
    ):
        assert isinstance(listed, list)
    assert api.get_cmd_flags()["api"] is True


def test_what_is_answered_is_png_that_any_reader_opens(api: Any) -> None:
    answer = api.txt2img(prompt="robot", alwayson_scripts={}, **TINY).json
    import base64

    with Image.open(io.BytesIO(base64.b64decode(answer["images"][0]))) as picture:
        assert picture.format == "PNG"


def test_extras(api: Any) -> None:
    single = api.extra_single_image(drawing(), upscaler_1=webuiapi.Upscaler.Lanczos, upscaling_resize=2)
    assert single.image.size == (128, 128)
    batch = api.extra_batch_images([drawing(), drawing()], upscaler_1=webuiapi.Upscaler.Nearest, upscaling_resize=1.5)
    assert [picture.size for picture in batch.images] == [(96, 96)] * 2
    assert "Nearest" in batch.info


def test_interrogate_says_that_it_is_to_come(api: Any) -> None:
    with pytest.raises(RuntimeError, match="no clip to describe pictures with yet"):
        api.interrogate(drawing())
