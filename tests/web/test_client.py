"""The Python client against a live server."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image

from danqing.base.errors import JobError, RecipeError
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.pixels.files import read_picture
from danqing.web.client import Client
from tests.web.conftest import Running

TINY = Recipe(prompt="robot", steps=2, width=64, height=64, seed=3, sampler="Euler", schedule="Automatic")


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with Client(server.url) as client:
        yield client


def test_it_paints_and_fetches(client: Client) -> None:
    job = client.paint(Order(recipe=TINY, count=2))
    files = list(client.pictures(job))
    assert job["state"] == "done"
    assert [read_picture(data).shape for data in files] == [(64, 64, 3)] * 2
    assert not np.array_equal(read_picture(files[0]), read_picture(files[1]))
    record = client.call("GET", f"pictures/{job['pictures'][0]['record']}")
    assert (record["prompt"], record["seed"]) == ("robot", 3)
    with Image.open(io.BytesIO(client.fetch(record["thumbnail"]))) as small:
        assert small.format == "WEBP"


def test_a_picture_that_is_not_to_be_kept_is_in_no_record(client: Client) -> None:
    job = client.paint(Order(recipe=TINY), keep=False)
    assert [picture["record"] for picture in job["pictures"]] == [0]
    assert read_picture(next(client.pictures(job))).shape == (64, 64, 3)


def test_the_same_key_gives_the_same_job(client: Client) -> None:
    order = Order(recipe=TINY)
    one, two = (client.submit(order, key="once")["id"] for _ in range(2))
    assert one == two
    with pytest.raises(JobError, match="was used for another job"):
        client.submit(Order(recipe=TINY, count=2), key="once")


def test_an_order_without_a_seed_has_one_drawn(client: Client) -> None:
    order = Order(recipe=Recipe(prompt="robot", steps=1, width=64, height=64))
    seeds = {client.submit(order)["payload"]["order"]["recipe"]["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_errors_come_back_as_they_were_raised(client: Client) -> None:
    with pytest.raises(RecipeError, match="no sampler named 'Eulre'; did you mean Euler"):
        client.submit(Order(recipe=TINY.but(sampler="Eulre")))
    with pytest.raises(JobError, match="there is no job 'nobody'"):
        client.wait("nobody")


def test_an_upload_is_sent_once(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "红.png"
    Image.new("RGB", (8, 8), "red").save(path)
    one, two = client.upload(path), client.upload(path.read_bytes())
    assert one.sha256 == two.sha256
    assert read_picture(client.fetch(f"/api/v1/images/{one.sha256}")).shape == (8, 8, 3)


def test_events_tell_the_way_of_a_job(client: Client) -> None:
    events = client.events()
    assert next(events)["kind"] == "hello"
    job = client.submit(Order(recipe=TINY))
    told = []
    for event in events:
        told.append(event)
        if event["job"] == job["id"] and event["data"].get("state") in ("done", "failed"):
            break
    mine = [event for event in told if event["job"] == job["id"]]
    assert [event["data"]["state"] for event in mine if event["kind"] == "job"] == ["queued", "running", "done"]
    assert any(event["kind"] == "picture" and "path" not in event["data"] for event in mine)
    numbers = [event["number"] for event in told]
    assert numbers == sorted(numbers)
    events.close()


def test_a_server_that_is_not_there_is_said_so() -> None:
    with Client("http://127.0.0.1:9") as nobody, pytest.raises(JobError, match="is the server running"):
        nobody.wait("x")


def test_a_call_whose_connection_broke_is_tried_again() -> None:
    calls: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls.append(request.headers.get("idempotency-key", ""))
        if len(calls) == 1:
            raise httpx2.ConnectError("broken")
        return httpx2.Response(202, json={"id": "a"})

    with Client("http://studio", transport=httpx2.MockTransport(answer)) as client:
        assert client.submit(Order())["id"] == "a"
    assert len(calls) == 2
    assert calls[0] == calls[1] != ""


def test_several_wait_at_once(client: Client) -> None:
    jobs = [client.submit(Order(recipe=TINY.but(seed=seed))) for seed in range(4)]
    states: list[str] = []
    threads = [threading.Thread(target=lambda one=one: states.append(client.wait(one)["state"])) for one in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert states == ["done"] * 4
