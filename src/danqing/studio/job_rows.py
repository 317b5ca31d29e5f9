"""Rows of the jobs table as values, and back. Nothing here decides anything."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from danqing.base.job import Job
from danqing.studio.jobs import JobPicture, JsonObject
from danqing.studio.tables import job_pictures, jobs

PLAIN = ("id", "kind", "state", "lane", "priority", "client", "webhook", "attempts", "created", "started", "ended")


def job_of_row(row: Row[Any]) -> Job:
    """The job that a row of `jobs` holds."""
    fields: dict[str, Any] = {name: getattr(row, name) for name in (*PLAIN, "message", "failure")}
    done = 1.0 if row.state == "done" else 0.0
    return Job(
        **fields,
        key=row.key or "",
        payload=json.loads(row.payload),
        result=json.loads(row.result),
        progress=done,
    )


def row_of_job(job: Job, *, place: int, asked: str, work: float) -> dict[str, Any]:
    """Columns for a job that is put in."""
    return {
        **{name: getattr(job, name) for name in (*PLAIN, "message", "failure")},
        "key": job.key or None,
        "payload": json_text(job.payload),
        "result": json_text(job.result),
        "place": place,
        "asked": asked,
        "work": work,
        "crashes": 0,
        "wish": "",
        "webhook_tries": 0,
    }


def json_text(data: JsonObject) -> str:
    """JSON in ASCII: whatever a client sends, the database can hold it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def find_job(connection: Connection, job: str) -> Job | None:
    """The job of that id."""
    row = connection.execute(select(jobs).where(jobs.c.id == job)).one_or_none()
    return job_of_row(row) if row is not None else None


def pictures_of(connection: Connection, job: str) -> tuple[JobPicture, ...]:
    """The pictures that a job has kept, in the order of its order."""
    there = job_pictures
    wanted = select(there).where(there.c.job == job, there.c.state == "kept").order_by(there.c.number)
    return tuple(
        JobPicture(row.job, row.number, Path(row.path), row.record, row.infotext) for row in connection.execute(wanted)
    )
