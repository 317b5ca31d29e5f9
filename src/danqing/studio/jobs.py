"""What is told of jobs beside the Job itself: how far one is, which pictures it has made, what happened. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import JsonValue

JsonObject = dict[str, JsonValue]
EventKind = Literal["job", "progress", "picture", "queue"]
Wish = Literal["", "cancel", "finish", "skip"]
"""What somebody wants of a running job."""


@dataclass(frozen=True)
class JobProgress:
    """How far a running job is. `picture` counts from 0; `batch` pictures are painted together.

    `preview` is a small JPEG of the state, b"" where there is none; it is a new one when `preview_number` has grown.
    """

    fraction: float = 0.0
    picture: int = 0
    pictures: int = 0
    batch: int = 1
    step: int = 0
    steps: int = 0
    stage: str = ""
    elapsed_s: float = 0.0
    eta_s: float | None = None
    """Seconds that are left, by the speed so far; None before anything was measured."""
    preview: bytes = b""
    preview_number: int = 0


@dataclass(frozen=True)
class JobPicture:
    """A picture that a job has made: the place in its order, where it lies, its record in the library (0 for one not kept there)."""

    job: str
    number: int
    path: Path
    record: int = 0
    infotext: str = ""

    def as_json(self) -> JsonObject:
        """As it stands in a job's result."""
        return {"number": self.number, "path": str(self.path), "record": self.record, "infotext": self.infotext}


@dataclass(frozen=True)
class Event:
    """Something happened. `number` grows by one with each event since the start of the service.

    job: {"state", "message", "kind", "client"} · progress: the fields of JobProgress without the JPEG ·
    picture: JobPicture as JSON · queue: {"paused"}.
    """

    number: int
    kind: EventKind
    job: str = ""
    data: Mapping[str, JsonValue] = field(default_factory=lambda: MappingProxyType({}))
