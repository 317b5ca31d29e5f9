import asyncio
import threading

from danqing.base.job import Job
from danqing.studio import events as module
from danqing.studio.events import Events, Subscription
from danqing.studio.jobs import Event, JobProgress

RUNNING = Job(id="a", state="running")


def kinds(heard: Subscription) -> list[str]:
    found = []
    while event := heard.get(0.01):
        found.append(event.kind)
    return found


def test_everybody_who_listens_hears_everything_in_order() -> None:
    events = Events()
    one, other = events.subscribe(), events.subscribe()
    events.job_changed(RUNNING)
    events.progressed("a", JobProgress(fraction=0.5))
    events.queue_switched(True)
    assert kinds(one) == kinds(other) == ["job", "progress", "queue"]


def test_numbers_grow_by_one() -> None:
    events = Events()
    events.queue_switched(True)
    with events.subscribe() as heard:
        for _ in range(3):
            events.queue_switched(False)
        assert [event.number for _ in range(3) if (event := heard.get(1))] == [2, 3, 4]


def test_whoever_has_left_hears_nothing_and_its_loop_ends() -> None:
    events = Events()
    heard = events.subscribe()
    events.queue_switched(True)
    heard.close()
    events.queue_switched(False)
    assert [event.data["paused"] for event in heard] == [True]


def test_the_end_of_the_service_ends_every_loop() -> None:
    events = Events()
    heard = events.subscribe()
    threading.Timer(0.05, events.close).start()
    assert list(heard) == []


def test_a_slow_listener_loses_the_oldest_events_only() -> None:
    events = Events()
    heard = events.subscribe()
    for number in range(module.MOST_WAITING + 5):
        events.progressed("a", JobProgress(step=number))
    assert heard.lost == 5
    first = heard.get(0)
    assert first is not None
    assert first.data["step"] == 5


def test_a_listener_that_fails_does_not_keep_others_from_hearing() -> None:
    events = Events()

    def fail(event: Event) -> None:
        raise ValueError

    events.subscribe(fail)
    heard = events.subscribe()
    events.queue_switched(True)
    assert kinds(heard) == ["queue"]


def test_asyncio_hears_by_way_of_its_loop() -> None:
    events = Events()

    async def listen() -> Event:
        loop = asyncio.get_running_loop()
        waiting: asyncio.Queue[Event] = asyncio.Queue()
        with events.subscribe(lambda event: loop.call_soon_threadsafe(waiting.put_nowait, event) and None):
            threading.Timer(0.02, lambda: events.queue_switched(True)).start()
            return await asyncio.wait_for(waiting.get(), 5)

    assert asyncio.run(listen()).data == {"paused": True}


def test_progress_events_carry_no_jpeg() -> None:
    events = Events()
    with events.subscribe() as heard:
        events.progressed("a", JobProgress(preview=b"jpeg", preview_number=3))
        event = heard.get(1)
    assert event is not None
    assert "preview" not in event.data
    assert event.data["preview_number"] == 3
    assert events.progress_of("a") == JobProgress(preview=b"jpeg", preview_number=3)
