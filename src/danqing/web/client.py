"""A client of danqing's own API: orders, jobs, pictures and events of a server somewhere else, in a few lines of Python.

with Client("http://127.0.0.1:7860") as studio:
    job = studio.paint(Order(recipe=Recipe(prompt="robot")))
    for data in studio.pictures(job):
        Path("robot.png").write_bytes(data)
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import httpx2
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from danqing.base import errors
from danqing.base.errors import DanqingError, JobError
from danqing.base.order import Order
from danqing.base.refs import ImageRef

LONGEST_WAIT = 30.0
"""Seconds that one call waits at the server; after it the client asks again."""
TRIES = 3
"""Of a call whose connection broke. Orders carry a key, so that none is painted twice."""

JobData = dict[str, Any]
OVER = ("done", "failed", "cancelled")


class Client:
    """One server. `key` is an API key, `user` and `password` are those of --api-auth."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:7860",
        *,
        key: str = "",
        user: str = "",
        password: str = "",
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        proof = f"Bearer {key}" if key else f"Basic {basic}" if user else ""
        self._headers = {"Authorization": proof} if proof else {}
        self._url = url.rstrip("/")
        self._http = httpx2.Client(
            base_url=f"{self._url}/api/v1/",
            headers=self._headers,
            timeout=LONGEST_WAIT + 30,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets the connections go."""
        self._http.close()

    def submit(
        self, order: Order, *, keep: bool = True, priority: int = 0, key: str = "", webhook: str = ""
    ) -> JobData:
        """The job that an order became. With a key of one's own the same order sent again is the same job."""
        body = {"order": order.sparse(), "keep": keep, "priority": priority, "webhook": webhook}
        return self.call("POST", "orders", json=body, headers={"Idempotency-Key": key or secrets.token_hex(16)})

    def wait(self, job: JobData | str, seconds: float | None = None) -> JobData:
        """The job once it is over, or as it is after so many seconds."""
        name = job if isinstance(job, str) else str(job["id"])
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            left = LONGEST_WAIT if until is None else min(LONGEST_WAIT, max(0.0, until - time.monotonic()))
            found: JobData = self.call("GET", f"jobs/{name}", params={"wait": left})
            if found["state"] in OVER or (until is not None and time.monotonic() >= until):
                return found

    def paint(self, order: Order, *, keep: bool = True) -> JobData:
        """An order, painted. Raises what the job failed with."""
        job = self.wait(self.submit(order, keep=keep))
        if job["state"] == "failed":
            raise _error(str(job["failure"]), str(job["message"]))
        return job

    def pictures(self, job: JobData) -> Iterator[bytes]:
        """The files of a job's pictures, in the order's sequence."""
        for picture in job["pictures"]:
            yield self.fetch(str(picture["url"]))

    def fetch(self, url: str) -> bytes:
        """What lies behind an address that the server told: a picture, a thumbnail, a preview."""
        return self._answer("GET", f"{self._url}{url}").content

    def upload(self, picture: Path | bytes) -> ImageRef:
        """How orders name an input picture; one that the server has already isn't sent again."""
        data = picture if isinstance(picture, bytes) else picture.read_bytes()
        name = "" if isinstance(picture, bytes) else picture.name
        digest = hashlib.sha256(data).hexdigest()
        if self._http.head(f"images/{digest}").status_code == httpx2.codes.OK:
            return ImageRef(sha256=digest, name=name)
        headers = {"X-Name": name.encode("ascii", "replace").decode(), "Content-Type": "application/octet-stream"}
        return ImageRef.model_validate(self.call("PUT", f"images/{digest}", content=data, headers=headers))

    def events(self, job: str = "") -> Iterator[dict[str, Any]]:
        """What happens from now on, everything or of one job; ends when the server does."""
        parts = urlsplit(f"{self._url}/api/v1/events/ws")
        scheme = "wss" if parts.scheme == "https" else "ws"
        address = urlunsplit((scheme, parts.netloc, parts.path, f"job={job}" if job else "", ""))
        with connect(address, additional_headers=self._headers, proxy=None) as socket:
            try:
                for message in socket:
                    event = json.loads(message)
                    if event["kind"] != "ping":
                        yield event
            except ConnectionClosed:
                return

    def call(self, method: str, path: str, **how: Any) -> Any:
        """Any route of /api/v1: its JSON. Raises the error that the server named, in its own words."""
        return self._answer(method, path, **how).json()

    def _answer(self, method: str, path: str, **how: Any) -> httpx2.Response:
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._http.request(method, path, **how)
            except httpx2.TransportError as problem:
                if attempt == TRIES:
                    raise JobError(f"{self._url} doesn't answer ({problem}); is the server running?") from problem
                time.sleep(0.2 * attempt)
                continue
            if answer.is_error:
                raise _told(answer)
            return answer
        raise AssertionError("the last try returns or raises")


def _told(answer: httpx2.Response) -> DanqingError:
    try:
        body: Any = answer.json()
    except ValueError:
        body = {}
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    return _error(str(said.get("error", "")), str(said.get("errors") or f"the server answered {answer.status_code}"))


def _error(kind: str, sentence: str) -> DanqingError:
    """The error of our own tree that goes by this name."""
    found = getattr(errors, kind, None)
    return found(sentence) if isinstance(found, type) and issubclass(found, DanqingError) else JobError(sentence)
