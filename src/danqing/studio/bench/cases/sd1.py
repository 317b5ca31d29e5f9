"""SD1's size: seconds a step, decode and memory in fresh processes on one file of random weights, and how far apart the answers are."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median

import psutil

from danqing.studio.bench import random_model
from danqing.studio.bench.children import findings
from danqing.studio.bench.children.findings import Findings
from danqing.studio.bench.measure import Pairs, Sample
from danqing.studio.bench.peer import write_configs
from danqing.studio.bench.processes import Watched, peers_environment, watch
from danqing.studio.bench.report import Row, Section, row_of_amounts, row_of_times
from danqing.studio.bench.settings import BenchSettings

CHILDREN = "danqing.studio.bench.children"
NEEDED = 12_000_000_000
"""Bytes of memory that must be free: the check holds two copies of the model in float32."""
WHOLE_PICTURE = 20
"""Steps of the picture that the parts are put together to."""

Seen = tuple[Findings, Watched]


def measure(settings: BenchSettings, folder: Path) -> Section:
    """Builds the file, paints in turns, then compares. Without the memory for it only says so."""
    title = f"SD1's size ({settings.side}x{settings.side}, Euler, CFG; random weights; defaults)"
    free = psutil.virtual_memory().available
    if free < NEEDED:
        note = f"{free / 1e9:.0f} GB of memory are free; this takes {NEEDED / 1e9:.0f} GB"
        return Section(title, (Row("left out", "", None, note=note),))
    path = random_model.build(settings.cache or folder)
    configs = write_configs(folder / "configs")

    def paint(side: str, *more: str) -> Seen:
        out = folder / f"{side}.json"
        words = [str(path), str(settings.side), str(settings.big_steps), str(out), *more]
        environment = os.environ if side == "danqing" else peers_environment()
        seen = watch([sys.executable, "-m", f"{CHILDREN}.{side}_sd1", *words], environment=environment)
        return findings.read(out), seen

    rounds = [(paint("danqing"), paint("diffusers", str(configs))) for _ in range(settings.big_rounds)]
    checked = folder / "check.json"
    watch([sys.executable, "-m", f"{CHILDREN}.check_sd1", str(path), str(settings.side), str(configs), str(checked)])
    found: dict[str, float] = json.loads(checked.read_text("utf-8"))
    return Section(title, (*_rows(rounds), *_check_rows(found)))


def _rows(rounds: list[tuple[Seen, Seen]]) -> tuple[Row, ...]:
    def pairs(of: Callable[[Findings], tuple[Sample, ...]]) -> Pairs:
        ours = [sample for (seen, _), _ in rounds for sample in of(seen)]
        theirs = [sample for _, (seen, _) in rounds for sample in of(seen)]
        return Pairs(tuple(ours), tuple(theirs))

    step, decode = pairs(lambda one: one.steps), pairs(lambda one: (one.decode,))
    first = pairs(lambda one: (one.first,))
    whole = pairs(lambda one: (_whole(one),))
    return (
        row_of_times("a step", step),
        row_of_times("load, prompt and first step", first),
        row_of_times("decode to pixels", decode),
        row_of_times(f"{WHOLE_PICTURE} steps, put together from these", whole),
        row_of_amounts(
            "highest memory of the process",
            "GB",
            median(seen.peak for (_, seen), _ in rounds) / 1e9,
            median(seen.peak for _, (_, seen) in rounds) / 1e9,
        ),
    )


def _whole(found: Findings) -> Sample:
    """A picture of so many steps: the first with all that comes before it, the others at their median, decode."""
    more = WHOLE_PICTURE - 1
    return Sample(
        found.first.seconds + more * median(step.seconds for step in found.steps) + found.decode.seconds,
        found.first.cpu + more * median(step.cpu for step in found.steps) + found.decode.cpu,
        found.first.others + more * median(step.others for step in found.steps) + found.decode.others,
    )


def _check_rows(found: dict[str, float]) -> tuple[Row, ...]:
    counted = f"{found['equal']:.0f} of {found['tensors']:.0f} tensors equal diffusers' single-file loader's"
    left = f"{found['ignored']:.0f} left out with a reason, {found['unknown']:.0f} of them unknown"
    return (
        Row("two steps in float32, relative difference", "", found["steps"], note=f"{counted}; {left}"),
        Row("UNet's answer, relative L2 to float32", "", found["unet"]),
    )
