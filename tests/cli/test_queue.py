from pathlib import Path

import pytest

from danqing.base.job import Job
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.studio.service import Service
from tests.cli.conftest import Danqing


@pytest.fixture
def service(toy_home: Path) -> Service:
    """Not started: nothing works the jobs off."""
    return Service(toy_home, environment={})


def submit(service: Service, prompt: str) -> Job:
    return service.paint(Order(recipe=Recipe(prompt=prompt, steps=2, width=64, height=64)))


def test_jobs_are_listed_in_the_order_in_which_they_will_run(danqing: Danqing, service: Service) -> None:
    jobs = [submit(service, prompt) for prompt in ("红发, a fox", "a bear " * 30)]
    service.queue.cancel(submit(service, "gone").id)
    lines = danqing("queue").out.splitlines()
    assert [line.split()[0] for line in lines[:2]] == [job.id for job in jobs]
    assert "queued" in lines[0]
    assert "红发, a fox" in lines[0]
    assert len(lines[1]) < 140
    assert "cancelled before it began" in lines[2]
    assert danqing("queue", "list", "--state", "cancelled").out.count("\n") == 1


def test_json_has_what_a_program_wants(danqing: Danqing, service: Service) -> None:
    job = submit(service, "a fox")
    data = danqing("queue", "--json").json
    assert (data["paused"], data["jobs"][0]["id"], data["jobs"][0]["made"], data["jobs"][0]["about"]) == (
        False,
        job.id,
        0,
        "a fox",
    )
    shown = danqing("queue", "show", job.id[:6], "--json").json
    assert shown["payload"]["order"]["recipe"]["prompt"] == "a fox"
    assert "payload: " in danqing("queue", "show", job.id).out


def test_jobs_are_cancelled_by_the_beginning_of_their_id(danqing: Danqing, service: Service) -> None:
    one, other = submit(service, "one"), submit(service, "other")
    assert danqing("queue", "cancel", one.id[:8]).out == f"{one.id} cancelled\n"
    assert service.queue.get(other.id).state == "queued"
    assert danqing("queue", "again", one.id).out == f"{one.id} queued\n"
    assert danqing("queue", "cancel", "--all").out == "cancelled 2 job(s)\n"
    assert service.queue.count(("cancelled",)) == 2


def test_cancelling_needs_to_be_told_what(danqing: Danqing) -> None:
    ran = danqing("queue", "cancel")
    assert (ran.code, "say which jobs to cancel, or --all" in ran.err) == (2, True)
    ran = danqing("queue", "cancel", "abc")
    assert (ran.code, "there is no job 'abc'" in ran.err) == (2, True)


def test_a_job_is_moved_before_another_and_to_the_end(danqing: Danqing, service: Service) -> None:
    a, b, c = (submit(service, name).id for name in "abc")
    danqing("queue", "move", c, "--before", a)
    assert [job.id for job in service.queue.list()] == [c, a, b]
    assert danqing("queue", "move", c).out == f"{c} at the end\n"
    assert [job.id for job in service.queue.list()] == [a, b, c]


def test_the_queue_is_paused_and_resumed(danqing: Danqing, service: Service) -> None:
    danqing("queue", "pause")
    assert service.queue.paused
    assert danqing("queue").out.startswith("the queue is paused")
    danqing("queue", "resume")
    assert not service.queue.paused


def test_an_unknown_state_is_refused_with_its_neighbour(danqing: Danqing) -> None:
    ran = danqing("queue", "list", "--state", "cancel")
    assert (ran.code, "did you mean cancelled?" in ran.err) == (2, True)
