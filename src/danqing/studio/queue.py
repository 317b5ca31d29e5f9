"""The queue as doors see it: put jobs in, look at them, move them, stop them. Who works them off is `dispatch` and `supervisor`."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from danqing.base.errors import JobError
from danqing.base.job import Job, JobState, Lane
from danqing.base.value import canonical_json, sha256_of
from danqing.studio.database import Database, storable
from danqing.studio.events import Events, Listener, Subscription
from danqing.studio.job_rows import find_job, job_of_row, pictures_of, row_of_job
from danqing.studio.jobs import JobPicture, JobProgress, JsonObject, Wish
from danqing.studio.kinds import KINDS, Kinds
from danqing.studio.pace import measured_pace, work_of
from danqing.studio.tables import jobs, switches
from danqing.studio.webhooks import check_webhook

Prepare = Callable[[JsonObject], JsonObject]
PAUSED = "queue paused"
OPEN: tuple[JobState, ...] = ("queued", "running")
MOST_LETTERS = 200
LOOK_AGAIN = 1.0
"""Seconds; what another process did to a job is seen after that long at most."""


class Queue:
    """Jobs in the database. For several threads; other processes may use the same database beside it."""

    def __init__(
        self,
        database: Database,
        events: Events,
        kinds: Kinds = KINDS,
        *,
        prepare: Mapping[str, Prepare] = MappingProxyType({}),
        hosts: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`prepare` checks and settles the payload of a kind before it is kept; `hosts` are those that webhooks may call."""
        self._database = database
        self._events = events
        self._kinds = kinds
        self._prepare = prepare
        self._hosts = tuple(hosts)
        self._clock = clock

    def submit(  # noqa: PLR0913 - what a job is asked to be, each with its own name
        self,
        kind: str,
        payload: JsonObject,
        *,
        priority: int = 0,
        lane: Lane | None = None,
        client: str = "",
        key: str = "",
        webhook: str = "",
    ) -> Job:
        """The job, queued; without a lane it takes its kind's. With a `key` that the client used before: that job as it is now.

        Raises JobError (no such kind, a webhook to a host that isn't allowed, a key used for something else), and what the kind's own check says.
        """
        name = self._kinds.name_of(kind)
        for word, text in (("client", client), ("key", key), ("webhook", webhook)):
            if len(text) > MOST_LETTERS or text != storable(text):
                raise JobError(f"{word}: at most {MOST_LETTERS} letters that can be written, found {text[:40]!r}")
        asked = sha256_of(canonical_json([name, payload]))
        if key and (before := self._of_key(client, key, asked)):
            return before
        if webhook:
            check_webhook(webhook, self._hosts)
        settled = self._prepare[name](payload) if name in self._prepare else payload
        job = Job(
            id=secrets.token_hex(8),
            kind=name,
            payload=settled,
            lane=lane or self._kinds.find(name).lane,
            priority=priority,
            client=client,
            key=key,
            webhook=webhook,
            created=self._clock(),
        )
        try:
            with self._database.writing() as connection:
                place: int = connection.execute(select(func.coalesce(func.max(jobs.c.place), 0))).scalar_one() + 1
                row = row_of_job(job, place=place, asked=asked, work=work_of(name, settled))
                connection.execute(insert(jobs).values(row))
        except IntegrityError as problem:  # the same key came twice at once
            before = self._of_key(client, key, asked) if key else None
            if before is None:
                raise JobError(f"the job could not be queued ({problem.orig}); try again") from problem
            return before
        self._events.job_changed(job)
        return job

    def _of_key(self, client: str, key: str, asked: str) -> Job | None:
        with self._database.reading() as connection:
            wanted = select(jobs).where(jobs.c.client == client, jobs.c.key == key)
            row = connection.execute(wanted).one_or_none()
        if row is None:
            return None
        if row.asked != asked:
            raise JobError(f"the key {key!r} was used for another job ({row.id}); take a new key for new work")
        return self._with_progress(job_of_row(row))

    def get(self, job: str) -> Job:
        """The job as it is now. Raises JobError when there is none of that id."""
        with self._database.reading() as connection:
            found = find_job(connection, job)
        if found is None:
            raise JobError(f"there is no job {job!r}; list those there are")
        return self._with_progress(found)

    def list(
        self, states: Iterable[JobState] = (), *, client: str | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[Job, ...]:
        """Running jobs, queued ones in the order in which they will run, then the others, newest first. Without states: all."""
        rank = case((jobs.c.state == "running", 0), (jobs.c.state == "queued", 1), else_=2)
        # Of running and queued ones `ended` is 0: among them priority and place decide.
        query = select(jobs).order_by(rank, jobs.c.ended.desc(), jobs.c.priority.desc(), jobs.c.place)
        query = query.where(*self._those(states, client)).limit(limit).offset(offset)
        with self._database.reading() as connection:
            return tuple(self._with_progress(job_of_row(row)) for row in connection.execute(query))

    def count(self, states: Iterable[JobState] = (), *, client: str | None = None) -> int:
        """How many jobs there are."""
        query = select(func.count()).select_from(jobs).where(*self._those(states, client))
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def progress(self, job: str) -> JobProgress | None:
        """How far a running job is; None for one that isn't running, or hasn't said anything yet."""
        return self._events.progress_of(job)

    def pictures(self, job: str) -> tuple[JobPicture, ...]:
        """The pictures that a job has finished so far, also while it runs and after it was cancelled."""
        with self._database.reading() as connection:
            return pictures_of(connection, job)

    def eta(self, job: str) -> float | None:
        """Seconds until a job of the paint lane will be done, by the speed of late; None before anything was measured."""
        wanted = self.get(job)
        if wanted.over:
            return 0.0
        with self._database.reading() as connection:
            pace = measured_pace(connection)
            line = connection.execute(_line()).all()
        if pace is None:
            said = self.progress(job)
            return said.eta_s if said else None
        seconds = 0.0
        for row in line:
            said = self.progress(row.id)
            left = row.work / pace * (1 - said.fraction if said else 1)
            seconds += said.eta_s if said and said.eta_s is not None else left
            if row.id == job:
                return seconds
        return None

    def cancel(self, job: str) -> Job:
        """A queued job is cancelled at once, a running one after the step at hand, keeping what is finished; one that is over stays as it is."""
        return self._wish(job, "cancel")

    def cancel_all(self, *, client: str | None = None) -> int:
        """Cancels every job that is queued or running, or all of one client; returns how many."""
        with self._database.reading() as connection:
            found = connection.execute(select(jobs.c.id).where(*self._those(OPEN, client))).scalars().all()
        for job in found:
            self.cancel(job)
        return len(found)

    def finish_now(self, job: str) -> Job:
        """A running job decodes what is there, keeps it and ends as done; a queued one is cancelled."""
        return self._wish(job, "finish")

    def skip(self, job: str) -> Job:
        """A running job leaves the pictures at hand and goes on with the next; nothing happens to any other."""
        return self._wish(job, "skip")

    def again(self, job: str) -> Job:
        """A failed or cancelled job back at the end of the line; what it has finished stays. Raises JobError for others."""
        with self._database.writing() as connection:
            found = self._found(connection, job)
            found.moved_to("queued")
            fresh = {
                "state": "queued",
                "wish": "",
                "crashes": 0,
                "ended": 0.0,
                "message": "",
                "failure": "",
                "result": "{}",
            }
            last: int = connection.execute(select(func.max(jobs.c.place))).scalar_one()
            connection.execute(update(jobs).where(jobs.c.id == job).values(**fresh, webhook_tries=0, place=last + 1))
        return self._changed(job)

    def move(self, job: str, before: str | None = None) -> Job:
        """A queued job put before another queued one, whose priority it takes; to the very end without `before`.

        Raises JobError for one that isn't queued.
        """
        with self._database.writing() as connection:
            line = connection.execute(_line(("queued",))).all()
            ids = [row.id for row in line]
            for name in (job, *([before] if before else ())):
                if name not in ids:
                    raise JobError(
                        f"job {name} is {self._found(connection, name).state}; only queued jobs can be moved"
                    )
            rest = [row for row in line if row.id != job]
            at = next((index for index, row in enumerate(rest) if row.id == before), len(rest))
            neighbour = rest[at] if at < len(rest) else (rest[-1] if rest else line[0])
            moved = next(row for row in line if row.id == job)
            places = sorted(row.place for row in line)
            for row, place in zip([*rest[:at], moved, *rest[at:]], places, strict=True):
                priority = neighbour.priority if row.id == job else row.priority
                connection.execute(update(jobs).where(jobs.c.id == row.id).values(place=place, priority=priority))
        return self._changed(job)

    def pause(self) -> None:
        """No further job of the paint lane is begun, also after a restart; running ones end as usual."""
        self._switch(True)

    def resume(self) -> None:
        """The queue goes on."""
        self._switch(False)

    @property
    def paused(self) -> bool:
        """Whether the paint lane holds."""
        with self._database.reading() as connection:
            return is_paused(connection)

    def wait(self, job: str, timeout: float | None = None) -> Job:
        """The job once it is over, or as it is after `timeout` seconds. Holds the calling thread; with asyncio `subscribe` instead."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._events.changed:
                found = self.get(job)
                left = None if until is None else until - time.monotonic()
                if found.over or (left is not None and left <= 0):
                    return found
                self._events.changed.wait(LOOK_AGAIN if left is None else min(LOOK_AGAIN, left))

    def subscribe(self, listener: Listener | None = None) -> Subscription:
        """Everything that happens from now on, as `events.Subscription` has it."""
        return self._events.subscribe(listener)

    def notice(self) -> None:
        """Tells of what other processes did to jobs that are known here. The service calls it every second."""
        known = self._events.known()
        if not known:
            return
        with self._database.reading() as connection:
            rows = connection.execute(select(jobs.c.id, jobs.c.state).where(jobs.c.id.in_(known))).all()
        for row in rows:
            if known[row.id] != row.state:
                self._changed(row.id)

    def _wish(self, job: str, wish: Wish) -> Job:
        with self._database.writing() as connection:
            found = self._found(connection, job)
            if found.state == "queued" and wish != "skip":
                ended = {"state": "cancelled", "ended": self._clock(), "message": "cancelled before it began"}
                connection.execute(update(jobs).where(jobs.c.id == job).values(**ended))
            elif found.state == "running":
                # Cancelling outweighs what was wished before.
                weaker = jobs.c.wish.in_([""] if wish == "skip" else ["", "skip", "finish"])
                connection.execute(update(jobs).where(jobs.c.id == job, weaker).values(wish=wish))
            else:
                return found
        self._events.stir(job)
        return self._changed(job)

    def _switch(self, paused: bool) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(switches).where(switches.c.name == PAUSED))
            if paused:
                connection.execute(insert(switches).values(name=PAUSED, value="yes"))
        self._events.queue_switched(paused)

    def _found(self, connection: Connection, job: str) -> Job:
        found = find_job(connection, job)
        if found is None:
            raise JobError(f"there is no job {job!r}; list those there are")
        return found

    def _changed(self, job: str) -> Job:
        found = self.get(job)
        self._events.job_changed(found)
        return found

    def _with_progress(self, job: Job) -> Job:
        said = self._events.progress_of(job.id) if job.state == "running" else None
        return job.but(progress=said.fraction) if said else job

    @staticmethod
    def _those(states: Iterable[JobState], client: str | None) -> Iterator[ColumnElement[bool]]:
        if wanted := tuple(states):
            yield jobs.c.state.in_(wanted)
        if client is not None:
            yield jobs.c.client == client


def is_paused(connection: Connection) -> bool:
    """Whether the paint lane holds."""
    return connection.execute(select(switches.c.value).where(switches.c.name == PAUSED)).first() is not None


def _line(states: tuple[JobState, ...] = OPEN) -> Select[Any, Any, Any, Any]:
    """Jobs of the paint lane as they will be worked off."""
    running_first = case((jobs.c.state == "running", 0), else_=1)
    return (
        select(jobs.c.id, jobs.c.work, jobs.c.place, jobs.c.priority)
        .where(jobs.c.state.in_(states), jobs.c.lane == "paint")
        .order_by(running_first, jobs.c.priority.desc(), jobs.c.place)
    )
