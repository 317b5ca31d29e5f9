"""`python -m danqing.training.mini dataset|PART --work FOLDER`: the data set and the training from a shell, until the
command line takes them over."""

import argparse
import logging
import signal
import time
from pathlib import Path
from types import FrameType

import torch

from danqing.base.progress import Progress, Verdict
from danqing.training.loop import until
from danqing.training.mini.dataset import build_dataset
from danqing.training.mini.plans import PARTS, read_plan
from danqing.training.mini.train import train_part


class _Bell:
    """Rings when the process is asked to end; the loop then saves and stops."""

    def __init__(self) -> None:
        self._rung = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        self._rung = True

    def watch(self, progress: Progress) -> Verdict:
        """FINISH_NOW once the bell has rung."""
        return Verdict.FINISH_NOW if self._rung else Verdict.CONTINUE


def main() -> None:
    """Reads the words of the shell and does one thing."""
    parser = argparse.ArgumentParser(prog="python -m danqing.training.mini", description=__doc__)
    parser.add_argument("what", choices=("dataset", *PARTS))
    parser.add_argument("--work", type=Path, required=True, help="folder for data set, states and records")
    parser.add_argument("--plan", default="mini")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so many minutes (0: at the plan's end)")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(asked.threads)
    if asked.what == "dataset":
        build_dataset(asked.work)
        return
    watch = _Bell().watch
    if asked.minutes:
        watch = until(time.time() + asked.minutes * 60, watch)
    train_part(read_plan(asked.plan), asked.what, asked.work, watch)


if __name__ == "__main__":
    main()
