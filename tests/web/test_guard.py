"""What every request passes first, against servers that really answer."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from danqing.studio.service import Service
from danqing.web.access import Access
from danqing.web.context import ServeOptions
from danqing.web.limits import Limits
from tests.web.conftest import Running, home_with_toy, running


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Iterator[Running]:
    """A server with a password and a key, narrow limits, without a worker."""
    home = home_with_toy(tmp_path_factory.mktemp("locked") / "home", toy_folder)
    access = Access(users={"ann": "secret"}, keys=("k1",), origins=("https://art.example",))
    limits = Limits(body_bytes=2000, queued_jobs=2, pictures=5)
    service = Service(home, environment={})
    yield from running(service, ServeOptions(access=access, limits=limits, may_be_stopped=True))
    service.stop()


def test_healthz_is_free_and_everything_else_asks(locked: Running) -> None:
    with locked.client() as client:
        assert client.get("/healthz").json()["status"] == "ok"
        for path in ("/sdapi/v1/options", "/api/v1/jobs", "/internal/ping", "/metrics", "/openapi.json", "/docs"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["detail"]) == (401, "Not authenticated"), path
            assert answer.headers["www-authenticate"] == "Basic"
        wrong = client.get("/sdapi/v1/options", auth=("ann", "wrong"))
        assert (wrong.status_code, wrong.json()["detail"]) == (401, "Incorrect username or password")
        assert client.get("/sdapi/v1/options", auth=("ann", "secret")).status_code == 200
        for headers in ({"X-API-Key": "k1"}, {"Authorization": "Bearer k1"}):
            assert client.get("/api/v1/jobs", headers=headers).status_code == 200


def test_foreign_hosts_and_origins_are_refused_even_here(quiet: httpx2.Client, idle: Running) -> None:
    assert quiet.get("/healthz", headers={"Host": "evil.example"}).status_code == 403
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        for method, path in (("GET", "/sdapi/v1/options"), ("POST", "/sdapi/v1/interrupt")):
            assert quiet.request(method, path, headers={"Origin": origin}).status_code == 403
    assert quiet.get("/sdapi/v1/options", headers={"Origin": idle.url}).status_code == 200


def test_a_page_that_is_allowed_may_ask_first_and_call(locked: Running) -> None:
    page = {"Origin": "https://art.example"}
    with locked.client() as client:
        asked = client.options("/sdapi/v1/options", headers={**page, "Access-Control-Request-Method": "GET"})
        assert asked.headers["access-control-allow-origin"] == "https://art.example"
        assert client.get("/sdapi/v1/options", headers=page).status_code == 401
        answer = client.get("/sdapi/v1/options", headers=page, auth=("ann", "secret"))
        assert answer.headers["access-control-allow-origin"] == "https://art.example"


def test_sockets_pass_the_same_guard(locked: Running) -> None:
    address = f"ws://127.0.0.1:{locked.port}/api/v1/events/ws"
    with pytest.raises(InvalidStatus):
        connect(address, proxy=None)
    proof = {"Authorization": "Bearer k1"}
    with pytest.raises(InvalidStatus):
        connect(address, additional_headers=proof, origin="https://evil.example", proxy=None)  # type: ignore[arg-type]
    with connect(address, additional_headers=proof, proxy=None) as events:
        assert json.loads(events.recv(10))["kind"] == "hello"


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(locked: Running) -> None:
    with locked.client(auth=("ann", "secret")) as client:
        assert client.post("/sdapi/v1/txt2img", content=b"{" + b" " * 5000 + b"}").status_code == 413

        def pieces() -> Iterator[bytes]:
            for _ in range(50):
                yield b" " * 100

        assert client.post("/sdapi/v1/txt2img", content=pieces()).status_code == 413


def test_a_client_has_so_many_jobs_in_the_queue_and_no_more(locked: Running) -> None:
    order = {"order": {"recipe": {"prompt": "x", "width": 64, "height": 64}}}
    with locked.client(auth=("ann", "secret")) as client:
        assert [client.post("/api/v1/orders", json=order).status_code for _ in range(3)] == [202, 202, 429]
        assert client.post("/api/v1/orders", json=order, headers={"X-API-Key": "k1"}).status_code == 202
        many = {"order": {"count": 6, "recipe": {"width": 64, "height": 64}}}
        answer = client.post("/api/v1/orders", json=many, headers={"X-API-Key": "k1"})
        assert (answer.status_code, "at most 5" in answer.json()["detail"]) == (422, True)
        assert client.post("/api/v1/queue/cancel-all").json() == {"cancelled": 3}


def test_every_answer_says_how_long_it_took(quiet: httpx2.Client) -> None:
    for path in ("/healthz", "/sdapi/v1/samplers", "/nothing", "/api/v1/jobs/x"):
        assert float(quiet.get(path).headers["x-process-time"]) >= 0


def test_metrics_count_by_route_and_not_by_name(quiet: httpx2.Client) -> None:
    for name in ("secret-1", "secret-2"):
        quiet.get(f"/api/v1/jobs/{name}")
    quiet.get("/no/such/path")
    told = quiet.get("/metrics").text
    counted = re.search(r'path="/api/v1/jobs/\{name\}",status="404"\} (\d+)', told)
    assert counted is not None
    assert int(counted[1]) >= 2
    assert 'path="other",status="404"' in told
    assert "secret" not in told
    assert 'danqing_jobs{state="queued"}' in told


def test_the_log_tells_no_prompt_and_no_query(
    quiet: httpx2.Client, caplog: pytest.LogCaptureFixture, idle: Running
) -> None:
    with caplog.at_level("DEBUG", logger="danqing"):
        quiet.post("/api/v1/orders", json={"order": {"recipe": {"prompt": "a secret fox", "sampler": "Eulre"}}})
        quiet.post("/api/v1/orders/check", json={"order": {"recipe": {"prompt": "a secret fox"}}})
        quiet.get("/api/v1/pictures", params={"text": "secret"})
    assert caplog.records
    assert all("secret" not in record.getMessage() + str(getattr(record, "fields", "")) for record in caplog.records)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",  # no Host
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
)
def test_raw_nonsense_is_refused_and_the_server_goes_on(idle: Running, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", idle.port), timeout=10) as line:
        line.sendall(raw)
        answer: Any = line.recv(4096)
    assert answer == b"" or b" 4" in answer[:13]
    with idle.client() as client:
        assert client.get("/healthz").status_code == 200
