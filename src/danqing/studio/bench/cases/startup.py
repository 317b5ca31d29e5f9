"""Fresh processes: how soon danqing helps and paints, and how much memory a first picture takes."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from danqing.studio.bench.measure import Sample, in_turns
from danqing.studio.bench.processes import Watched, peers_environment, watch
from danqing.studio.bench.report import Row, Section, row_of_amounts, row_of_samples, row_of_times
from danqing.studio.bench.settings import BenchSettings
from danqing.studio.bench.task import CFG_SCALE, NEGATIVE, PROMPT, SAMPLER, SEED
from danqing.weights.assets import embedded_model

SIDE, STEPS = 128, 20


def measure(settings: BenchSettings, folder: Path) -> Section:
    """Runs each process once unmeasured, so that files are in the system's cache and bytecode is written."""
    runs = _Runs(folder)
    helped = [_help() for _ in range(settings.rounds + 1)][1:]
    runs.danqing()
    runs.diffusers()
    runs.watched.clear()
    pairs = in_turns(runs.danqing, runs.diffusers, settings.rounds)
    rows: tuple[Row, ...] = (
        row_of_samples("danqing --help", helped),
        row_of_times("process start to first picture on disk", pairs),
        row_of_amounts(
            "highest memory of that process", "GB", runs.highest("danqing") / 1e9, runs.highest("diffusers") / 1e9
        ),
    )
    return Section(f"Start-up (embedded model, {SIDE}x{SIDE}, {STEPS} steps, defaults)", rows)


class _Runs:
    """Starts processes that paint one picture each into a folder, and remembers what was seen of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.watched: list[tuple[str, Watched]] = []
        self.count = 0

    def danqing(self) -> Sample:
        words = ["-m", "danqing", "paint", PROMPT, "--negative-prompt", NEGATIVE, "--seed", str(SEED), "--quiet"]
        words += ["--width", str(SIDE), "--height", str(SIDE), "--steps", str(STEPS), "--sampler", SAMPLER]
        words += ["--cfg-scale", str(CFG_SCALE), "--home", str(self.folder / "home"), "--out"]
        return self._picture("danqing", words)

    def diffusers(self) -> Sample:
        module = "danqing.studio.bench.children.diffusers_picture"
        words = ["-m", module, str(embedded_model()), str(SIDE), str(STEPS)]
        return self._picture("diffusers", words, peers_environment())

    def highest(self, side: str) -> float:
        """Bytes: the median over this side's processes."""
        return median(seen.peak for name, seen in self.watched if name == side)

    def _picture(self, side: str, words: Sequence[str], environment: Mapping[str, str] = os.environ) -> Sample:
        self.count += 1
        picture = self.folder / f"{side}-{self.count}.png"
        seen = watch([sys.executable, *words, str(picture)], awaited=picture, environment=environment)
        self.watched.append((side, seen))
        return seen.sample


def _help() -> Sample:
    return watch([sys.executable, "-m", "danqing", "--help"]).sample
