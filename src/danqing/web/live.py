"""The studio's events in the event loop: calls that wait for a job hold no thread, and whoever listens gets each event as it happens."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from danqing.base.job import Job
from danqing.studio.events import Subscription
from danqing.studio.jobs import Event
from danqing.studio.service import Service
from danqing.web.problems import UNAVAILABLE, Refused

T = TypeVar("T")

MOST_WAITING = 1000
"""Events kept for a listener who is slow; the oldest go first, and the gap shows in the numbers."""
STOPPING = "the server is stopping; the job stays in the queue and goes on when it is started again"


class Listener:
    """One who hears every event from now on."""

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque(maxlen=MOST_WAITING)
        self._stirred = asyncio.Event()
        self.closed = False

    def put(self, event: Event) -> None:
        """Within the event loop."""
        self._waiting.append(event)
        self._stirred.set()

    def close(self) -> None:
        """No more events."""
        self.closed = True
        self._stirred.set()

    async def next(self, seconds: float) -> Event | None:
        """The next event; None when there was none for so long, or won't be any more (`closed`)."""
        while not self._waiting and not self.closed:
            self._stirred.clear()
            try:
                await asyncio.wait_for(self._stirred.wait(), seconds)
            except TimeoutError:
                return None
        return self._waiting.popleft() if self._waiting else None


class Live:
    """Brings events from the studio's threads into the loop. One for each running application; `async with` it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subscription: Subscription | None = None
        self._over: dict[str, list[asyncio.Event]] = {}
        self._listeners: set[Listener] = set()
        self.stopping = False

    async def __aenter__(self) -> "Live":
        self._loop = asyncio.get_running_loop()
        self._subscription = self.service.queue.subscribe(self._hear)
        return self

    async def __aexit__(self, *problem: object) -> None:
        self.stop()
        if self._subscription is not None:
            self._subscription.close()

    def stop(self) -> None:
        """Everyone who waits is told that it was in vain."""
        self.stopping = True
        for waiting in self._over.values():
            for event in waiting:
                event.set()
        for listener in self._listeners:
            listener.close()

    @property
    def listeners(self) -> int:
        """How many hear everything."""
        return len(self._listeners)

    @property
    def waiting(self) -> int:
        """How many calls wait for a job."""
        return sum(len(events) for events in self._over.values())

    async def ended(self, job: str) -> Job:
        """The job once it is over. Raises Refused when the server is stopped first."""
        over = asyncio.Event()
        self._over.setdefault(job, []).append(over)
        try:
            found = await run(self.service.queue.get, job)
            while not found.over:
                if self.stopping:
                    raise Refused(UNAVAILABLE, STOPPING)
                await over.wait()
                over.clear()
                found = await run(self.service.queue.get, job)
            return found
        finally:
            self._over[job].remove(over)
            if not self._over[job]:
                del self._over[job]

    async def ended_within(self, job: str, seconds: float) -> Job:
        """The job once it is over, or as it is after so many seconds."""
        try:
            return await asyncio.wait_for(self.ended(job), seconds)
        except TimeoutError:
            return await run(self.service.queue.get, job)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Listener]:
        """A listener, as long as the block lasts."""
        listener = Listener()
        listener.closed = self.stopping
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def _hear(self, event: Event) -> None:
        """In a thread of the studio."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended before the studio
                self._loop.call_soon_threadsafe(self._tell, event)

    def _tell(self, event: Event) -> None:
        if event.kind == "job":
            for over in self._over.get(event.job, ()):
                over.set()
        for listener in self._listeners:
            listener.put(event)


async def run(function: Callable[..., T], *arguments: object) -> T:
    """What takes the disk or the database, in a thread of its own, so that nobody else waits for it."""
    return await run_in_threadpool(function, *arguments)
