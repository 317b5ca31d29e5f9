"""What a server and its worker process say to each other: small values over one pipe a lane, never tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from danqing.studio.jobs import JobPicture, JobProgress, JsonObject
from danqing.studio.kinds import Kind


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker process is told at its start. `environment`: danqing's own variables."""

    number: int
    home: Path
    settings: Mapping[str, object]
    environment: Mapping[str, str]
    kinds: Mapping[str, Kind] = field(default_factory=dict[str, Kind])


@dataclass(frozen=True)
class Begin:
    """Server to worker: this job is yours."""

    job: str
    kind: str
    payload: JsonObject


@dataclass(frozen=True)
class Want:
    """Server to worker, about the job at hand. "leave" stops like "cancel"; the job will be gone on with another time."""

    wish: Literal["cancel", "finish", "skip", "leave"]


@dataclass(frozen=True)
class Ready:
    """Worker to server: the first thing it says, once it has its place to itself and its libraries loaded."""

    process: int


@dataclass(frozen=True)
class Said:
    """Worker to server: how far the job is."""

    progress: JobProgress


@dataclass(frozen=True)
class Kept:
    """Worker to server: a picture is in its file and has its record."""

    picture: JobPicture


@dataclass(frozen=True)
class Over:
    """Worker to server: the job has ended. "left" is what "cancel" and "leave" lead to."""

    how: Literal["done", "failed", "left"]
    message: str = ""
    failure: str = ""
    result: JsonObject = field(default_factory=dict[str, object])  # pyright: ignore[reportAssignmentType]


FromWorker = Ready | Said | Kept | Over
