"""Keeps one worker process alive and gives it jobs. The server's side of the pipes; it loads nothing heavy."""

import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import cast, get_args

from danqing.base.job import Job, Lane
from danqing.studio.dispatch import Dispatch
from danqing.studio.pace import Pace
from danqing.studio.pipe import Begin, FromWorker, Kept, Over, Ready, Said, Want, WorkerSpec

log = logging.getLogger(__name__)

LANES: tuple[Lane, ...] = get_args(Lane)
LISTEN = 0.1
"""Seconds that a lane listens to its worker before it looks whether anything is wanted of the job."""
LOOK_AGAIN = 1.0
"""Seconds after which it looks at the database, where another process may have said something."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 60.0
"""Seconds before a worker that died is started again; doubled while it dies before it is ready."""
LAST_WORDS = 5.0
"""Seconds that a worker has to end once its pipes are closed."""


@dataclass(frozen=True)
class WorkerState:
    """What is known of a worker: `jobs` are the ids that it is at, `starts` how often its process was started."""

    number: int
    device: str
    process: int = 0
    ready: bool = False
    jobs: tuple[str, ...] = ()
    starts: int = 0
    trouble: str = ""


@dataclass
class _Run:
    """One life of the process, with the server's ends of its pipes; `ready` once every lane has said so."""

    process: BaseProcess
    pipes: dict[Lane, Connection]
    ready: set[Lane] = field(default_factory=set[Lane])


class Supervisor:
    """One worker process; a thread a lane takes jobs, hands them over and listens until they are over."""

    def __init__(self, spec: WorkerSpec, dispatch: Dispatch) -> None:
        self._spec = spec
        self._dispatch = dispatch
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._starts = 0
        self._pause = FIRST_PAUSE
        self._trouble = ""
        self._jobs: dict[Lane, str] = {}
        self._stop_by: float | None = None
        self._threads = [
            threading.Thread(target=self._work_lane, args=(lane,), name=f"worker {spec.number} {lane}", daemon=True)
            for lane in LANES
        ]

    @property
    def state(self) -> WorkerState:
        """How it is now."""
        run = self._run
        return WorkerState(
            number=self._spec.number,
            device=str(self._spec.settings.get("device", "auto")),
            process=run.process.pid or 0 if run else 0,
            ready=run is not None and len(run.ready) == len(LANES) and run.process.is_alive(),
            jobs=tuple(self._jobs.values()),
            starts=self._starts,
            trouble=self._trouble,
        )

    def start(self) -> None:
        """Begins to work; the process comes up in the background."""
        for thread in self._threads:
            thread.start()

    def ask_to_stop(self, grace: float) -> None:
        """Takes no new job; the one at hand has so many seconds."""
        self._stop_by = time.monotonic() + grace
        self._dispatch.wake()

    def join(self) -> None:
        """Until the lanes have ended; then the process is let go."""
        for thread in self._threads:
            thread.join()
        if self._run is not None:
            self._end(self._run)
            self._run = None

    def _work_lane(self, lane: Lane) -> None:
        while self._stop_by is None:
            try:
                self._serve(lane)
            except Exception:  # the database may be away for a while; the lane must outlive that
                log.exception("lane %s of worker %d had to begin anew", lane, self._spec.number)
                self._dispatch.wait(LOOK_AGAIN)

    def _serve(self, lane: Lane) -> None:
        """Waits for the worker, takes the next job, stays with it."""
        run = self._alive()
        if lane not in run.ready:
            self._hear_ready(lane, run)
            return
        job = self._dispatch.claim(lane)
        if job is None:
            self._dispatch.wait(LOOK_AGAIN)
            return
        self._jobs[lane] = job.id
        try:
            self._stay_with(job, run, lane)
        except (EOFError, OSError):
            self._dispatch.crashed(job.id, self._epitaph(run))
        finally:
            del self._jobs[lane]

    def _alive(self) -> _Run:
        """The process, started where there is none; after a death not at once."""
        with self._lock:
            run = self._run
            if run is not None and run.process.is_alive():
                return run
            if run is not None:
                self._trouble = f"its process ended ({self._epitaph(run)})"
                log.warning("worker %d: %s; starting another", self._spec.number, self._trouble)
                _close(run)
                self._rest(self._pause)
                self._pause = FIRST_PAUSE if len(run.ready) == len(LANES) else min(2 * self._pause, LONGEST_PAUSE)
            self._run = _started(self._spec)
            self._starts += 1
            return self._run

    def _hear_ready(self, lane: Lane, run: _Run) -> None:
        try:
            if run.pipes[lane].poll(LISTEN) and isinstance(run.pipes[lane].recv(), Ready):
                run.ready.add(lane)
        except (EOFError, OSError):
            run.process.join(LAST_WORDS)

    def _stay_with(self, job: Job, run: _Run, lane: Lane) -> None:
        """Until the worker says that the job is over. Raises EOFError or OSError when it dies."""
        pipe = run.pipes[lane]
        pipe.send(Begin(job.id, job.kind, job.payload))
        pace = Pace()
        looked = time.monotonic()
        asked_to_leave = False
        while True:
            if pipe.poll(LISTEN):
                message: FromWorker = pipe.recv()
                if isinstance(message, Over):
                    self._settle(job, message)
                    return
                if isinstance(message, Said):
                    self._dispatch.progressed(job.id, message.progress, pace)
                elif isinstance(message, Kept):
                    self._dispatch.kept(message.picture)
            now = time.monotonic()
            if self._dispatch.stirred(job.id) or now - looked >= LOOK_AGAIN:
                looked = now
                if wish := self._dispatch.wish(job.id):
                    pipe.send(Want(wish))
            if self._stop_by is not None and now >= self._stop_by and not asked_to_leave:
                asked_to_leave = True
                pipe.send(Want("leave"))
            if self._stop_by is not None and now >= self._stop_by + LAST_WORDS:
                raise EOFError  # it doesn't listen; it is ended from outside, and the job goes on another time

    def _settle(self, job: Job, over: Over) -> None:
        if over.how == "left":
            if self._dispatch.wish(job.id) == "cancel":
                self._dispatch.end(job.id, "cancelled", message="cancelled", result=over.result)
            else:
                self._dispatch.give_back(job.id, "the server was stopped; it goes on from here")
        else:
            self._dispatch.end(job.id, over.how, message=over.message, failure=over.failure, result=over.result)

    def _epitaph(self, run: _Run) -> str:
        run.process.join(LAST_WORDS)
        code = run.process.exitcode
        if code is None:
            return "it did not answer"
        if code < 0:
            return f"ended by {signal.Signals(-code).name}"
        return f"left with {code}"

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._stop_by is None and (left := until - time.monotonic()) > 0:
            self._dispatch.wait(left)

    @staticmethod
    def _end(run: _Run) -> None:
        _close(run)
        if len(run.ready) < len(LANES):
            run.process.terminate()  # still coming up: it would look at its pipes only after that
        endings: tuple[Callable[[], None], ...] = (lambda: None, run.process.terminate, run.process.kill)
        for ending in endings:
            if run.process.is_alive():
                ending()
                run.process.join(LAST_WORDS)


def _started(spec: WorkerSpec) -> _Run:
    """A fresh process: spawned, not forked, for the server has threads and the worker's libraries have their own."""
    from danqing.studio.worker import work

    spawn = multiprocessing.get_context("spawn")
    ours: dict[Lane, Connection] = {}
    theirs: dict[Lane, Connection] = {}
    for lane in LANES:
        # on Windows it is a PipeConnection, which has the same methods
        ours[lane], theirs[lane] = cast("tuple[Connection, Connection]", spawn.Pipe())
    process = spawn.Process(target=work, args=(spec, theirs), name=f"danqing worker {spec.number}", daemon=True)
    process.start()
    for pipe in theirs.values():
        pipe.close()  # else a dead worker's pipe would stay open at our own hand
    return _Run(process, ours)


def _close(run: _Run) -> None:
    for pipe in run.pipes.values():
        pipe.close()
