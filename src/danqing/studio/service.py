"""The running studio: queue, library and one worker process a device. Doors that stay open (the web) talk to this; it never loads torch.

with Service(home) as service:
    job = service.paint(Order(...), client="me")
    service.queue.wait(job.id).result["pictures"]
"""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from danqing.base.job import Job
from danqing.base.order import Order
from danqing.base.protocols import Catalog
from danqing.studio.collecting import Collected, collect
from danqing.studio.database import open_database
from danqing.studio.dispatch import Dispatch
from danqing.studio.events import Events
from danqing.studio.filelock import FileLock
from danqing.studio.jobs import JsonObject
from danqing.studio.kinds import KINDS, Kinds
from danqing.studio.library import Library
from danqing.studio.passing import sweep
from danqing.studio.pipe import WorkerSpec
from danqing.studio.queue import LOOK_AGAIN, Queue
from danqing.studio.studio import Studio
from danqing.studio.supervisor import Supervisor, WorkerState
from danqing.studio.webhooks import Webhooks

log = logging.getLogger(__name__)


class Service:
    """`studio`: settings, catalog, images, gallery. `queue`: jobs. `library`: records of the pictures that are kept."""

    def __init__(
        self,
        home: Path | str | None = None,
        *,
        settings: Mapping[str, object] = MappingProxyType({}),
        environment: Mapping[str, str] = os.environ,
        kinds: Kinds = KINDS,
    ) -> None:
        """Opens the home's database and brings it up to date; starts nothing. Arguments as of Studio."""
        self.studio = Studio(home, settings=settings, environment=environment)
        self._said = dict(settings)
        self._environment = dict(environment)
        self._database = open_database(self.studio.home, self.studio.settings.database)
        self._kinds = kinds
        self._events = Events()
        self._dispatch = Dispatch(self._database, self._events)
        hosts = self.studio.settings.webhook_hosts
        self.queue = Queue(self._database, self._events, kinds, prepare={"paint": self._prepared}, hosts=hosts)
        self.library = Library(self._database, self.studio.gallery.root)
        self._webhooks = Webhooks(self._database, self._events, hosts)
        self._supervisors: list[Supervisor] = []
        self._stopping = threading.Event()
        self._housekeeping = threading.Thread(target=self._keep_house, name="housekeeping", daemon=True)
        self._lock = FileLock(self.studio.home.cache / "server.lock")

    def start(self) -> Self:
        """Takes up the jobs that were left and starts a worker process a device; returns at once.

        Raises JobError when another server works in this home already.
        """
        self._lock.take("another danqing server works in this home already; stop it, or name another home")
        self._dispatch.recover()
        self.library.settle_trash()
        for number, device in enumerate(self.studio.settings.workers or (self.studio.settings.device,)):
            spec = WorkerSpec(
                number=number,
                home=self.studio.home.root,
                settings={**self._said, "device": device},
                environment={name: value for name, value in self._environment.items() if name.startswith("DANQING_")},
                kinds={name: self._kinds.find(name) for name in self._kinds},
            )
            self._supervisors.append(Supervisor(spec, self._dispatch))
        for supervisor in self._supervisors:
            supervisor.start()
        self._webhooks.start()
        self._housekeeping.start()
        return self

    def stop(self, grace: float = 10.0) -> None:
        """Ends for good. Takes no new jobs; gives running ones `grace` seconds, then puts them back into the queue with what they have finished."""
        for supervisor in self._supervisors:
            supervisor.ask_to_stop(grace)
        for supervisor in self._supervisors:
            supervisor.join()
        self._supervisors.clear()
        self._stopping.set()
        if self._housekeeping.is_alive():
            self._housekeeping.join(LOOK_AGAIN)
        self._webhooks.stop()
        self._events.close()
        self._database.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def workers(self) -> tuple[WorkerState, ...]:
        """The worker processes: device, process id, whether they are ready, what they are at."""
        return tuple(supervisor.state for supervisor in self._supervisors)

    @property
    def catalog(self) -> Catalog:
        """The model files."""
        return self.studio.catalog

    def paint(
        self, order: Order, *, keep: bool = True, priority: int = 0, client: str = "", key: str = "", webhook: str = ""
    ) -> Job:
        """An order put into the queue; its seed is drawn now, so that a retry paints the same.

        Without `keep` the pictures go to a passing folder and not into the library. Raises RecipeError or ModelError for an order
        that can't be painted.
        """
        payload = paint_payload(order, keep=keep)
        return self.queue.submit("paint", payload, priority=priority, client=client, key=key, webhook=webhook)

    def _keep_house(self) -> None:
        """At first: pictures that came into the outputs folder meanwhile. Then every second: what other processes did to our jobs."""
        self._take_in_new()
        while not self._stopping.wait(LOOK_AGAIN):
            try:
                self.queue.notice()
                sweep(self.studio.home)
            except Exception:  # a database that is away for a moment must not end it
                log.exception("housekeeping failed; trying again")

    def _take_in_new(self) -> None:
        root = self.studio.gallery.root
        try:
            found = collect(self.library, root) if root.is_dir() else Collected()
        except Exception:  # what is wrong with one folder must not end the housekeeping
            log.exception("looking for new pictures failed")
        else:
            log.info("took %d new picture(s) into the library", len(found.pictures))

    def _prepared(self, payload: JsonObject) -> JsonObject:
        order = self.studio.settle(Order.model_validate(payload["order"]))
        return {**payload, "order": order.sparse()}


def paint_payload(order: Order, *, keep: bool = True) -> JsonObject:
    """What a job of kind "paint" holds: {"order": the order's JSON, "keep": whether its pictures go into the library}."""
    return {"order": order.sparse(), "keep": keep}
