"""Fresh processes, watched from outside: how long until the picture lies on the disk, CPU time and the highest memory."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from danqing.base.errors import DanqingError
from danqing.studio.bench.measure import Sample, busy_seconds

LOOK_EVERY = 0.01
"""Seconds between two looks at a process: the precision of these times."""


@dataclass(frozen=True)
class Watched:
    """A process that has ended. `sample` runs until the awaited file was there, or until its end; `peak` in bytes."""

    sample: Sample
    peak: int


class ChildError(DanqingError):
    """A process of the bench ended with an error."""


def watch(command: Sequence[str], awaited: Path | None = None, environment: Mapping[str, str] = os.environ) -> Watched:
    """Runs a command to its end. Raises ChildError with its last words when it fails, or when the awaited file never came."""
    busy, own, begun = busy_seconds(), time.process_time(), time.perf_counter()
    child = subprocess.Popen(
        command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    process = psutil.Process(child.pid)
    peak, cpu, ended = 0, 0.0, 0.0
    seconds = 0.0
    while not ended:
        ended = time.perf_counter() - begun if child.poll() is not None else 0.0
        if not seconds and awaited is not None and awaited.exists():
            seconds = time.perf_counter() - begun
        peak, cpu = max(peak, _peak(process)), max(cpu, _cpu(process))
        if not ended:
            time.sleep(LOOK_EVERY)
    words = child.communicate()[1].decode(errors="replace").strip()
    if child.returncode or (awaited is not None and not awaited.exists()):
        last = words.splitlines()[-1] if words else "it said nothing"
        raise ChildError(f"a process of the bench failed with exit code {child.returncode}: {last}")
    others = busy_seconds() - busy - cpu - (time.process_time() - own)
    # CPU times are of the whole life of the process, so the share is taken over the whole life too.
    part = (seconds or ended) / ended
    return Watched(Sample(seconds or ended, cpu * part, max(0.0, others) * part), peak)


def _peak(process: psutil.Process) -> int:
    """The highest resident memory so far where the system keeps it, else the present one; 0 once the process is gone."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
        found = next((line for line in status.splitlines() if line.startswith("VmHWM:")), "")
        return int(found.split()[1]) * 1024 if found else 0
    except OSError:
        pass
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0
    return int(getattr(memory, "peak_wset", memory.rss))


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system
