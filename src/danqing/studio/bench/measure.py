"""Measuring fairly on a machine that others use too: work in turns, and beside every time how much of the machine it had."""

import gc
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import psutil

Work = Callable[[], object]

IDLE = ("idle", "iowait", "guest", "guest_nice")
"""Fields of the system's CPU times that are no work, or that are counted in another field already."""


@dataclass(frozen=True)
class Sample:
    """One piece of work: wall seconds, its own CPU seconds, and those that everything else on the machine used meanwhile."""

    seconds: float
    cpu: float
    others: float = 0.0


@dataclass(frozen=True)
class Load:
    """How much of the machine (0 to 1) a series of samples had, and how much others took from it."""

    share: float
    others: float


@dataclass(frozen=True)
class Pairs:
    """Samples taken in turns: ours, theirs, ours, theirs ..."""

    ours: tuple[Sample, ...]
    theirs: tuple[Sample, ...]

    @property
    def speedup(self) -> float:
        """Median over the pairs of theirs / ours: what drifts meanwhile, drifts for both."""
        return median(b.seconds / a.seconds for a, b in zip(self.ours, self.theirs, strict=True))

    def without_first(self) -> "Pairs":
        """The same without the first pair, in which memory and kernels were got ready."""
        return Pairs(self.ours[1:], self.theirs[1:])


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(psutil.Process().cpu_affinity() or ())
    except AttributeError:  # macOS has no affinity
        return os.cpu_count() or 1


def busy_seconds() -> float:
    """CPU seconds that the whole machine has worked since it was started, stolen ones included."""
    times = psutil.cpu_times()._asdict()
    return sum(seconds for name, seconds in times.items() if name not in IDLE)


def timed(work: Work) -> Sample:
    """One run of some work in this process."""
    gc.collect()
    busy, cpu, wall = busy_seconds(), time.process_time(), time.perf_counter()
    work()
    seconds, own = time.perf_counter() - wall, time.process_time() - cpu
    return Sample(seconds, own, max(0.0, busy_seconds() - busy - own))


def in_turns(ours: Callable[[], Sample], theirs: Callable[[], Sample], rounds: int) -> Pairs:
    """A B A B ...: `rounds` samples of each."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Pairs(tuple(a for a, _ in pairs), tuple(b for _, b in pairs))


def middle(samples: Sequence[Sample]) -> float:
    """The median of the wall seconds."""
    return median(sample.seconds for sample in samples)


def load_of(samples: Sequence[Sample]) -> Load:
    """Over all samples together."""
    whole = sum(sample.seconds for sample in samples) * cores()
    share = sum(sample.cpu for sample in samples) / whole
    return Load(share, sum(sample.others for sample in samples) / whole)
