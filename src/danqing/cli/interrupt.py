"""Ctrl-C: the first asks painting to stop cleanly, so that what is finished is kept; the second stops at once."""

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from danqing.base.progress import Progress, Verdict, Watch


@dataclass
class Stop:
    """Whether the user asked to stop, and whether painting has begun to listen."""

    asked: bool = False
    listening: bool = False

    def watching(self, watch: Watch) -> Watch:
        """The watch, and the verdict ABANDON once a stop was asked for."""

        def watched(progress: Progress) -> Verdict:
            self.listening = True
            verdict = watch(progress)
            return Verdict.ABANDON if self.asked else verdict

        return watched


@contextmanager
def stopped_by_ctrl_c() -> Generator[Stop]:
    """While this lasts Ctrl-C sets the stop; before painting listens, and the second time, it interrupts as usual."""
    stop = Stop()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.asked or not stop.listening:
            raise KeyboardInterrupt
        stop.asked = True
        print("\nstopping after this step; Ctrl-C once more stops at once", file=sys.stderr)

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
