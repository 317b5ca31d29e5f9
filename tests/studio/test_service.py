"""The running studio with real worker processes. Their handlers are stubs, so that nothing but the work of queue and worker is waited for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from danqing.base.errors import JobError, RecipeError
from danqing.base.job import Job
from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.pixels.files import read_picture
from danqing.studio.passing import STAY, sweep
from danqing.studio.searching import Search
from danqing.studio.service import Service
from tests.studio.stub_work import numbers_of, stub_order, stub_service

PATIENCE = 60


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory, toy_folder: Path) -> Path:
    models = tmp_path_factory.mktemp("service") / "home" / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    (models / "toy").symlink_to(toy_folder, target_is_directory=True)
    return models.parent.parent


@pytest.fixture(scope="module")
def service(shared_home: Path) -> Iterator[Service]:
    """One for all tests that don't stop or kill it: a process takes a while to come up."""
    with stub_service(shared_home) as running:
        yield running


def until(true: Callable[[], bool], patience: float = PATIENCE) -> None:
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it didn't happen in time"
        time.sleep(0.01)


def running(service: Service, job: Job) -> Job:
    """The job once its worker has told something of it."""
    until(lambda: service.queue.progress(job.id) is not None)
    return service.queue.get(job.id)


def done(service: Service, job: Job) -> Job:
    after = service.queue.wait(job.id, PATIENCE)
    assert after.over
    return after


def test_a_job_s_pictures_are_kept_recorded_and_named_in_its_result(service: Service) -> None:
    job = done(service, service.paint(stub_order(3, prompt="a red apple"), client="me"))
    assert (job.state, job.progress, numbers_of(job)) == ("done", 1.0, [0, 1, 2])
    kept = service.queue.pictures(job.id)
    assert [service.library.get(picture.record).path for picture in kept] == [picture.path for picture in kept]
    assert kept[1].infotext.startswith("a red apple\nSteps: 3")
    assert service.library.count(Search(text="red apple")) == 3
    assert job.result["interrupted"] is False


def test_the_seed_is_drawn_when_the_job_is_put_in(service: Service) -> None:
    order = Order(recipe=Recipe(steps=1, width=64, height=64), seeds="random")
    one, other = service.paint(order), service.paint(order)
    seeds = [job.payload["order"]["recipe"]["seed"] for job in (one, other)]  # type: ignore[index, call-overload]
    assert len(set(seeds)) == 2
    paths = [service.queue.pictures(done(service, job).id)[0].record for job in (one, other)]
    assert [service.library.get(record).seed for record in paths] == seeds


def test_an_order_that_can_not_be_painted_is_refused_at_once(service: Service) -> None:
    with pytest.raises(RecipeError, match=r"no sampler named 'Eulre'"):
        service.paint(Order(recipe=Recipe(sampler="Eulre")))


def test_progress_and_previews_come_while_it_runs(service: Service) -> None:
    with service.queue.subscribe() as heard:
        job = service.paint(stub_order(2, steps=20, pause_ms=10))
        running(service, job)
        until(lambda: (said := service.queue.progress(job.id)) is not None and said.eta_s is not None)
        said = service.queue.progress(job.id)
        assert said is not None
        assert said.preview.startswith(b"\xff\xd8")
        assert 0 < said.fraction < 1
        assert (said.pictures, said.steps, said.stage) == (2, 20, "stub")
        done(service, job)
        events = []
        while event := heard.get(0.05):
            events.append(event)
    states = [event.data["state"] for event in events if event.kind == "job" and event.job == job.id]
    assert states == ["queued", "running", "done"]
    assert [event.data["number"] for event in events if event.kind == "picture"] == [0, 1]
    steps = [event.data["fraction"] for event in events if event.kind == "progress"]
    assert steps == sorted(steps)
    assert len(steps) > 3


def test_cancelling_keeps_what_is_finished(service: Service) -> None:
    job = service.paint(stub_order(50, steps=10, pause_ms=5))
    until(lambda: len(service.queue.pictures(job.id)) >= 2)
    service.queue.cancel(job.id)
    after = done(service, job)
    assert (after.state, after.message) == ("cancelled", "cancelled")
    assert 2 <= len(numbers_of(after)) < 50


def test_finishing_now_keeps_the_picture_at_hand(service: Service) -> None:
    job = service.paint(stub_order(50, steps=100, pause_ms=5))
    running(service, job)
    service.queue.finish_now(job.id)
    after = done(service, job)
    assert (after.state, after.result["interrupted"], numbers_of(after)) == ("done", True, [0])
    record = service.library.get(service.queue.pictures(job.id)[0].record)
    assert record.interrupted


def test_skipping_leaves_out_the_picture_at_hand(service: Service) -> None:
    job = service.paint(stub_order(3, steps=40, pause_ms=5))
    running(service, job)
    service.queue.skip(job.id)
    after = done(service, job)
    assert after.state == "done"
    assert len(numbers_of(after)) == 2
    assert sorted([*numbers_of(after), *after.result["skipped"]]) == [0, 1, 2]  # type: ignore[misc]


def test_quick_work_is_done_while_pictures_are_painted(service: Service) -> None:
    job = service.paint(stub_order(50, steps=50, pause_ms=5))
    running(service, job)
    quick = done(service, service.queue.submit("echo", {"a": [1, "红"]}))
    assert quick.result["echo"] == {"a": [1, "红"]}
    assert service.queue.get(job.id).state == "running"
    service.queue.cancel(job.id)
    done(service, job)


@pytest.mark.parametrize(
    ("kind", "failure", "message"),
    [
        ("fail", "ModelError", "no checkpoint named 'x'; put one into the folder"),
        ("fault", "ZeroDivisionError", "a fault of danqing's own: ZeroDivisionError: division by zero"),
        ("gone", "ModuleNotFoundError", "a fault of danqing's own: ModuleNotFoundError: No module named"),
    ],
)
def test_a_failed_job_says_why_and_the_worker_goes_on(service: Service, kind: str, failure: str, message: str) -> None:
    process = service.workers[0].process
    after = done(service, service.queue.submit(kind, {}))
    assert (after.state, after.failure) == ("failed", failure)
    assert after.message.startswith(message)
    assert done(service, service.queue.submit("echo", {})).state == "done"
    assert service.workers[0].process == process


def test_pictures_that_are_not_to_be_kept_pass_by(service: Service) -> None:
    before = service.library.count()
    job = done(service, service.paint(stub_order(2), keep=False))
    (first, second) = service.queue.pictures(job.id)
    assert (first.record, second.record, service.library.count()) == (0, 0, before)
    assert first.path.is_relative_to(service.studio.home.cache)
    assert read_picture(first.path).shape == (16, 16, 3)
    assert sweep(service.studio.home) == 0
    assert sweep(service.studio.home, time.time() + STAY + 10) >= 1
    assert not first.path.exists()


def test_the_state_of_the_workers_can_be_seen(service: Service) -> None:
    until(lambda: service.workers[0].ready)
    (worker,) = service.workers
    assert (worker.device, worker.jobs, worker.process != os.getpid()) == ("cpu", (), True)


def test_a_second_server_in_the_same_home_is_refused(service: Service, shared_home: Path) -> None:
    other = stub_service(shared_home)
    with pytest.raises(JobError, match=r"another danqing server works in this home already"):
        other.start()
    other.stop()


def test_a_paused_queue_goes_on_when_it_is_resumed(service: Service) -> None:
    service.queue.pause()
    job = service.paint(stub_order())
    assert service.queue.wait(job.id, 0.3).state == "queued"
    service.queue.resume()
    assert done(service, job).state == "done"


def test_a_killed_worker_costs_no_job_and_no_picture(service: Service) -> None:
    job = service.paint(stub_order(12, steps=10, pause_ms=5))
    until(lambda: len(service.queue.pictures(job.id)) >= 2)
    killed = service.workers[0].process
    os.kill(killed, signal.SIGKILL)
    after = done(service, job)
    assert (after.state, after.attempts, numbers_of(after)) == ("done", 2, list(range(12)))
    assert service.workers[0].process != killed
    assert service.workers[0].starts >= 2
    paths = [picture.path for picture in service.queue.pictures(job.id)]
    assert len(set(paths)) == 12
    assert [service.library.get(picture.record).order_number for picture in service.queue.pictures(job.id)] == list(
        range(12)
    )


@pytest.mark.parametrize(("prompt", "state", "numbers"), [("die once", "done", [0, 1]), ("die always", "failed", [0])])
def test_a_job_that_kills_its_worker_has_one_more_try(
    service: Service, prompt: str, state: str, numbers: list[int]
) -> None:
    after = done(service, service.paint(stub_order(2, prompt=prompt)))
    assert (after.state, numbers_of(after)) == (state, numbers)
    if state == "failed":
        assert (after.failure, after.attempts) == ("HardwareError", 2)
        assert "ended by SIGKILL" in after.message
    assert done(service, service.paint(stub_order())).state == "done"


def test_pictures_that_came_meanwhile_are_taken_in_and_a_stop_puts_the_job_back(toy_home: Path) -> None:
    with stub_service(toy_home) as service:
        job = service.paint(stub_order(200, steps=10, pause_ms=3))
        until(lambda: len(service.queue.pictures(job.id)) >= 2)
        service.stop(grace=0.1)
    resting = stub_service(toy_home)
    now = resting.queue.get(job.id)
    made = len(resting.queue.pictures(job.id))
    assert (now.state, now.message) == ("queued", "the server was stopped; it goes on from here")
    assert 2 <= made < 200
    resting.library.forget([resting.queue.pictures(job.id)[0].record])
    assert resting.library.count() == made - 1
    resting.queue.cancel(job.id)
    with resting:
        until(lambda: resting.library.count() == made)


def test_the_server_loads_no_networks() -> None:
    code = "import sys, danqing.studio.service; raise SystemExit('torch' in sys.modules or 'diffusers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
