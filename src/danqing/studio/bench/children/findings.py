"""Moments of a run, and how they get to the process that asked for them."""

import json
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from danqing.studio.bench.measure import Sample, busy_seconds


@dataclass(frozen=True)
class Mark:
    """A moment: wall clock, CPU seconds of this process, and of the whole machine."""

    wall: float
    own: float
    busy: float


def mark() -> Mark:
    """Now."""
    return Mark(time.perf_counter(), time.process_time(), busy_seconds())


@dataclass(frozen=True)
class Findings:
    """A run at SD1's size: until the first step was done (with loading), each further step, and decode to pixels."""

    first: Sample
    steps: tuple[Sample, ...]
    decode: Sample


def findings_of(marks: list[Mark]) -> Findings:
    """From the begin, every step's end, and the end of all."""
    first, *steps, decode = [between(a, b) for a, b in pairwise(marks)]
    return Findings(first, tuple(steps), decode)


def between(a: Mark, b: Mark) -> Sample:
    """What happened between two moments."""
    cpu = b.own - a.own
    return Sample(b.wall - a.wall, cpu, max(0.0, b.busy - a.busy - cpu))


def leave(findings: Findings, path: Path) -> None:
    """Writes them down for `read`."""
    path.write_text(json.dumps(asdict(findings)), "utf-8")


def read(path: Path) -> Findings:
    """What a process left."""
    data = json.loads(path.read_text("utf-8"))
    return Findings(Sample(**data["first"]), tuple(Sample(**one) for one in data["steps"]), Sample(**data["decode"]))
