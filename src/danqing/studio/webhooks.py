"""Calls a client's address when its job has ended: only hosts that the settings list, no redirects, again after a failure."""

import json
import logging
import threading
import time
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException, HTTPMessage
from typing import IO
from urllib.parse import urlsplit

from sqlalchemy import select, update

from danqing.base.errors import JobError
from danqing.base.job import ENDS, Job
from danqing.studio.database import Database
from danqing.studio.events import Events
from danqing.studio.job_rows import job_of_row
from danqing.studio.tables import jobs

log = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds for one call."""
DONE = -1
"""In `webhook_tries`: told, or given up."""
WAITS = (0.0, 2.0, 10.0, 60.0)
"""Seconds before each try; there are no more."""


def check_webhook(address: str, hosts: Sequence[str]) -> None:
    """Raises JobError unless `address` is http(s) and its host, or host:port, stands in `hosts`."""
    try:
        parts = urlsplit(address)
        named = {parts.hostname or "", f"{parts.hostname}:{parts.port}" if parts.port else ""} - {""}
    except ValueError as problem:
        raise JobError(f"webhook: {address[:80]!r} is no address ({problem})") from problem
    if parts.scheme not in ("http", "https") or not named or parts.username is not None:
        raise JobError(f"webhook: {address[:80]!r} must be http://host/... or https://host/..., without a user name")
    if not named & {host.casefold() for host in hosts}:
        allowed = ", ".join(hosts) or "none so far"
        raise JobError(
            f"webhook: {parts.hostname} is not among the hosts that the setting webhook_hosts allows ({allowed})"
        )


class Webhooks:
    """Tells of ended jobs in a thread of its own. A job is told at least once, also when the server died in between."""

    def __init__(self, database: Database, events: Events, hosts: Sequence[str]) -> None:
        self._database = database
        self._events = events
        self._hosts = tuple(hosts)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        # The machine's proxy settings don't count, and an answer may not send us elsewhere.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())
        self._next_try: dict[str, float] = {}

    def start(self) -> None:
        """Begins to look for jobs that have ended; does nothing where no host is allowed."""
        if self._hosts:
            self._thread = threading.Thread(target=self._go_on, name="webhooks", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends after the call at hand."""
        self._stopping.set()
        self._events.wake()
        if self._thread is not None:
            self._thread.join(PATIENCE + 1)

    def _go_on(self) -> None:
        while not self._stopping.is_set():
            self.tell_all()
            with self._events.changed:
                if not self._stopping.is_set():
                    self._events.changed.wait(1.0)

    def tell_all(self) -> None:
        """One call for every ended job whose turn it is."""
        due = select(jobs).where(jobs.c.state.in_(ENDS), jobs.c.webhook != "", jobs.c.webhook_tries >= 0)
        with self._database.reading() as connection:
            rows = connection.execute(due.order_by(jobs.c.ended).limit(50)).all()
        for row in rows:
            if self._stopping.is_set():
                return
            tries: int = row.webhook_tries
            now = time.monotonic()
            if now >= self._next_try.setdefault(row.id, now + WAITS[tries]):
                del self._next_try[row.id]
                self._tell(job_of_row(row), tries + 1)

    def _tell(self, job: Job, attempt: int) -> None:
        try:
            check_webhook(job.webhook, self._hosts)
            self._post(job)
        except JobError as problem:
            log.warning("job %s: %s", job.id, problem)
            attempt = DONE
        except (OSError, HTTPException) as problem:  # URLError and timeouts are OSErrors
            given_up = attempt >= len(WAITS)
            rest = "given up" if given_up else "trying again later"
            log.warning("job %s: webhook attempt %d failed (%s); %s", job.id, attempt, problem, rest)
            attempt = DONE if given_up else attempt
        else:
            attempt = DONE
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(webhook_tries=attempt))

    def _post(self, job: Job) -> None:
        told = {
            name: getattr(job, name)
            for name in ("id", "kind", "state", "message", "failure", "result", "client", "key")
        }
        request = urllib.request.Request(
            job.webhook,
            data=json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"),
            headers={"Content-Type": "application/json", "User-Agent": "danqing"},
            method="POST",
        )
        with self._opener.open(request, timeout=PATIENCE) as answer:
            answer.read(1)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """None: the answer stands as an error."""
