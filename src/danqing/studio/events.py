"""What happens in a running studio, told to whoever listens: pages, REST clients that wait, tests."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from danqing.base.job import Job
from danqing.studio.jobs import Event, EventKind, JobPicture, JobProgress, JsonObject

log = logging.getLogger(__name__)

Listener = Callable[[Event], None]
MOST_WAITING = 1000
"""Events kept for a subscriber who doesn't fetch them; the oldest go first."""


class Subscription:
    """The events since it was made: iterate over it, or `get` them. A context manager; closing ends the iteration.

    With a `listener` they are handed to that instead, in the thread in which they happen: it must be quick, as
    `loop.call_soon_threadsafe(queue.put_nowait, event)` is.
    """

    def __init__(self, events: "Events", listener: Listener | None = None) -> None:
        self._events = events
        self._listener = listener
        self._waiting: queue.Queue[Event | None] = queue.Queue(MOST_WAITING)
        self.lost = 0
        """Events that were dropped because nobody fetched them."""

    def put(self, event: Event | None) -> None:
        """Called by Events; None says that there won't be more."""
        if self._listener is not None:
            if event is not None:
                self._listener(event)
            return
        while True:
            try:
                self._waiting.put_nowait(event)
            except queue.Full:
                self._drop_one()
            else:
                return

    def _drop_one(self) -> None:
        try:
            self._waiting.get_nowait()
        except queue.Empty:
            return
        self.lost += 1

    def get(self, timeout: float | None = None) -> Event | None:
        """The next event; None when there was none within `timeout` seconds, or won't be any more."""
        try:
            return self._waiting.get(timeout=timeout)
        except queue.Empty:
            return None

    def __iter__(self) -> Iterator[Event]:
        while (event := self._waiting.get()) is not None:
            yield event

    def close(self) -> None:
        """No more events."""
        self._events.leave(self)
        self.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Events:
    """Tells events to its subscribers and remembers how far each running job is. Nothing of it is in the database."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._subscriptions: list[Subscription] = []
        self._progress: dict[str, JobProgress] = {}
        self._known: dict[str, str] = {}
        self._stirred: set[str] = set()
        self.changed = threading.Condition()
        """Notified when a job has changed its state or there is something new to do."""

    def subscribe(self, listener: Listener | None = None) -> Subscription:
        """A subscription to everything from now on."""
        subscription = Subscription(self, listener)
        with self._lock:
            self._subscriptions.append(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """The subscription gets nothing more."""
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

    def job_changed(self, job: Job) -> None:
        """A job is in another state, or another place."""
        with self._lock:
            if job.over:
                self._known.pop(job.id, None)
            else:
                self._known[job.id] = job.state
            if job.state != "running":
                self._progress.pop(job.id, None)
        data: JsonObject = {"state": job.state, "message": job.message, "kind": job.kind, "client": job.client}
        self._tell("job", job.id, data)
        self.wake()

    def progressed(self, job: str, progress: JobProgress) -> None:
        """A running job is further on."""
        with self._lock:
            self._progress[job] = progress
        data: JsonObject = {
            "fraction": progress.fraction,
            "picture": progress.picture,
            "pictures": progress.pictures,
            "batch": progress.batch,
            "step": progress.step,
            "steps": progress.steps,
            "stage": progress.stage,
            "elapsed_s": progress.elapsed_s,
            "eta_s": progress.eta_s,
            "preview_number": progress.preview_number,
        }
        self._tell("progress", job, data)

    def picture_kept(self, picture: JobPicture) -> None:
        """A picture is finished and kept."""
        self._tell("picture", picture.job, picture.as_json())

    def queue_switched(self, paused: bool) -> None:
        """The queue was paused or goes on."""
        self._tell("queue", "", {"paused": paused})
        self.wake()

    def progress_of(self, job: str) -> JobProgress | None:
        """Where a running job stands, as far as its worker has said."""
        with self._lock:
            return self._progress.get(job)

    def known(self) -> dict[str, str]:
        """Jobs that haven't ended, by their last state that was told."""
        with self._lock:
            return dict(self._known)

    def stir(self, job: str) -> None:
        """Somebody wants something of a running job; whoever works on it looks at once."""
        with self._lock:
            self._stirred.add(job)

    def was_stirred(self, job: str) -> bool:
        """Whether that is so; asked once, it is forgotten."""
        with self._lock:
            found = job in self._stirred
            self._stirred.discard(job)
            return found

    def wake(self) -> None:
        """Whoever waits for a change looks again."""
        with self.changed:
            self.changed.notify_all()

    def close(self) -> None:
        """Ends every subscription."""
        with self._lock:
            subscriptions = list(self._subscriptions)
            self._subscriptions.clear()
        for subscription in subscriptions:
            subscription.put(None)
        self.wake()

    def _tell(self, kind: EventKind, job: str, data: JsonObject) -> None:
        with self._lock:
            self._number += 1
            event = Event(self._number, kind, job, data)
            subscriptions = tuple(self._subscriptions)
        for subscription in subscriptions:
            try:
                subscription.put(event)
            except Exception:  # one listener's fault must not stop the work, nor the other listeners
                log.exception("a listener failed at event %d", event.number)
