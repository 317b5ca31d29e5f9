"""`kill -9` at any moment loses no job and no finished picture."""

import time
from pathlib import Path

import pytest

from danqing.studio.queue import Queue
from tests.studio.killing import Victim, check_nothing_is_lost, survive
from tests.studio.stub_work import stub_order, stub_service


def made(queue: Queue, job: str) -> int:
    return len(queue.pictures(job))


def until_made(queue: Queue, job: str, count: int) -> None:
    end = time.monotonic() + 60
    while made(queue, job) < count:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_killed_server_s_jobs_go_on_with_the_pictures_that_are_missing(toy_home: Path) -> None:
    looking = stub_service(toy_home)
    victim = Victim(toy_home)
    try:
        order = stub_order(30, steps=4, pause_ms=4, prompt="job 0")
        first, second = looking.paint(order), looking.paint(stub_order(2))
        until_made(looking.queue, first.id, 3)
        victim.kill_server()
        assert looking.queue.wait(second.id, 100).state == "done"
    finally:
        victim.end()
    after = looking.queue.get(first.id)
    assert (after.attempts, looking.queue.get(second.id).attempts) == (2, 1)
    check_nothing_is_lost(looking, after, 0, 30)
    files = [path for path in (toy_home / "outputs").rglob("*.png") if path.is_file()]
    assert len(files) == 32  # and none was painted twice
    looking.stop()


def test_a_server_that_is_asked_to_stop_does(toy_home: Path) -> None:
    victim = Victim(toy_home)
    assert victim.process.stdout is not None
    assert victim.process.stdout.readline() == "up\n"
    victim.end()
    assert victim.process.returncode == 0


def test_random_kills_lose_nothing(toy_home: Path) -> None:
    survive(toy_home, rounds=3, seed=int(time.time()), jobs=3, pictures=15).stop()


@pytest.mark.soak
def test_twenty_rounds_of_random_kills_lose_nothing(toy_home: Path) -> None:
    survive(toy_home, rounds=20, seed=int(time.time()), jobs=20, pictures=40).stop()


def test_a_worker_ends_with_its_server(toy_home: Path) -> None:
    looking = stub_service(toy_home)
    victim = Victim(toy_home)
    try:
        job = looking.paint(stub_order(500, steps=4, pause_ms=4))
        until_made(looking.queue, job.id, 1)
        victim.process.kill()
        victim.process.wait()
        time.sleep(1.0)
        before = made(looking.queue, job.id)
        time.sleep(1.0)
        assert made(looking.queue, job.id) == before
    finally:
        if victim.process.poll() is None:
            victim.end()
    looking.stop()
