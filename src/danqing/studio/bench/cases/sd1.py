"""SD1's size: seconds a step, decode and memory in fresh processes on one file of random weights, and how far apart the answers are."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from danqing.studio.bench import random_model
from danqing.studio.bench.children import findings
from danqing.studio.bench.children.findings import Findings
from danqing.studio.bench.measure import Pairs, Sample
from danqing.studio.bench.peer import write_configs
from danqing.studio.bench.processes import Watched, peers_environment, watch
from danqing.studio.bench.report import Row, Section, row_of_amounts, row_of_samples, row_of_times
from danqing.studio.bench.settings import BenchSettings
from danqing.studio.bench.task import FAST, said
from danqing.weights.step_cache import FIRST_WHOLE

CHILDREN = "danqing.studio.bench.children"
NEEDED = 12_000_000_000
"""Bytes of memory that must be free: the check holds two copies of the model in float32."""
WHOLE_PICTURE = 20
"""Steps of the picture that the parts are put together to."""
RANDOM = "of random weights; what approximations do to a picture is told with the embedded model"
FAST_STEPS = 5
"""Steps that are painted with approximations: two whole, two lent, one whole again."""

Seen = tuple[Findings, Watched]


@dataclass(frozen=True)
class Round:
    """One process each: danqing, diffusers, and danqing with the recipe's approximations."""

    ours: Seen
    theirs: Seen
    fast: Seen


def measure(settings: BenchSettings, folder: Path) -> Section:
    """Builds the file, paints in turns, then compares. Without the memory for it only says so."""
    title = f"SD1's size ({settings.side}x{settings.side}, Euler, CFG; random weights; defaults)"
    free = psutil.virtual_memory().available
    if free < NEEDED:
        note = f"{free / 1e9:.0f} GB of memory are free; this takes {NEEDED / 1e9:.0f} GB"
        return Section(title, (Row("left out", "", None, note=note),))
    path = random_model.build(settings.cache or folder)
    configs = write_configs(folder / "configs")

    def paint(side: str, steps: int, *more: str) -> Seen:
        out = folder / f"{side}.json"
        words = [str(path), str(settings.side), str(steps), str(out), *more]
        environment = os.environ if side == "danqing" else peers_environment()
        seen = watch([sys.executable, "-m", f"{CHILDREN}.{side}_sd1", *words], environment=environment)
        return findings.read(out), seen

    steps = settings.big_steps
    rounds = [
        Round(paint("danqing", steps), paint("diffusers", steps, str(configs)), paint("danqing", FAST_STEPS, "fast"))
        for _ in range(settings.big_rounds)
    ]
    checked = folder / "check.json"
    watch([sys.executable, "-m", f"{CHILDREN}.check_sd1", str(path), str(settings.side), str(configs), str(checked)])
    found: dict[str, float] = json.loads(checked.read_text("utf-8"))
    return Section(title, (*_rows(rounds), *_fast_rows(rounds), *_check_rows(found)))


def _rows(rounds: list[Round]) -> tuple[Row, ...]:
    def pairs(of: Callable[[Findings], tuple[Sample, ...]]) -> Pairs:
        ours = [sample for one in rounds for sample in of(one.ours[0])]
        theirs = [sample for one in rounds for sample in of(one.theirs[0])]
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
            median(one.ours[1].peak for one in rounds) / 1e9,
            median(one.theirs[1].peak for one in rounds) / 1e9,
        ),
    )


def _fast_rows(rounds: list[Round]) -> tuple[Row, ...]:
    """The same with the recipe's approximations, against diffusers' usual way."""
    whole, lent = (
        [step for one in rounds for number, step in _steps(one.fast[0]) if _is_whole(number) is kind]
        for kind in (True, False)
    )
    pictures = Pairs(tuple(_fast(one.fast[0]) for one in rounds), tuple(_whole(one.theirs[0]) for one in rounds))
    return (
        row_of_samples(f"a whole step, {said(FAST)}", whole),
        row_of_samples(f"a lent step, {said(FAST)}", lent),
        row_of_times(f"{WHOLE_PICTURE} steps, {said(FAST)}", pictures),
    )


def _whole(found: Findings) -> Sample:
    """A picture of so many steps: the first with all that comes before it, the others at their median, decode."""
    return _together(found, [(found.steps, WHOLE_PICTURE - 1)])


def _fast(found: Findings) -> Sample:
    """The same where some steps are lent: as many of each kind as there are in such a picture."""
    kinds: list[tuple[Sequence[Sample], int]] = []
    for kind in (True, False):
        steps = [step for number, step in _steps(found) if _is_whole(number) is kind]
        kinds.append((steps, sum(_is_whole(number) is kind for number in range(1, WHOLE_PICTURE))))
    return _together(found, kinds)


def _together(found: Findings, kinds: Sequence[tuple[Sequence[Sample], int]]) -> Sample:
    """`kinds`: samples of one kind of step, and how many of it there are."""

    def of(part: Callable[[Sample], float]) -> float:
        steps = sum(count * median(part(step) for step in samples) for samples, count in kinds)
        return part(found.first) + steps + part(found.decode)

    return Sample(of(lambda one: one.seconds), of(lambda one: one.cpu), of(lambda one: one.others))


def _steps(found: Findings) -> Iterable[tuple[int, Sample]]:
    """The steps after the first, with their numbers."""
    return enumerate(found.steps, start=1)


def _is_whole(step: int) -> bool:
    """Whether the step cache computes a step as a whole (`weights.step_cache`)."""
    return step < FIRST_WHOLE or (step - FIRST_WHOLE + 1) % FAST.step_cache == 0


def _check_rows(found: dict[str, float]) -> tuple[Row, ...]:
    counted = f"{found['equal']:.0f} of {found['tensors']:.0f} tensors equal diffusers' single-file loader's"
    left = f"{found['ignored']:.0f} left out with a reason, {found['unknown']:.0f} of them unknown"
    return (
        Row("two steps in float32, relative difference", "", found["steps"], note=f"{counted}; {left}"),
        Row("UNet's answer, relative L2 to float32", "", found["unet"]),
        Row(f"the same, merging {FAST.token_merging:g}", "", found["merged"]),
        Row("the same of a lent step", "", found["lent"], note=RANDOM),
    )
