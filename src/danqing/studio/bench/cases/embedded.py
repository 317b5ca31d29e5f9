"""The embedded model: pictures a second of danqing's engine and of diffusers' pipeline on the same weights, each in a process of its own."""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from danqing.studio.bench.measure import in_turns
from danqing.studio.bench.processes import Worker, peers_environment
from danqing.studio.bench.report import Row, Section, row_of_rates
from danqing.studio.bench.settings import BenchSettings
from danqing.studio.bench.task import FAST, said
from danqing.weights.assets import embedded_model

SIDE, STEPS = 128, 20
BATCHES = (1, 4)


def measure(settings: BenchSettings, folder: Path) -> Section:
    """Both in float32, then danqing as it comes, then with the recipe's approximations, against diffusers as it comes."""
    words = [str(embedded_model()), str(SIDE), str(STEPS)]
    command = [sys.executable, "-m", "danqing.studio.bench.children.painter"]
    rows: list[Row] = []
    with Worker([*command, "diffusers", *words], peers_environment()) as theirs:
        for title, dtype in (("float32", "float32"), ("default", "auto"), (f"default, {said(FAST)}", "fast")):
            with Worker([*command, dtype, *words]) as ours:
                apart = _apart(ours, theirs, folder)
                for batch in BATCHES:
                    turns = [partial(side.sample, pictures=batch) for side in (ours, theirs)]
                    pairs = in_turns(*turns, rounds=settings.rounds + 1).without_first()
                    note = f"the two pictures differ by {apart}" if batch == 1 else ""
                    rows.append(row_of_rates(f"{title}, batch {batch}", "pictures/s", batch, pairs, note))
    return Section(f"Embedded model ({SIDE}x{SIDE}, {STEPS} steps, Euler, CFG)", tuple(rows))


def _apart(ours: Worker, theirs: Worker, folder: Path) -> str:
    """How far the same picture from both sides is apart, in words."""
    kept: list[np.ndarray[Any, Any]] = []
    for name, side in (("ours", ours), ("theirs", theirs)):
        side.ask(pictures=1, keep=str(folder / f"{name}.npy"))
        kept.append(np.load(folder / f"{name}.npy").astype(int))
    apart = np.abs(kept[0] - kept[1])
    return f"{apart.max()} of 255 at most, {apart.mean():.2g} in the mean"
