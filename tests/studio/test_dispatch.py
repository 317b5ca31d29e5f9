"""What becomes of jobs whose worker or server dies."""

from pathlib import Path

import pytest

from danqing.base.job import Job
from danqing.studio.database import Database
from danqing.studio.dispatch import MOST_ATTEMPTS, Dispatch
from danqing.studio.events import Events
from danqing.studio.jobs import JobPicture
from danqing.studio.queue import Queue


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database, Events())


@pytest.fixture
def dispatch(database: Database) -> Dispatch:
    return Dispatch(database, Events())


def running(queue: Queue, dispatch: Dispatch) -> Job:
    queue.submit("paint", {})
    job = dispatch.claim("paint")
    assert job is not None
    return job


def test_a_dead_server_s_jobs_wait_again_at_their_old_place(
    queue: Queue, dispatch: Dispatch, database: Database
) -> None:
    first = running(queue, dispatch)
    later = queue.submit("paint", {})
    assert Dispatch(database, Events()).recover() == 1
    assert [job.id for job in queue.list(("queued",))] == [first.id, later.id]
    assert "the server ended" in queue.get(first.id).message


def test_a_job_whose_worker_died_is_tried_once_more(queue: Queue, dispatch: Dispatch) -> None:
    job = running(queue, dispatch)
    dispatch.crashed(job.id, "ended by SIGKILL")
    assert (queue.get(job.id).state, queue.get(job.id).message) == (
        "queued",
        "its worker died (ended by SIGKILL); it is tried again",
    )
    assert dispatch.claim("paint") is not None
    dispatch.crashed(job.id, "ended by SIGKILL")
    after = queue.get(job.id)
    assert (after.state, after.failure, after.attempts) == ("failed", "HardwareError", 2)
    assert after.message.startswith("its worker died 2 times over it (ended by SIGKILL); ask for less at once")


def test_a_job_that_gets_on_between_two_deaths_is_tried_for_ever(queue: Queue, dispatch: Dispatch) -> None:
    job = running(queue, dispatch)
    for number in range(5):
        dispatch.kept(JobPicture(job.id, number, Path("a.png")))
        dispatch.crashed(job.id, "ended by SIGKILL")
        assert dispatch.claim("paint") is not None
    assert queue.get(job.id).state == "running"


def test_a_job_that_takes_down_every_server_ends_some_day(queue: Queue, dispatch: Dispatch) -> None:
    job = running(queue, dispatch)
    for _ in range(MOST_ATTEMPTS - 1):
        dispatch.recover()
        dispatch.claim("paint")
    dispatch.recover()
    assert (queue.get(job.id).state, queue.get(job.id).attempts) == ("failed", MOST_ATTEMPTS)


@pytest.mark.parametrize(("wish", "state"), [("cancel", "cancelled"), ("finish_now", "done")])
def test_what_was_wanted_holds_when_the_worker_dies_over_it(
    queue: Queue, dispatch: Dispatch, wish: str, state: str
) -> None:
    job = running(queue, dispatch)
    getattr(queue, wish)(job.id)
    dispatch.crashed(job.id, "ended by SIGKILL")
    assert queue.get(job.id).state == state


def test_a_skip_that_nobody_heard_is_forgotten_with_the_worker(queue: Queue, dispatch: Dispatch) -> None:
    job = running(queue, dispatch)
    queue.skip(job.id)
    dispatch.give_back(job.id, "the server was stopped")
    dispatch.claim("paint")
    assert dispatch.wish(job.id) == ""


def test_a_job_that_was_cancelled_by_then_is_not_claimed(queue: Queue, dispatch: Dispatch) -> None:
    job = queue.submit("paint", {})
    queue.cancel(job.id)
    assert dispatch.claim("paint") is None


def test_an_end_that_comes_twice_counts_once(queue: Queue, dispatch: Dispatch) -> None:
    job = running(queue, dispatch)
    dispatch.end(job.id, "done", result={"a": 1})
    dispatch.end(job.id, "failed", message="too late")
    assert (queue.get(job.id).state, queue.get(job.id).result) == ("done", {"a": 1})
