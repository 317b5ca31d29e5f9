"""A1111's tasks: one a request, under the id that the client gave or we made. What is running is told by the queue; this only knows whose it is."""

import secrets
import string
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_REMEMBERED = 1000
LETTERS = string.ascii_uppercase + string.digits


@dataclass
class Task:
    """A request that waits for its pictures, and the jobs it became."""

    id: str
    kind: str
    jobs: list[str] = field(default_factory=list[str])
    began: float = field(default_factory=time.time)
    over: bool = False


class Tasks:
    """The requests of late. Used within the event loop only."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, Task] = OrderedDict()

    def begin(self, kind: str, wanted: str | None) -> Task:
        """A new task; without a wanted id it gets one as A1111 makes them."""
        task = Task(wanted or f"task({kind}-{''.join(secrets.choice(LETTERS) for _ in range(7))})", kind)
        self._tasks[task.id] = task
        while len(self._tasks) > MOST_REMEMBERED:
            self._tasks.popitem(last=False)
        return task

    def find(self, name: str) -> Task | None:
        """The task of that id."""
        return self._tasks.get(name)

    def of_job(self, job: str) -> Task | None:
        """The task that a job belongs to; None for jobs of other doors."""
        return next((task for task in reversed(self._tasks.values()) if job in task.jobs), None)

    def waiting(self) -> Sequence[Task]:
        """Tasks that aren't over, oldest first."""
        return [task for task in self._tasks.values() if not task.over]
