"""Many clients at once, and every route at its worst: short here, long in `make soak`."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.web.client import Client
from tests.web.conftest import Running

NASTY: tuple[object, ...] = ("-1", "99999999999999999999", "a/../b%00", "'; --🦊")


def crowd(server: Running, clients: int, each: int) -> tuple[list[str], list[float]]:
    """(states of all jobs, seconds that GETs took meanwhile)."""

    def work(client: int) -> list[str]:
        with Client(server.url) as studio:
            recipes = (Recipe(prompt="robot", steps=1, width=64, height=64, seed=100 * client + n) for n in range(each))
            jobs = [studio.submit(Order(recipe=recipe), keep=False) for recipe in recipes]
            return [studio.wait(job, 300)["state"] for job in jobs]

    took: list[float] = []
    over = threading.Event()

    def look() -> None:
        with server.client() as http:
            while not over.is_set():
                for path in ("/sdapi/v1/progress", "/api/v1/jobs?limit=20", "/sdapi/v1/options"):
                    began = time.perf_counter()
                    assert http.get(path).status_code == 200
                    took.append(time.perf_counter() - began)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        with ThreadPoolExecutor(clients) as pool:
            states = [state for found in pool.map(work, range(clients)) for state in found]
    finally:
        over.set()
        looker.join()
    return states, took


def test_no_job_of_a_crowd_is_lost(server: Running) -> None:
    states, took = crowd(server, clients=8, each=5)
    assert states == ["done"] * 40
    assert took


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_no_job_of_a_great_crowd_is_lost_and_looking_stays_quick(server: Running) -> None:
    states, took = crowd(server, clients=50, each=10)
    assert states == ["done"] * 500
    assert sorted(took)[int(len(took) * 0.95)] < 0.1


def test_calls_that_wait_hold_no_thread(idle: Running) -> None:
    """More calls wait than there are threads for the disk (40), and others are answered all the same."""
    body = {"prompt": "robot", "width": 64, "height": 64}
    callers = 60
    statuses: list[int] = []

    def call() -> None:
        with idle.client() as http:
            statuses.append(http.post("/sdapi/v1/txt2img", json=body).status_code)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        with idle.client() as http:
            until = time.monotonic() + 60
            while http.get("/api/v1/queue").json()["queued"] < callers and time.monotonic() < until:
                time.sleep(0.1)
            assert http.get("/api/v1/queue").json()["queued"] == callers
            assert http.get("/sdapi/v1/sd-models", timeout=10).status_code == 200
    finally:
        with idle.client() as http:
            http.post("/api/v1/queue/cancel-all")
        for thread in threads:
            thread.join(60)
    assert statuses == [200] * callers  # cancelled: what is there is answered, as A1111 does after an interrupt


def test_every_route_survives_nasty_names_and_values(quiet: httpx2.Client) -> None:
    described = quiet.get("/openapi.json").json()
    for path, operations in described["paths"].items():
        for method, told in operations.items():
            if path.endswith(("server-stop", "server-kill", "events", "txt2img")):
                continue
            for value in NASTY:
                answer = quiet.request(method, _filled(path, value), params=_query(told, value), json={"x": value})
                assert answer.status_code < 500 or answer.status_code == 501, (method, path, value, answer.text[:300])


def _filled(path: str, value: object) -> str:
    return re.sub(r"\{[^}]*\}", httpx2.QueryParams({"v": value}).__str__().removeprefix("v="), path)  # type: ignore[arg-type]


def _query(told: dict[str, Any], value: object) -> dict[str, Any]:
    return {one["name"]: value for one in told.get("parameters", ()) if one["in"] == "query" and one["name"] != "wait"}
