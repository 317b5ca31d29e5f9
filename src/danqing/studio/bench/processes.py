"""Fresh processes, watched from outside: how long until the picture lies on the disk, CPU time and the highest memory; and ones that stay."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import IO

import psutil

from danqing.base.errors import DanqingError
from danqing.studio.bench.measure import Sample, busy_seconds

LOOK_EVERY = 0.01
"""Seconds between two looks at a process: the precision of these times."""

DANQINGS_OWN = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "THP_MEM_ALLOC_ENABLE")
"""Variables by which danqing's doors may make torch faster; the peer is measured as it is without danqing."""


class ChildError(DanqingError):
    """A process of the bench ended with an error."""


@dataclass(frozen=True)
class Watched:
    """A process that has ended. `sample` runs until the awaited file was there, or until its end; `peak` in bytes."""

    sample: Sample
    peak: int


def peers_environment() -> Mapping[str, str]:
    """The environment of this process without what danqing has set for its own speed."""
    return MappingProxyType({name: value for name, value in os.environ.items() if name not in DANQINGS_OWN})


def watch(command: Sequence[str], awaited: Path | None = None, environment: Mapping[str, str] = os.environ) -> Watched:
    """Runs a command to its end. Raises ChildError with its last words when it fails, or when the awaited file never came."""
    busy, own, begun = busy_seconds(), time.process_time(), time.perf_counter()
    peak, cpu, seconds, ended = 0, 0.0, 0.0, 0.0
    with tempfile.TemporaryFile() as said:
        null = subprocess.DEVNULL
        child = subprocess.Popen(command, env=dict(environment), stdin=null, stdout=null, stderr=said)
        process = psutil.Process(child.pid)
        while not ended:
            ended = time.perf_counter() - begun if child.poll() is not None else 0.0
            if not seconds and awaited is not None and awaited.exists():
                seconds = time.perf_counter() - begun
            peak, cpu = max(peak, _peak(process)), max(cpu, _cpu(process))
            if not ended:
                time.sleep(LOOK_EVERY)
        if child.returncode or (awaited is not None and not awaited.exists()):
            raise ChildError(f"a process of the bench failed with exit code {child.returncode}: {_last_words(said)}")
    others = busy_seconds() - busy - cpu - (time.process_time() - own)
    # CPU times are of the whole life of the process, so the share is taken over the whole life too.
    part = (seconds or ended) / ended
    return Watched(Sample(seconds or ended, cpu * part, max(0.0, others) * part), peak)


class Worker:
    """A process that stays: it is told something in one line, and answers with one line of JSON."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] = os.environ) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        pipe = subprocess.PIPE
        self._child = subprocess.Popen(
            command, env=dict(environment), stdin=pipe, stdout=pipe, stderr=self._said, text=True, encoding="utf-8"
        )

    def ask(self, **words: object) -> Mapping[str, float]:
        """Its answer. Raises ChildError when it has died."""
        if self._child.stdin is None or self._child.stdout is None:
            raise AssertionError("a worker is spoken with through pipes")
        try:
            self._child.stdin.write(json.dumps(words) + "\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        except OSError:
            answer = ""
        if not answer:
            code = self._child.wait()
            raise ChildError(f"a process of the bench failed with exit code {code}: {_last_words(self._said)}")
        return json.loads(answer)

    def sample(self, **words: object) -> Sample:
        """Its answer, where that is a sample."""
        return Sample(**self.ask(**words))

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.terminate()
        self._child.communicate()
        self._said.close()


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    words = said.read().decode(errors="replace").strip()
    return words.splitlines()[-1] if words else "it said nothing"


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
