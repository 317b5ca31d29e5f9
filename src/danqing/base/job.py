"""A job is an order (or another piece of work) in the queue: a value; the queue keeps one row for each."""

from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from danqing.base.errors import DanqingError, JobError
from danqing.base.value import Value

JobState = Literal["queued", "running", "done", "failed", "cancelled"]
Lane = Literal["paint", "quick"]
NEXT_STATES: dict[JobState, tuple[JobState, ...]] = {
    "queued": ("running", "cancelled"),
    "running": ("done", "failed", "cancelled", "queued"),  # back to queued when its worker died
    "done": (),
    "failed": ("queued",),
    "cancelled": ("queued",),
}
ENDS: tuple[JobState, ...] = ("done", "failed", "cancelled")


class Job(Value):
    """One piece of work. `payload` is JSON whose meaning the kind decides; times are seconds since 1970, 0 for not yet."""

    error: ClassVar[type[DanqingError]] = JobError
    id: str
    kind: str = "paint"
    payload: dict[str, JsonValue] = Field(default_factory=dict)
    state: JobState = "queued"
    lane: Lane = "paint"
    """Short work goes through the quick lane and never waits behind pictures."""
    priority: int = 0
    """Higher is sooner."""
    client: str = ""
    key: str = ""
    """Idempotency key: a client that sends the same one twice has one job."""
    webhook: str = ""
    attempts: int = 0
    """How often a worker began with it."""
    created: float = 0.0
    started: float = 0.0
    ended: float = 0.0
    progress: float = 0.0
    message: str = ""
    """What there is to say about its state; of a failed one the error's sentence."""
    failure: str = ""
    """The name of the error that a failed job ended with: "ModelError", "HardwareError" ..."""
    result: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.state in ENDS

    def moved_to(self, state: JobState, message: str = "") -> "Job":
        """The job in another state. Raises JobError when that state can't follow."""
        if state not in NEXT_STATES[self.state]:
            raise JobError(f"job {self.id} is {self.state}; it can't become {state}")
        return self.but(state=state, message=message)
