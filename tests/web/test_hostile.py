"""Malformed and hostile requests: an answer to each, never a fault of our own, and nothing outside the home is touched."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.web.conftest import Running

POSTS = (
    "/sdapi/v1/txt2img",
    "/sdapi/v1/img2img",
    "/sdapi/v1/extra-single-image",
    "/sdapi/v1/extra-batch-images",
    "/sdapi/v1/png-info",
    "/sdapi/v1/interrogate",
    "/sdapi/v1/options",
    "/internal/progress",
    "/api/v1/orders",
    "/api/v1/orders/check",
    "/api/v1/read",
    "/api/v1/jobs",
    "/api/v1/pictures/trash",
    "/api/v1/images",
)
BODIES = (
    b"",
    b"null",
    b"[]",
    b"7",
    b'"x"',
    b"{",
    b"\xff\xfe\x00",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"prompt": NaN}',
    b'{"cfg_scale": Infinity, "order": {"recipe": {"cfg_scale": Infinity}}}',
    b'{"cfg_scale": 1e999, "send_seed": 1e999}',
    b'{"steps": ' + b"9" * 5000 + b"}",
    b'{"width": 100000000, "order": {"recipe": {"width": 100000000}}}',
    b'{"prompt": {"a": 1}, "order": {"recipe": {"prompt": {"a": 1}}}}',
    b'{"infotext": "\\u0000\\ud800", "image": "\\ud800", "init_images": ["\\ud800"], "imageList": [{"data": "\\ud800"}]}',
    b'{"alwayson_scripts": {"\\ud800": {"args": []}}, "script_name": "\\ud800"}',
    b'{"alwayson_scripts": [], "override_settings": [], "script_args": {}}',
    b'{"script_name": "x/y/z plot", "script_args": [[[]], {}, null, 1e308, "0-99999999999", ["a"]]}',
    b'{"override_settings": {"sd_vae": {"a": 1}, "sd_model_checkpoint": ["../../etc/passwd"], "emphasis": 7}}',
    b'{"sd_model_checkpoint": "../../etc/passwd", "samples_format": "exe", "jpeg_quality": -1}',
    b'{"kind": "../worker", "payload": {}}',
    b'{"pictures": [0, -1, 99999999999999999999]}',
)


@pytest.mark.parametrize("path", POSTS)
def test_bodies_that_no_client_sends_are_refused(quiet: httpx2.Client, path: str) -> None:
    for body in BODIES:
        try:
            answer = quiet.post(path, content=body, headers={"Content-Type": "application/json"}, timeout=3)
        except httpx2.ReadTimeout:
            # A1111 takes nearly anything for a picture to be painted, and here nobody paints.
            assert path == "/sdapi/v1/txt2img"
            assert quiet.post("/api/v1/queue/cancel-all").json()["cancelled"] > 0
            continue
        assert answer.status_code < 500, (path, body[:80], answer.text[:300])
        json.loads(answer.content, parse_constant=lambda word: pytest.fail(f"{word} in an answer"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    [
        "prompt", "seed", "steps", "width", "cfg_scale", "sampler_name", "scheduler", "styles", "override_settings",
        "alwayson_scripts", "script_name", "script_args", "infotext", "init_images", "mask", "eta", "s_tmax", "order",
        "recipe", "count", "axes", "image", "upscaler_1", "upscaling_resize", "resize_mode", "keep", "kind", "payload",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(POSTS), body=st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
def test_bodies_made_at_random_are_answered(idle: Running, path: str, body: dict[str, Any]) -> None:
    # What would be painted is left waiting by a server without a worker: a sampler of no name refuses it first.
    body |= {"sampler_name": "none of these"} if path.startswith("/sdapi/v1/txt2img") else {}
    text = json.dumps(body)
    with idle.client() as client:
        answer = client.post(path, content=text.encode("utf-8", "surrogatepass"), timeout=20)
    assert answer.status_code < 500, answer.text[:300]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/pictures/../../settings.json",
        "/api/v1/pictures/%2e%2e%2fsettings.json/file",
        "/api/v1/pictures/99999999999999999999999/file",
        "/api/v1/pictures/0",
        "/api/v1/jobs/..%2f..%2fx/pictures/0",
        "/api/v1/jobs/x/pictures/-1",
        "/api/v1/images/..%2f..%2fsettings.json",
        "/api/v1/images/" + "g" * 64,
        "/api/v1/images/%00",
        "/api/v1/models/..%2f..%2fsettings.json",
        "/api/v1/models/%00",
        "/api/v1/pictures/names/%F0%9F%98%80",
        "/file=settings.json",
    ],
)
def test_no_path_leads_out(quiet: httpx2.Client, path: str) -> None:
    answer = quiet.get(path)
    assert answer.status_code in (200, 404, 422)
    assert "send_seed" not in answer.text
    assert answer.status_code != 200 or answer.json() == {}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=99999",
        "after=x",
        "after=nan_1",
        "where=steps>many",
        "since=nan",
        "order=sideways",
        "rating=9",
        "where=%00=1",
    ],
)
def test_searches_that_make_no_sense_are_refused_or_find_nothing(quiet: httpx2.Client, query: str) -> None:
    answer = quiet.get(f"/api/v1/pictures?{query}")
    assert answer.status_code == 422 or answer.json()["pictures"] == []


def bomb(side: int) -> str:
    stream = io.BytesIO()
    Image.new("1", (side, side)).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sdapi/v1/img2img", lambda picture: {"init_images": [picture]}),
        ("/sdapi/v1/extra-single-image", lambda picture: {"image": picture}),
        ("/sdapi/v1/png-info", lambda picture: {"image": picture}),
        ("/sdapi/v1/interrogate", lambda picture: {"image": picture}),
    ],
)
def test_pictures_that_are_none_or_too_large_are_refused_with_400(quiet: httpx2.Client, path: str, body: Any) -> None:
    for picture in ("x", "data:image/png;base64,AAAA", bomb(20_000)):
        answer = quiet.post(path, json=body(picture))
        assert (answer.status_code, answer.json()["error"]) == (400, "ImageError")


def test_addresses_in_requests_are_not_called(quiet: httpx2.Client) -> None:
    answer = quiet.post("/sdapi/v1/png-info", json={"image": "http://127.0.0.1:1/a.png"})
    assert (answer.status_code, "Requests not allowed" in answer.json()["errors"]) == (422, True)


@pytest.mark.parametrize(
    "name", ["outputs", "models_from", "database", "webhook_hosts", "device", "no_such", "memory_budget"]
)
def test_settings_that_reach_out_of_the_home_stay(quiet: httpx2.Client, idle: Running, name: str) -> None:
    answer = quiet.patch("/api/v1/settings", json={name: "/tmp"})
    assert answer.status_code == 422
    assert not (idle.home / "settings.json").exists() or name not in (idle.home / "settings.json").read_text()


def test_patterns_of_names_cannot_climb_out(quiet: httpx2.Client, idle: Running) -> None:
    try:
        assert quiet.patch("/api/v1/settings", json={"folder_pattern": "../../..", "quality": 90}).status_code == 200
        from danqing.studio.names import folder_parts
        from tests.studio.pictures import picture_of

        now = idle.service.studio.gallery.clock()
        assert folder_parts("../../..", picture_of(), now) == []
    finally:
        quiet.patch("/api/v1/settings", json={"folder_pattern": None, "quality": None})


def test_an_error_has_a1111s_shape(quiet: httpx2.Client) -> None:
    for path, body in (
        ("/sdapi/v1/txt2img", {"sampler_name": "x"}),
        ("/sdapi/v1/txt2img", {"steps": "many"}),
        ("/nothing", {}),
    ):
        answer = quiet.post(path, json=body).json()
        assert set(answer) == {"error", "detail", "body", "errors"}
        assert isinstance(answer["errors"], str)
    invalid = quiet.post("/sdapi/v1/txt2img", json={"steps": "many"}).json()
    assert invalid["detail"][0].keys() == {"loc", "msg", "type"}
    assert invalid["detail"][0]["loc"] == ["body", "steps"]


def test_no_file_of_the_machine_is_taken_for_a_picture(quiet: httpx2.Client, tmp_path: Path) -> None:
    for name in (str(tmp_path), "file:///etc/hostname", "/etc/hostname"):
        assert quiet.post("/sdapi/v1/png-info", json={"image": name}).status_code == 400
