"""A job is an order (or another piece of work) in the queue: a value; the queue keeps one row for each."""

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from danqing.base.errors import DanqingError, JobError
from danqing.base.value import Value

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
NEXT_STATES: dict[JobState, tuple[JobState, ...]] = {
    "queued": ("running", "cancelled"),
    "running": ("done", "failed", "cancelled", "queued"),  # back to queued when its worker died
    "done": (),
    "failed": ("queued",),
    "cancelled": ("queued",),
}


class Job(Value):
    """One piece of work. `payload` is the JSON of an Order or of what the kind names."""

    error: ClassVar[type[DanqingError]] = JobError
    id: str
    kind: Literal["paint", "train", "caption", "fetch"] = "paint"
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    state: JobState = "queued"
    priority: int = 0
    progress: float = 0.0
    message: str = ""

    def moved_to(self, state: JobState, message: str = "") -> "Job":
        """The job in another state. Raises JobError when that state can't follow."""
        if state not in NEXT_STATES[self.state]:
            raise JobError(f"job {self.id} is {self.state}; it can't become {state}")
        return self.but(state=state, message=message)
