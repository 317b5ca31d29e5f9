"""`danqing serve` as a process of its own: what it prints, how it ends, what it never loads."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.web.client import Client
from tests.house.project import ROOT
from tests.web.conftest import PATIENCE, home_with_toy

READS = (
    "/healthz",
    "/metrics",
    "/openapi.json",
    "/sdapi/v1/options",
    "/sdapi/v1/sd-models",
    "/sdapi/v1/loras",
    "/sdapi/v1/embeddings",
    "/sdapi/v1/upscalers",
    "/sdapi/v1/progress",
    "/sdapi/v1/script-info",
    "/api/v1/models",
    "/api/v1/pictures",
    "/api/v1/knobs",
)


@dataclass
class Started:
    """The process and where it answers."""

    process: subprocess.Popen[str]
    url: str


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DANQING_")}
    return {**kept, "DANQING_HOME": str(home), "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}


@contextmanager
def started(home: Path, *words: str, **more: str) -> Iterator[Started]:
    command = [sys.executable, "-m", "danqing", "serve", "--port", "0", "--device", "cpu", *words]
    log = (home / "log.txt").open("w")
    process = subprocess.Popen(
        command, env=environment(home) | more, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        line = process.stdout.readline()
        watchdog.cancel()
        found = re.search(r"http://\S+:\d+", line)
        assert found, f"{line!r} {(home / 'log.txt').read_text()}"
        yield Started(process, found[0])
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)
        log.close()


@pytest.fixture
def home(tmp_path: Path, toy_folder: Path) -> Path:
    return home_with_toy(tmp_path / "home", toy_folder)


def test_it_ends_with_a_signal_and_goes_on_with_its_job_at_the_next_start(home: Path) -> None:
    order = Order(recipe=Recipe(prompt="robot", steps=60, width=64, height=64, seed=3), count=10)
    with started(home) as server:
        with Client(server.url) as client:
            job = client.submit(order)
            for event in client.events(job["id"]):
                if event["kind"] == "picture":
                    break
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(PATIENCE) == 0
    with started(home) as server, Client(server.url) as client:
        done = client.wait(job["id"], 100)
        assert (done["state"], [picture["number"] for picture in done["pictures"]]) == ("done", list(range(10)))
        seeds = [client.call("GET", f"pictures/{picture['record']}")["seed"] for picture in done["pictures"]]
    assert seeds == list(range(3, 13))
    assert "Traceback" not in (home / "log.txt").read_text()


def test_a_password_may_come_from_the_environment(home: Path) -> None:
    with started(home, DANQING_API_AUTH="ann:secret", DANQING_API_KEY="k1") as server:
        assert httpx2.get(f"{server.url}/sdapi/v1/samplers", trust_env=False).status_code == 401
        for proof in ({"user": "ann", "password": "secret"}, {"key": "k1"}):
            with Client(server.url, **proof) as client:
                assert client.call("GET", "queue")["paused"] is False
        assert "DANQING_API" not in (home / "log.txt").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--listen"], "--no-auth"),
        (["--host", "0.0.0.0"], "--no-auth"),
        (["--api-auth", "ann"], "user:password"),
        (["--host", "192.0.2.1", "--no-auth"], "take another --port"),
    ],
)
def test_what_it_will_not_do_is_said_in_one_sentence(home: Path, words: list[str], sentence: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "danqing", "serve", "--port", "0", *words],
        env=environment(home), capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert (ran.returncode, sentence in ran.stderr, ran.stderr.count("\n")) == (2, True, 1), ran.stderr


def test_a_second_server_in_the_same_home_is_refused(home: Path) -> None:
    with started(home):
        ran = subprocess.run(
            [sys.executable, "-m", "danqing", "serve", "--port", "0"],
            env=environment(home), capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
    assert ran.returncode == 2
    assert "another danqing server works in this home" in ran.stderr


def test_the_server_never_loads_the_networks(home: Path) -> None:
    script = f"""
import sys, threading, httpx2
from danqing.studio.service import Service
from danqing.web.context import ServeOptions
from danqing.web.server import Address, open_socket, serve
service, options, begun = Service({str(home)!r}, environment={{}}), ServeOptions(may_be_stopped=True), threading.Event()
with open_socket(Address(port=0)) as opened:
    thread = threading.Thread(target=serve, args=(service, options, opened, begun.set))
    thread.start()
    assert begun.wait({PATIENCE})
    http = httpx2.Client(base_url="http://127.0.0.1:%d" % opened.getsockname()[1], timeout={PATIENCE}, trust_env=False)
    for path in {READS!r}:
        assert http.get(path).status_code == 200, path
    order = {{"order": {{"recipe": {{"prompt": "robot", "width": 64, "height": 64}}}}}}
    assert http.post("/api/v1/orders", json=order).status_code == 202
    assert http.post("/api/v1/orders/check", json=order).status_code == 200
    assert http.post("/sdapi/v1/options", json={{"CLIP_stop_at_last_layers": 2}}).status_code == 200
    http.post("/sdapi/v1/server-stop")
    thread.join()
service.stop()
print("LOADED", *[name for name in ("torch", "diffusers", "transformers", "safetensors") if name in sys.modules])
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], env=environment(home), capture_output=True, text=True, check=False, timeout=110
    )
    assert ran.stdout.strip() == "LOADED", ran.stdout + ran.stderr
