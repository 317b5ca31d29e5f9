"""Runs the bench: which cases, in which order, in which folder; and the words of `danqing bench`."""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from danqing.base.errors import DanqingError
from danqing.base.table import did_you_mean
from danqing.studio.bench import model
from danqing.studio.bench.measure import cores
from danqing.studio.bench.report import Report, Section, report_json, report_text
from danqing.studio.bench.settings import BenchSettings
from danqing.studio.bench.words import Say, Words, aloud, beside
from danqing.studio.checkup import processor_flags
from danqing.studio.writable import make_folder

CASES: Mapping[str, str] = MappingProxyType(
    {name: f"danqing.studio.bench.cases.{name}" for name in ("startup", "embedded", "sd1")}
)
"""Fresh processes first: while this one is still small, none of its memory is theirs."""
QUICK = ("startup", "embedded")
QUICK_ROUNDS = 3


def main(words: Sequence[str] = (), say: Say = aloud, whisper: Say = beside) -> int:
    """`danqing bench`: measures and says what was found; what it is at goes to `whisper`. Returns the exit code."""
    if list(words[:1]) == ["model"]:
        return model.main(words[1:], say, whisper)
    parser = _parser()
    asked = parser.parse_args(list(words))
    if asked.help:
        say(parser.format_help())
        return 0
    report = run_bench(_settings(asked), whisper)
    say((report_json(report) if asked.json else report_text(report)) + "\n")
    return 0


def run_bench(settings: BenchSettings = BenchSettings(), whisper: Say = beside) -> Report:  # noqa: B008 - a frozen value
    """Measures. Raises DanqingError when a process fails or the disk is full; slowness is no error."""
    begun = time.perf_counter()
    if settings.cache is not None:
        make_folder(settings.cache)
    names = [name for name in CASES if not settings.only or name in settings.only]
    with tempfile.TemporaryDirectory(prefix="danqing-bench-") as folder:
        sections: list[Section] = []
        for number, name in enumerate(names, start=1):
            whisper(f"bench {number}/{len(names)}: {name} ...\n")
            measure: Callable[[BenchSettings, Path], Section] = import_module(CASES[name]).measure
            sections.append(measure(settings, Path(folder)))
        return Report(machine(), tuple(sections), time.perf_counter() - begun)


def machine() -> Mapping[str, str]:
    """What this machine is, as far as it matters for speed."""
    import torch

    from danqing.weights.place import SMALL_MODEL, best_dtype

    abilities = ", ".join(processor_flags()) or "not known"
    small, large = (str(best_dtype("cpu", size)).removeprefix("torch.") for size in (SMALL_MODEL - 1, SMALL_MODEL))
    libraries = ("danqing", "torch", "diffusers", "transformers")
    return {
        "machine": f"{platform.machine()}, {cores()} cores, {torch.get_num_threads()} threads; {abilities}",
        "danqing's default": f"{small} for the embedded model, {large} at SD1's size; diffusers': float32",
        "versions": ", ".join(f"{name} {version(name)}" for name in libraries),
    }


def _parser() -> argparse.ArgumentParser:
    parser = Words(
        "danqing bench",
        description="Measures danqing against diffusers on this machine, in turns. "
        "`danqing bench model` measures how good the embedded model's weights are.",
        add_help=False,
    )
    option = parser.add_argument
    option("-h", "--help", action="store_true", help="show this and leave")
    option("--quick", action="store_true", help="fewer rounds, and nothing of SD1's size")
    option(
        "--only", action="append", metavar="CASE", default=[], help=f"{', '.join(CASES)}; may be given several times"
    )
    option("--rounds", type=int, metavar="N", help=f"samples of each side ({BenchSettings.rounds})")
    option(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="keep the random model of SD1's size (2.1 GB) there for the next time",
    )
    option("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _settings(asked: argparse.Namespace) -> BenchSettings:
    """Raises DanqingError for words that make no sense."""
    if asked.rounds is not None and asked.rounds < 1:
        raise DanqingError(f"--rounds {asked.rounds} measures nothing; at least 1 is needed")
    for name in asked.only:
        if name not in CASES:
            raise DanqingError(f"no case named {name!r}{did_you_mean(name, list(CASES))}")
    return BenchSettings(
        only=tuple(asked.only) or (QUICK if asked.quick else ()),
        rounds=asked.rounds or (QUICK_ROUNDS if asked.quick else BenchSettings.rounds),
        cache=asked.cache,
    )
