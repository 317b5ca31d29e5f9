"""/api/v1 against live servers: jobs, the queue, pictures, models, settings, events."""

import json
from typing import Any

import httpx2
import pytest

from danqing.base.knobs import knobs
from danqing.base.order import Order
from tests.web.conftest import Running

TINY: dict[str, Any] = {"prompt": "robot", "steps": 2, "width": 64, "height": 64, "seed": 3}


def asked(**fields: Any) -> dict[str, Any]:
    return {"order": {"recipe": {**TINY, **fields}}}


def test_a_misspelt_field_is_refused_with_its_place(quiet: httpx2.Client) -> None:
    answer = quiet.post("/api/v1/orders", json=asked(stepz=3))
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "order", "recipe", "stepz"])
    assert quiet.post("/api/v1/orders", json={**asked(), "kep": True}).status_code == 422


def test_an_order_is_looked_over_without_being_asked_for(quiet: httpx2.Client) -> None:
    before = quiet.get("/api/v1/jobs").json()
    good = quiet.post("/api/v1/orders/check", json=asked()).json()
    bad = quiet.post("/api/v1/orders/check", json=asked(model={"name": "nobody"})).json()
    assert good["possible"] is True
    assert bad["possible"] is False
    assert "no checkpoint named 'nobody'" in bad["complaints"][0]["message"]
    assert quiet.get("/api/v1/jobs").json() == before


def test_a_text_is_read_into_an_order(quiet: httpx2.Client) -> None:
    read = quiet.post("/api/v1/read", json={"infotext": "fox\nSteps: 9, Sampler: Euler a, CFG scale: 3, Odd: 1"}).json()
    assert read["order"]["recipe"]["steps"] == 9
    assert any("Odd" in note for note in read["notes"])


def test_every_knob_is_told_once(quiet: httpx2.Client) -> None:
    told = quiet.get("/api/v1/knobs").json()
    assert [one["path"] for one in told] == [field.path for field in knobs(Order)]
    sampler = next(one for one in told if one["path"] == "recipe.sampler")
    assert "Euler a" in sampler["choices"]
    assert all(one["label"] and one["help"] for one in told)


def test_jobs_wait_in_line_and_can_be_moved_and_cancelled(quiet: httpx2.Client) -> None:
    names = [quiet.post("/api/v1/orders", json=asked(seed=seed)).json()["id"] for seed in range(3)]
    try:
        assert [job["id"] for job in quiet.get("/api/v1/jobs", params={"state": "queued"}).json()] == names
        moved = quiet.post(f"/api/v1/jobs/{names[2]}/move", json={"before": names[0]})
        assert moved.status_code == 200
        line = [job["id"] for job in quiet.get("/api/v1/jobs", params={"state": "queued"}).json()]
        assert line == [names[2], names[0], names[1]]
        cancelled = quiet.post(f"/api/v1/jobs/{names[0]}/cancel").json()
        assert cancelled["state"] == "cancelled"
        assert quiet.post(f"/api/v1/jobs/{names[0]}/move", json={}).status_code == 409
        assert quiet.post(f"/api/v1/jobs/{names[0]}/again").json()["state"] == "queued"
        assert quiet.get(f"/api/v1/jobs/{names[1]}", params={"wait": 0.2}).json()["state"] == "queued"
        assert quiet.get(f"/api/v1/jobs/{names[1]}/eta").json() == {"seconds": None}
        for route in ("preview", "pictures/0"):
            assert quiet.get(f"/api/v1/jobs/{names[1]}/{route}").status_code == 404
        assert quiet.get("/api/v1/queue").json()["queued"] == 3
    finally:
        assert quiet.post("/api/v1/queue/cancel-all").json()["cancelled"] == 3


def test_the_queue_is_paused_and_goes_on(quiet: httpx2.Client) -> None:
    assert quiet.post("/api/v1/queue/pause").json() == {"paused": True}
    assert quiet.get("/api/v1/queue").json()["paused"] is True
    assert quiet.post("/api/v1/queue/resume").json() == {"paused": False}


def test_work_of_other_kinds_goes_through_the_quick_lane(http: httpx2.Client) -> None:
    body = {"kind": "tokens", "payload": {"prompt": "a red fox"}}
    job = http.post("/api/v1/jobs", json=body, params={"wait": 60}).json()
    assert (job["state"], job["lane"], job["result"]["tokens"]) == ("done", "quick", 3)
    assert http.post("/api/v1/jobs", json={"kind": "nothing"}).status_code == 422


def test_pictures_are_found_marked_and_thrown_away(http: httpx2.Client) -> None:
    job = http.post("/api/v1/orders", json=asked(prompt="a heron 红发"), params={"wait": 60}).json()
    record = job["pictures"][0]["record"]
    found = http.get("/api/v1/pictures", params={"text": "heron"}).json()["pictures"]
    assert [one["id"] for one in found] == [record]
    assert not found[0]["path"].startswith("/")
    assert [one["id"] for one in http.get("/api/v1/pictures", params={"text": "红发"}).json()["pictures"]] == [record]
    marked = http.patch(f"/api/v1/pictures/{record}", json={"favourite": True, "rating": 4, "tags": ["bird"]}).json()
    assert (marked["favourite"], marked["rating"], marked["tags"]) == (True, 4, ["bird"])
    assert http.get("/api/v1/pictures/names/tag").json() == {"bird": 1}
    file = http.get(found[0]["file"])
    assert (file.headers["content-type"], file.content[:4]) == ("image/png", b"\x89PNG")
    assert file.headers["x-content-type-options"] == "nosniff"
    assert http.get(found[0]["thumbnail"], params={"side": 16}).headers["content-type"] == "image/webp"
    assert http.post("/api/v1/pictures/trash", json={"pictures": [record]}).status_code == 200
    assert http.get("/api/v1/pictures", params={"text": "heron"}).json()["pictures"] == []
    http.post("/api/v1/pictures/restore", json={"pictures": [record]})
    assert len(http.get("/api/v1/pictures", params={"text": "heron", "favourite": True}).json()["pictures"]) == 1
    assert http.get("/api/v1/pictures/999999").status_code == 404


def test_pages_of_pictures_lead_on(http: httpx2.Client) -> None:
    http.post(
        "/api/v1/orders", json={"order": {"recipe": {**TINY, "prompt": "egret"}, "count": 3}}, params={"wait": 60}
    )
    seen: list[int] = []
    after = ""
    for _ in range(4):
        page = http.get("/api/v1/pictures", params={"text": "egret", "limit": 1, "after": after}).json()
        seen += [one["id"] for one in page["pictures"]]
        after = page["after"]
        if not after:
            break
    assert len(seen) == len(set(seen)) == 3


def test_models_are_listed_and_found(quiet: httpx2.Client) -> None:
    names = {one["name"] for one in quiet.get("/api/v1/models", params={"kind": "checkpoint"}).json()}
    assert {"toy", "danqing-mini"} <= names
    assert quiet.get("/api/v1/models/toy").json()["kind"] == "checkpoint"
    assert quiet.get("/api/v1/models/nobody").status_code == 404
    assert quiet.post("/api/v1/models/refresh").json() == {"refreshed": True}


def test_settings_are_shown_and_some_can_be_changed(quiet: httpx2.Client) -> None:
    try:
        changed = quiet.patch("/api/v1/settings", json={"quality": 80}).json()
        quality = next(one for one in changed if one["name"] == "quality")
        assert (quality["value"], quality["from"] != "default") == (80, True)
        assert quiet.patch("/api/v1/settings", json={"quality": 900}).status_code == 422
    finally:
        back = quiet.patch("/api/v1/settings", json={"quality": None}).json()
    assert next(one for one in back if one["name"] == "quality")["from"] == "default"
    assert "database" not in {one["name"] for one in back}


def test_server_sent_events_tell_of_one_job_or_of_all(quiet: httpx2.Client, idle: Running) -> None:
    with idle.client() as other, other.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": hello"
        name = quiet.post("/api/v1/orders", json=asked()).json()["id"]
        told = next(line for line in lines if line.startswith("data: "))
        assert json.loads(told.removeprefix("data: "))["job"] == name
    quiet.post("/api/v1/queue/cancel-all")


def test_the_openapi_describes_every_route_and_knob(quiet: httpx2.Client) -> None:
    described = quiet.get("/openapi.json").json()
    assert {"/api/v1/orders", "/sdapi/v1/txt2img", "/healthz", "/api/v1/events"} <= set(described["paths"])
    steps = described["components"]["schemas"]["Recipe"]["properties"]["steps"]
    assert (steps["title"], steps["minimum"], steps["maximum"]) == ("Steps", 1, 1000)
    assert steps["description"] == "More is finer and slower."


@pytest.mark.parametrize("path", ["/api/v1/jobs/nobody", "/api/v1/jobs/nobody/eta", "/api/v1/pictures/77"])
def test_what_is_not_there_is_404_in_the_common_shape(quiet: httpx2.Client, path: str) -> None:
    answer = quiet.get(path)
    assert (answer.status_code, set(answer.json())) == (404, {"error", "detail", "body", "errors"})
