"""The worker process: it takes jobs from the server's pipes, works them off and tells how far it is. Only here is anything heavy loaded."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Protocol

from danqing.base.errors import DanqingError, JobError
from danqing.base.job import Lane
from danqing.base.picture import Pixels
from danqing.base.progress import Progress, Verdict
from danqing.pixels.files import encode_picture
from danqing.studio.database import Database, connect_database
from danqing.studio.filelock import FileLock
from danqing.studio.jobs import JobPicture, JobProgress, JsonObject
from danqing.studio.kinds import Kind
from danqing.studio.library import Library
from danqing.studio.pipe import Begin, Kept, Over, Ready, Said, Want, WorkerSpec
from danqing.studio.studio import Studio

log = logging.getLogger(__name__)

PREDECESSOR = 120.0
"""Seconds that a worker waits for one whose server died; that one leaves at its next step."""
MOST_OFTEN = 0.05
"""Seconds between two reports of progress."""
SHARE_FOR_PREVIEWS = 0.05
"""Of the time of painting; a preview that took long is followed by a longer pause."""
PREVIEW_QUALITY = 80
FAULT = 70
"""What the process leaves with after a fault of its own."""


@dataclass
class Bench:
    """What a handler works with: the studio, the library, the database, its job's id, and ways to tell of it."""

    studio: Studio
    library: Library
    database: Database
    job: str
    pipe: Connection
    preview_every: float
    verdict: Verdict = Verdict.CONTINUE
    """The last that was said; ABANDON when the job is to be left."""
    skipped: set[int] = field(default_factory=set[int])
    _said_at: float = 0.0
    _picture: int = -1
    _preview_at: float = 0.0
    _previews: int = 0

    def watch(self, progress: Progress) -> Verdict:
        """Tells the server, now and then, and hears what is wanted. A server that is gone wants nothing more."""
        verdict = self._heard()
        if verdict is Verdict.SKIP_PICTURE:
            self.skipped.update(range(progress.picture, progress.picture + progress.batch))
        now = time.monotonic()
        if now - self._said_at >= MOST_OFTEN or progress.picture != self._picture:
            self._said_at, self._picture = now, progress.picture
            try:
                self.pipe.send(Said(self._told(progress, now)))
            except OSError:
                verdict = Verdict.ABANDON
        if verdict is not Verdict.CONTINUE:
            self.verdict = verdict
        return verdict

    def tell_kept(self, picture: JobPicture) -> None:
        """Tells of a finished picture; one that nobody hears of is in the database all the same."""
        try:
            self.pipe.send(Kept(picture))
        except OSError:
            self.verdict = Verdict.ABANDON

    def _heard(self) -> Verdict:
        verdict = Verdict.CONTINUE
        try:
            while self.pipe.poll():
                message = self.pipe.recv()
                if isinstance(message, Want):
                    verdict = VERDICTS[message.wish]
        except (EOFError, OSError):
            return Verdict.ABANDON
        return verdict

    def _told(self, progress: Progress, now: float) -> JobProgress:
        preview = b""
        if progress.preview is not None and self.preview_every and now >= self._preview_at:
            preview = _jpeg(progress.preview())
            took = time.monotonic() - now
            self._preview_at = now + max(self.preview_every, took / SHARE_FOR_PREVIEWS)
            self._previews += 1
        return JobProgress(
            fraction=progress.fraction,
            picture=progress.picture,
            pictures=progress.pictures,
            batch=progress.batch,
            step=progress.step,
            steps=progress.steps,
            stage=progress.stage,
            preview=preview,
            preview_number=self._previews,
        )


class Handler(Protocol):
    """Works off one kind of job. Returns what stands in the job's result; raises DanqingError when it can't be done."""

    def __call__(self, bench: Bench, payload: JsonObject) -> JsonObject: ...


VERDICTS: Mapping[str, Verdict] = {
    "cancel": Verdict.ABANDON,
    "leave": Verdict.ABANDON,
    "finish": Verdict.FINISH_NOW,
    "skip": Verdict.SKIP_PICTURE,
}


def work(spec: WorkerSpec, pipes: Mapping[Lane, Connection]) -> None:
    """The life of a worker process: a thread a lane, each until its pipe is closed. Ctrl-C is the server's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    place = FileLock(spec.home / "cache" / f"worker-{spec.number}.lock")
    # The worker of a server that was killed may still be at a step: what it keeps must be seen before we begin.
    place.take("a worker of an earlier server doesn't end; end that process", patience=PREDECESSOR)
    studio = Studio(spec.home, settings=spec.settings, environment=spec.environment)
    database = connect_database(studio.home, studio.settings.database)
    library = Library(database, studio.gallery.root)

    def bench_for(job: str, pipe: Connection) -> Bench:
        return Bench(studio, library, database, job, pipe, studio.settings.preview_every)

    lanes = [
        threading.Thread(target=_work_lane, args=(lane, pipe, bench_for, spec.kinds), name=f"lane {lane}")
        for lane, pipe in pipes.items()
    ]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    database.close()
    place.release()


def _work_lane(
    lane: Lane, pipe: Connection, bench_for: Callable[[str, Connection], Bench], kinds: Mapping[str, Kind]
) -> None:
    try:
        for kind in kinds.values():
            if kind.lane == lane and kind.loads:
                import_module(kind.loads)
        pipe.send(Ready(os.getpid()))
        while True:
            message = pipe.recv()
            if isinstance(message, Begin):  # a wish that came too late for its job is passed over
                pipe.send(_worked(bench_for(message.job, pipe), message, kinds))
    except (EOFError, OSError):
        return
    except Exception:  # half a worker helps nobody: the server starts a whole one
        log.exception("the %s lane of a worker failed", lane)
        os._exit(FAULT)


def _worked(bench: Bench, begin: Begin, kinds: Mapping[str, Kind]) -> Over:
    try:
        result = _handler(kinds, begin.kind)(bench, begin.payload)
    except DanqingError as problem:
        return Over("failed", str(problem), type(problem).__name__)
    except MemoryError:
        return Over(
            "failed", "the memory of this machine doesn't suffice; paint smaller or fewer at once", "HardwareError"
        )
    except Exception as fault:  # the job fails, the worker goes on with the next one
        log.exception("job %s (%s) failed by a fault of danqing's own", begin.job, begin.kind)
        return Over(
            "failed", f"a fault of danqing's own: {type(fault).__name__}: {str(fault)[:500]}", type(fault).__name__
        )
    if bench.verdict is Verdict.ABANDON:
        return Over("left", result=result)
    return Over("done", result={**result, "interrupted": bench.verdict is Verdict.FINISH_NOW})


def _handler(kinds: Mapping[str, Kind], kind: str) -> Handler:
    if kind not in kinds:
        raise JobError(f"no worker knows jobs of kind {kind!r}; the extension that had them is gone")
    module, _, name = kinds[kind].handler.partition(":")
    return getattr(import_module(module), name)


def _jpeg(pixels: Pixels) -> bytes:
    data, _ = encode_picture(pixels, "JPEG", quality=PREVIEW_QUALITY)
    return data
