"""Webhooks against a server of our own: told once, told again after a failure, never sent anywhere else."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from danqing.base.job import Job
from danqing.studio import webhooks as module
from danqing.studio.database import Database
from danqing.studio.dispatch import Dispatch
from danqing.studio.events import Events
from danqing.studio.queue import Queue
from danqing.studio.webhooks import Webhooks

TRIES = 4


class Listener(HTTPServer):
    """Answers with the codes it is given, then with 200; remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.codes: list[int] = []
        self.told: list[tuple[str, dict[str, object]]] = []
        self.place = f"127.0.0.1:{self.server_address[1]}"


class Answering(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, json.loads(body)))
        self.send_response(self.server.codes.pop(0) if self.server.codes else 200)
        self.send_header("Location", f"http://{self.server.place}/elsewhere")
        self.end_headers()

    def log_message(self, *words: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAITS", (0.0,) * TRIES)


def ended(database: Database, address: str, host: str) -> Job:
    events = Events()
    queue, dispatch = Queue(database, events, hosts=(host,)), Dispatch(database, events)
    job = queue.submit("tokens", {}, client="me", webhook=address)
    dispatch.claim("quick")
    dispatch.end(job.id, "done", result={"tokens": 3})
    return queue.get(job.id)


def test_the_end_of_a_job_is_told_once(sqlite: Database, listener: Listener) -> None:
    job = ended(sqlite, f"http://{listener.place}/told?x=1", listener.place)
    hooks = Webhooks(sqlite, Events(), (listener.place,))
    for _ in range(3):
        hooks.tell_all()
    ((path, told),) = listener.told
    assert path == "/told?x=1"
    assert (told["id"], told["state"], told["result"], told["client"]) == (job.id, "done", {"tokens": 3}, "me")


def test_jobs_that_are_not_over_are_not_told(sqlite: Database, listener: Listener) -> None:
    Queue(sqlite, Events(), hosts=(listener.place,)).submit("tokens", {}, webhook=f"http://{listener.place}/")
    Webhooks(sqlite, Events(), (listener.place,)).tell_all()
    assert listener.told == []


@pytest.mark.parametrize(("codes", "calls"), [([500, 503], 3), ([500] * 9, TRIES), ([302], 2)])
def test_a_failure_is_tried_again_and_given_up_some_day(
    sqlite: Database, listener: Listener, codes: list[int], calls: int
) -> None:
    listener.codes = codes
    ended(sqlite, f"http://{listener.place}/", listener.place)
    hooks = Webhooks(sqlite, Events(), (listener.place,))
    for _ in range(10):
        hooks.tell_all()
    assert [path for path, _ in listener.told] == ["/"] * calls  # also no redirect was followed


def test_a_host_that_is_allowed_no_more_is_not_called(sqlite: Database, listener: Listener) -> None:
    ended(sqlite, f"http://{listener.place}/", listener.place)
    Webhooks(sqlite, Events(), ("other.example",)).tell_all()
    assert listener.told == []


def test_the_thread_tells_what_was_left_by_a_server_that_died(sqlite: Database, listener: Listener) -> None:
    ended(sqlite, f"http://{listener.place}/", listener.place)
    hooks = Webhooks(sqlite, Events(), (listener.place,))
    hooks.start()
    until = time.monotonic() + 10
    while not listener.told and time.monotonic() < until:
        time.sleep(0.02)
    hooks.stop()
    assert len(listener.told) == 1
