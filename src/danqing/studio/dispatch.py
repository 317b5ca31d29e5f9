"""The queue as those see it who work it off: take the next job, say what became of it, ask what is wanted of it."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import select, update

from danqing.base.job import Job, JobState, Lane
from danqing.studio.database import Database, storable
from danqing.studio.events import Events
from danqing.studio.job_rows import find_job, job_of_row, json_text, pictures_of
from danqing.studio.jobs import JobPicture, JobProgress, JsonObject, Wish
from danqing.studio.pace import Pace
from danqing.studio.queue import is_paused
from danqing.studio.tables import jobs

MOST_CRASHES = 2
"""A job whose worker died so often without a new picture in between is not tried again."""
MOST_ATTEMPTS = 100
"""Starts of one job, whoever died: a job that takes the whole machine down each time must end some day."""


class Dispatch:
    """What one server does with the jobs of its database. For several threads."""

    def __init__(self, database: Database, events: Events, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._events = events
        self._clock = clock

    def recover(self) -> int:
        """Jobs that a dead server left running wait again, at their old places; returns how many."""
        with self._database.reading() as connection:
            rows = connection.execute(select(jobs).where(jobs.c.state.in_(("running", "queued")))).all()
        left = [row for row in rows if row.state == "running"]
        for row in rows:
            if row.state == "queued":
                self._events.job_changed(job_of_row(row))
        for row in left:
            self.give_back(row.id, "the server ended while it was painted")
        return len(left)

    def claim(self, lane: Lane) -> Job | None:
        """The next job of a lane, running from now on; None when there is none, or the queue is paused."""
        first = (
            select(jobs.c.id)
            .where(jobs.c.state == "queued", jobs.c.lane == lane)
            .order_by(jobs.c.priority.desc(), jobs.c.place)
            .limit(1)
        )
        with self._database.reading() as connection:
            found = connection.execute(first).scalar_one_or_none()
            if found is None or (lane == "paint" and is_paused(connection)):
                return None
        begun: dict[str, Any] = {"state": "running", "attempts": jobs.c.attempts + 1, "started": self._clock()}
        with self._database.writing() as connection:
            # Somebody may have cancelled it, or another lane's thread taken it, since we looked.
            ours = update(jobs).where(jobs.c.id == found, jobs.c.state == "queued")
            if connection.execute(ours.values(**begun, message="")).rowcount == 0:
                return None
            job = find_job(connection, found)
        if job is not None:
            self._events.job_changed(job)
        return job

    def end(
        self, job: str, state: JobState, *, message: str = "", failure: str = "", result: JsonObject | None = None
    ) -> None:
        """A running job is over; what it made stands in its result."""
        with self._database.writing() as connection:
            pictures = pictures_of(connection, job)
            made: JsonObject = {**(result or {})}
            if pictures:
                made["pictures"] = [picture.as_json() for picture in pictures]
            ended = {
                "state": state,
                "ended": self._clock(),
                "message": storable(message),
                "failure": failure,
                "wish": "",
            }
            ours = update(jobs).where(jobs.c.id == job, jobs.c.state == "running")
            connection.execute(ours.values(**ended, result=json_text(made)))
        self._tell(job)

    def give_back(self, job: str, why: str) -> None:
        """A running job waits again at its old place; one that was to be cancelled or finished is over instead."""
        with self._database.reading() as connection:
            row = connection.execute(select(jobs.c.wish, jobs.c.attempts).where(jobs.c.id == job)).one()
        if row.wish == "cancel":
            self.end(job, "cancelled", message="cancelled")
        elif row.wish == "finish":
            self.end(job, "done", message="finished early", result={"interrupted": True})
        elif row.attempts >= MOST_ATTEMPTS:
            self.end(job, "failed", message=f"begun {row.attempts} times and never done: {why}", failure="JobError")
        else:
            with self._database.writing() as connection:
                ours = update(jobs).where(jobs.c.id == job, jobs.c.state == "running")
                connection.execute(ours.values(state="queued", message=why, wish=""))
            self._tell(job)

    def crashed(self, job: str, how: str) -> None:
        """The worker died over a running job: it is tried once more, and again for as long as there are new pictures each time."""
        with self._database.writing() as connection:
            count = update(jobs).where(jobs.c.id == job).values(crashes=jobs.c.crashes + 1)
            crashes: int = connection.execute(count.returning(jobs.c.crashes)).scalar_one()
        if crashes < MOST_CRASHES:
            self.give_back(job, f"its worker died ({how}); it is tried again")
            return
        remedy = "ask for less at once (size, batch size), or look into the log"
        message = f"its worker died {crashes} times over it ({how}); {remedy}"
        self.end(job, "failed", message=message, failure="HardwareError")

    def kept(self, picture: JobPicture) -> None:
        """The worker has kept a picture."""
        with self._database.writing() as connection:
            connection.execute(update(jobs).where(jobs.c.id == picture.job).values(crashes=0))
        self._events.picture_kept(picture)

    def progressed(self, job: str, progress: JobProgress, pace: Pace) -> None:
        """The worker is further on. Without a new preview the last one stands."""
        said = replace(progress, elapsed_s=pace.elapsed, eta_s=pace.left(progress.fraction))
        before = self._events.progress_of(job)
        if not said.preview and before is not None:
            said = replace(said, preview=before.preview, preview_number=before.preview_number)
        self._events.progressed(job, said)

    def stirred(self, job: str) -> bool:
        """Whether somebody in this process wants something of a running job."""
        return self._events.was_stirred(job)

    def wish(self, job: str) -> Wish:
        """What is wanted of a running job. A skip is wanted once; the others stand until it is over."""
        with self._database.writing() as connection:
            wish: Wish = connection.execute(select(jobs.c.wish).where(jobs.c.id == job)).scalar_one()
            if wish == "skip":
                connection.execute(update(jobs).where(jobs.c.id == job, jobs.c.wish == "skip").values(wish=""))
        return wish

    def wait(self, seconds: float) -> None:
        """Until something has changed, at most so long."""
        with self._events.changed:
            self._events.changed.wait(seconds)

    def wake(self) -> None:
        """Ends every `wait`."""
        self._events.wake()

    def _tell(self, job: str) -> None:
        with self._database.reading() as connection:
            found = find_job(connection, job)
        if found is not None:
            self._events.job_changed(found)
