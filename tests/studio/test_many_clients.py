"""Many clients at once: no job is lost, each client's jobs keep their order, and looking stays quick meanwhile."""

import threading
import time
from pathlib import Path

import pytest

from danqing.studio.service import Service
from tests.studio.stub_work import stub_order, stub_service

SLOWEST_LOOK = 0.1
"""Seconds within which 95 of 100 looks at the queue are answered, on a machine that isn't busy otherwise."""


def work_through(service: Service, clients: int, jobs: int) -> list[float]:
    """Every client puts its jobs in one after the other; returns how long a look took each time."""
    ids: dict[str, list[str]] = {f"client {number}": [] for number in range(clients)}
    problems: list[Exception] = []
    looks: list[float] = []

    def put_in(client: str) -> None:
        try:
            for number in range(jobs):
                ids[client].append(service.paint(stub_order(prompt=f"{client} {number}"), client=client).id)
                began = time.perf_counter()
                service.queue.list(limit=20)
                looks.append(time.perf_counter() - began)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=put_in, args=(client,)) for client in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    for client in ids:
        for job in ids[client]:
            assert service.queue.wait(job, 300).state == "done"
        begun = [service.queue.get(job).started for job in ids[client]]
        assert begun == sorted(begun)
    assert service.queue.count() == service.queue.count(("done",)) == clients * jobs
    assert service.library.count() == clients * jobs
    return sorted(looks)


def test_ten_clients_with_four_jobs_each(toy_home: Path) -> None:
    with stub_service(toy_home) as service:
        work_through(service, clients=10, jobs=4)


@pytest.mark.soak
def test_fifty_clients_with_ten_jobs_each_and_quick_looks(toy_home: Path) -> None:
    with stub_service(toy_home) as service:
        looks = work_through(service, clients=50, jobs=10)
    p95 = looks[int(0.95 * len(looks))]
    print(f"p95 of a look at the queue: {1000 * p95:.1f} ms")
    assert p95 < SLOWEST_LOOK
