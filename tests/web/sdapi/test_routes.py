"""/sdapi/v1 against live servers: A1111's own suite in our words, answers that need painting, and statuses."""

import base64
import io
import json
from typing import Any

import httpx2
import numpy as np
import pytest
from PIL import Image

from danqing.pixels.files import read_picture
from tests.web.conftest import TINY, Running


def paint(http: httpx2.Client, route: str = "txt2img", **body: Any) -> dict[str, Any]:
    answer = http.post(f"/sdapi/v1/{route}", json={**TINY, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found | {"info": json.loads(found["info"])}


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def drawn(size: tuple[int, int] = (64, 64)) -> str:
    stream = io.BytesIO()
    Image.new("RGB", size, "teal").save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


UPSTREAM = {
    "enable_hr": False, "denoising_strength": 0, "firstphase_width": 0, "firstphase_height": 0,
    "prompt": "example prompt", "styles": [], "seed": -1, "subseed": -1, "subseed_strength": 0,
    "seed_resize_from_h": -1, "seed_resize_from_w": -1, "batch_size": 1, "n_iter": 1, "steps": 3, "cfg_scale": 7,
    "width": 64, "height": 64, "restore_faces": False, "tiling": False, "negative_prompt": "", "eta": 0, "s_churn": 0,
    "s_tmax": 0, "s_tmin": 0, "s_noise": 1, "sampler_index": "Euler a",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "sizes"),
    [
        ({}, [(64, 64)]),
        ({"negative_prompt": "example negative prompt"}, [(64, 64)]),
        (
            {"prompt": "((emphasis)), (emphasis1:1.1), [to:1], [from::2], [from:to:0.3], [alt|alt1]"},
            [(64, 64)],
        ),
        ({"height": 128}, [(64, 128)]),
        ({"tiling": True}, [(64, 64)]),
        ({"enable_hr": True}, [(128, 128)]),
        ({"sampler_index": "PLMS"}, [(64, 64)]),
        ({"sampler_index": "DDIM"}, [(64, 64)]),
        ({"sampler_index": "UniPC"}, [(64, 64)]),
        ({"n_iter": 2}, [(64, 64)] * 2),
        ({"batch_size": 2}, [(64, 64)] * 2),
    ],
)
def test_what_a1111s_own_suite_sends_is_painted(
    http: httpx2.Client, changes: dict[str, Any], sizes: list[tuple[int, int]]
) -> None:
    answer = http.post("/sdapi/v1/txt2img", json={**UPSTREAM, **changes})
    assert answer.status_code == 200, answer.text
    assert [opened(text).size for text in answer.json()["images"]] == sizes


def test_info_has_every_key_and_the_request_is_echoed(http: httpx2.Client) -> None:
    answer = paint(http, n_iter=2, styles=None, unknown_field=1)
    assert set(answer) == {"images", "parameters", "info"}
    assert set(answer["info"]) == {
        "prompt", "all_prompts", "negative_prompt", "all_negative_prompts", "seed", "all_seeds", "subseed",
        "all_subseeds", "subseed_strength", "width", "height", "sampler_name", "cfg_scale", "steps", "batch_size",
        "restore_faces", "face_restoration_model", "sd_model_name", "sd_model_hash", "sd_vae_name", "sd_vae_hash",
        "seed_resize_from_w", "seed_resize_from_h", "denoising_strength", "extra_generation_params",
        "index_of_first_image", "infotexts", "styles", "job_timestamp", "clip_skip",
        "is_using_inpainting_conditioning", "version",
    }  # fmt: skip
    info = answer["info"]
    assert (info["all_seeds"], info["all_prompts"], info["sd_model_name"]) == ([3, 4], ["robot"] * 2, "toy")
    assert len(info["sd_model_hash"]) == 10
    assert len(info["job_timestamp"]) == 14
    assert (info["index_of_first_image"], len(info["infotexts"])) == (0, 2)
    assert answer["parameters"]["steps"] == 2
    assert "unknown_field" not in answer["parameters"]
    assert answer["parameters"]["do_not_save_grid"] is True


def test_a_variation_keeps_the_seed_and_counts_the_second(http: httpx2.Client) -> None:
    info = paint(http, n_iter=2, subseed=9, subseed_strength=0.5)["info"]
    assert (info["all_seeds"], info["all_subseeds"], info["subseed_strength"]) == ([3, 3], [9, 10], 0.5)


def test_pictures_that_are_saved_get_a_grid_in_front_and_a_record(http: httpx2.Client) -> None:
    plain = paint(http, n_iter=2, prompt="grebe")
    saved = paint(http, n_iter=2, prompt="grebe", save_images=True)
    assert [opened(text).size for text in saved["images"]] == [(128, 64), (64, 64), (64, 64)]
    assert (saved["info"]["index_of_first_image"], len(saved["info"]["infotexts"])) == (1, 3)
    assert saved["images"][1:] != []
    for one, two in zip(plain["images"], saved["images"][1:], strict=True):
        assert np.array_equal(read_picture(base64.b64decode(one)), read_picture(base64.b64decode(two)))
    found = http.get("/api/v1/pictures", params={"text": "grebe"}).json()["pictures"]
    assert sorted(record["seed"] for record in found) == [3, 4]


def test_pictures_are_left_out_where_they_are_not_wanted(http: httpx2.Client) -> None:
    assert paint(http, send_images=False)["images"] == []


@pytest.mark.parametrize(("word", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_the_format_is_that_of_the_options(http: httpx2.Client, word: str, kind: str) -> None:
    with opened(paint(http, override_settings={"samples_format": word})["images"][0]) as picture:
        assert picture.format == kind


def test_an_x_y_z_plot_is_one_sheet_with_legends(http: httpx2.Client) -> None:
    arguments = [4, "1,2,3", [], 6, "2, 7", [], 0, "", [], True, True]
    answer = paint(http, script_name="X/Y/Z plot", script_args=arguments)
    first, *rest = [opened(text) for text in answer["images"]]
    assert first.width > 3 * 64
    assert first.height > 2 * 64
    assert [picture.size for picture in rest] == [(64, 64)] * 6
    assert answer["info"]["index_of_first_image"] == 1
    bare = paint(http, script_name="x/y/z plot", script_args=[*arguments[:9], False, False])
    assert [opened(text).size for text in bare["images"]] == [(192, 128)]


def test_a_prompt_matrix_and_prompts_from_a_file(http: httpx2.Client) -> None:
    matrix = paint(http, prompt="robot|red|blue", script_name="prompt matrix")
    assert [opened(text).size for text in matrix["images"]] == [(128, 128)] + [(64, 64)] * 4
    assert matrix["info"]["all_prompts"] == ["robot", "robot, red", "robot, blue", "robot, red, blue"]
    lines = paint(
        http, prompt="", script_name="Prompts from file or textbox", script_args=[True, False, "start", "fox\nowl"]
    )
    assert (lines["info"]["all_prompts"], lines["info"]["all_seeds"]) == (["fox", "owl"], [3, 4])


@pytest.mark.parametrize(
    ("script", "arguments", "sizes"),
    [
        ("sd upscale", ["", 8, "Lanczos", 2.0], [(128, 128)]),
        ("loopback", [3, 0.4, "Linear", "None"], [(64, 64)] * 3),
        ("outpainting mk2", ["", 16, 8, ["left", "up"], 1.0, 0.05], [(80, 80)]),
        ("poor man's outpainting", [16, 4, 0, ["right"]], [(80, 64)]),
    ],
)
def test_scripts_that_begin_with_a_picture(
    http: httpx2.Client, script: str, arguments: list[Any], sizes: list[tuple[int, int]]
) -> None:
    found = paint(http, "img2img", init_images=[drawn()], script_name=script, script_args=arguments)
    assert [opened(text).size for text in found["images"]] == sizes


def test_an_infotext_in_the_request_paints_its_picture(http: httpx2.Client) -> None:
    first = paint(http)
    again = http.post("/sdapi/v1/txt2img", json={"infotext": first["info"]["infotexts"][0]}).json()
    assert np.array_equal(
        read_picture(base64.b64decode(first["images"][0])), read_picture(base64.b64decode(again["images"][0]))
    )


def test_extras_enlarge_by_factor_and_to_a_size(http: httpx2.Client) -> None:
    def enlarge(**body: Any) -> dict[str, Any]:
        answer = http.post("/sdapi/v1/extra-single-image", json={"image": drawn(), **body})
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert opened(enlarge(upscaler_1="Lanczos")["image"]).size == (128, 128)
    assert opened(enlarge(upscaler_1="Nearest", upscaling_resize=1.5)["image"]).size == (96, 96)
    fitted = enlarge(upscaler_1="Lanczos", resize_mode=1, upscaling_resize_w=80, upscaling_resize_h=40)
    assert opened(fitted["image"]).size == (80, 40)
    assert "Postprocess upscaler" in fitted["html_info"]
    assert opened(enlarge(model="clip")["image"]).size == (64, 64)  # the upscaler "None" leaves it as it is
    batch = http.post(
        "/sdapi/v1/extra-batch-images",
        json={"upscaler_1": "Nearest", "imageList": [{"data": drawn((8, 8)), "name": "a"}, {"data": drawn((4, 8))}]},
    ).json()
    assert [opened(text).size for text in batch["images"]] == [(16, 16), (8, 16)]


def test_extras_keep_the_parameters_of_the_picture(http: httpx2.Client) -> None:
    painted = paint(http)["images"][0]
    made = http.post("/sdapi/v1/extra-single-image", json={"image": painted, "upscaler_1": "Lanczos"}).json()
    told = http.post("/sdapi/v1/png-info", json={"image": made["image"]}).json()
    assert told["parameters"]["Seed"] == "3"
    assert told["parameters"]["Postprocess upscaler"] == "Lanczos"


@pytest.mark.parametrize(
    ("route", "body", "status", "word"),
    [
        ("txt2img", {"sampler_name": "Eulre"}, 400, "Sampler not found"),
        ("txt2img", {"steps": "many"}, 422, "steps"),
        ("txt2img", {"override_settings": {"sd_vae": "nobody"}}, 422, "nobody"),
        ("txt2img", {"styles": ["nobody"]}, 422, "no style named"),
        ("txt2img", {"script_name": "nobody"}, 422, "Script 'nobody' not found"),
        ("txt2img", {"alwayson_scripts": {"nobody": {"args": []}}}, 422, "not found"),
        ("txt2img", {"restore_faces": True}, 422, "yet"),
        ("img2img", {}, 404, "Init image not found"),
        ("img2img", {"init_images": []}, 404, "Init image not found"),
        ("img2img", {"init_images": ["x"]}, 400, "Invalid encoded image"),
        ("extra-single-image", {}, 400, "Invalid encoded image"),
        ("extra-single-image", {"image": "x", "upscaler_1": "nobody"}, 422, "nobody"),
        ("extra-single-image", {"image": drawn(), "gfpgan_visibility": 1}, 422, "yet"),
        ("extra-single-image", {"resize_mode": 5}, 422, "resize_mode"),
        ("interrogate", {"image": None}, 404, "Image not found"),
        ("interrogate", {"image": drawn(), "model": "nobody"}, 404, "Model not found"),
        ("interrogate", {"image": drawn()}, 422, "yet"),
        ("options", {"sd_model_checkpoint": "nobody"}, 422, "not found"),
        ("options", {"CLIP_stop_at_last_layers": "many"}, 422, "CLIP_stop_at_last_layers"),
        ("unload-checkpoint", {}, 422, "yet"),
        ("artists", {}, 404, "Not Found"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_has_its_status_and_says_why(
    quiet: httpx2.Client, route: str, body: dict[str, Any], status: int, word: str
) -> None:
    answer = quiet.post(f"/sdapi/v1/{route}", json=body)
    assert (answer.status_code, word in answer.json()["errors"]) == (status, True), answer.text


@pytest.mark.parametrize(
    "route", ["skip", "refresh-checkpoints", "refresh-vae", "refresh-loras", "refresh-embeddings", "options"]
)
def test_void_posts_answer_null(quiet: httpx2.Client, route: str) -> None:
    answer = quiet.post(f"/sdapi/v1/{route}")
    assert (answer.status_code, answer.content) == (200, b"null")
    assert quiet.post("/sdapi/v1/interrupt").json() == {}


@pytest.mark.parametrize("route", ["create/embedding", "create/hypernetwork", "train/embedding", "train/hypernetwork"])
def test_training_says_in_its_own_way_that_it_cannot(quiet: httpx2.Client, route: str) -> None:
    answer = quiet.post(f"/sdapi/v1/{route}", json={"name": "x"})
    assert (answer.status_code, answer.json()["info"]) == (
        200,
        f"{route.replace('/', ' ')} error: this danqing can't do that yet",
    )


def test_scripts_are_listed_as_clients_look_for_them(quiet: httpx2.Client) -> None:
    listed = quiet.get("/sdapi/v1/scripts").json()
    assert "x/y/z plot" in listed["txt2img"]
    assert "soft inpainting" in listed["img2img"]
    assert "controlnet m2m" not in listed["txt2img"]
    told = quiet.get("/sdapi/v1/script-info").json()
    assert {(one["name"], one["is_img2img"]) for one in told} == {
        (title, tab == "img2img") for tab, names in listed.items() for title in names
    }
    assert all(set(one) == {"name", "is_alwayson", "is_img2img", "args"} for one in told)


def test_tasks_are_followed_by_the_id_that_the_client_gave(http: httpx2.Client) -> None:
    paint(http, force_task_id="mine")
    told = http.post("/internal/progress", json={"id_task": "mine"}).json()
    assert (told["completed"], told["active"], told["queued"]) == (True, False, False)
    assert http.post("/internal/progress", json={"id_task": "nobody"}).json()["completed"] is False
    assert http.get("/internal/pending-tasks").json() == {"size": 0, "tasks": []}


def test_a_model_that_came_since_is_painted_with_after_a_refresh(http: httpx2.Client, server: Running) -> None:
    models = server.home / "models" / "Stable-diffusion"
    newcomer = models / "newcomer"
    newcomer.symlink_to((models / "toy").resolve(), target_is_directory=True)
    try:
        assert http.post("/sdapi/v1/refresh-checkpoints").json() is None
        assert "newcomer" in {one["model_name"] for one in http.get("/sdapi/v1/sd-models").json()}
        info = paint(http, override_settings={"sd_model_checkpoint": "newcomer"})["info"]
        assert info["sd_model_name"] == "newcomer"
    finally:
        newcomer.unlink()
        http.post("/sdapi/v1/refresh-checkpoints")


def test_flags_tell_no_secret(quiet: httpx2.Client) -> None:
    flags = quiet.get("/sdapi/v1/cmd-flags").json()
    assert flags["api_auth"] is None
    assert flags["nowebui"] is True
