"""A server of stub workers in a process of its own, to be killed at any moment and started again; and what must hold after."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
from sqlalchemy import text

from danqing.base.job import Job
from danqing.pixels.files import read_picture
from danqing.studio.queue import Queue
from danqing.studio.service import Service
from tests.studio.stub_work import numbers_of, stub_order, stub_picture, stub_service

ROOT = Path(__file__).parents[2]


class Victim:
    """The server of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process = self._started()

    def _started(self) -> "subprocess.Popen[str]":
        folders = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
        environment = {**os.environ, "PYTHONPATH": folders}
        command = [sys.executable, "-m", "tests.studio.stub_server", str(self.home)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, cwd=ROOT, text=True)

    def kill_server(self) -> None:
        """As the kernel does it; the workers find out by themselves."""
        self.process.kill()
        self._gone()
        self.process = self._started()

    def kill_worker(self) -> None:
        """All processes below the server's: the one is a worker, others only keep watch for it."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if any("spawn_main" in word for word in child.cmdline()):
                child.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """A clean stop."""
        self.process.terminate()
        self.process.wait(60)
        self._gone()

    def _gone(self) -> None:
        self.process.wait(60)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def survive(home: Path, rounds: int, seed: int, jobs: int, pictures: int) -> Service:
    """Puts jobs in, kills worker and server at random moments, waits for the end. Returns the service, not started, to look at."""
    chance = random.Random(seed)
    looking = stub_service(home)
    queue = looking.queue
    victim = Victim(home)
    try:
        put_in = [looking.paint(_order(number, pictures)) for number in range(jobs)]
        for _ in range(rounds):
            time.sleep(chance.uniform(0.0, 3.0))
            if chance.random() < 0.5:
                victim.kill_server()
            else:
                victim.kill_worker()
        for job in put_in:
            _wait(queue, job.id)
    finally:
        victim.end()
    for number, job in enumerate(put_in):
        check_nothing_is_lost(looking, queue.get(job.id), number, pictures)
    with looking._database.reading() as connection:  # pyright: ignore[reportPrivateUsage]
        assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    return looking


def _order(number: int, pictures: int) -> object:
    return stub_order(pictures, steps=4, pause_ms=4, prompt=f"job {number}")


def _wait(queue: Queue, job: str) -> None:
    """A job that was killed twice without a picture in between has failed, and says so: it is not lost, and may be tried again."""
    until = time.monotonic() + 300
    while not (now := queue.get(job)).over:
        assert time.monotonic() < until, f"job {job} is {now.state} ({now.message}) and doesn't end"
        time.sleep(0.05)
        if queue.get(job).state == "failed":
            queue.again(job)


def check_nothing_is_lost(looking: Service, job: Job, number: int, pictures: int) -> None:
    """Every picture is there once, with its record, and has the pixels that it would have had without any killing."""
    order = _order(number, pictures)
    assert (job.state, numbers_of(job)) == ("done", list(range(pictures)))
    kept = looking.queue.pictures(job.id)
    assert len({picture.path for picture in kept}) == pictures
    for picture in kept:
        assert np.array_equal(read_picture(picture.path), stub_picture(order, picture.number).pixels)  # type: ignore[arg-type]
        record = looking.library.get(picture.record)
        assert (record.path, record.order_number) == (picture.path, picture.number)
