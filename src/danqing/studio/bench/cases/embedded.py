"""The embedded model: pictures a second of danqing's engine and of diffusers' pipeline, in one process, on the same weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from danqing.base.protocols import ModelFile
from danqing.painting.engine import Engine
from danqing.studio.bench.measure import Sample, in_turns, timed
from danqing.studio.bench.peer import pipeline_of_folder
from danqing.studio.bench.report import Row, Section, row_of_rates
from danqing.studio.bench.settings import BenchSettings
from danqing.studio.bench.task import SEED, OneModel, recipe, words_for_diffusers
from danqing.weights.assets import embedded_model
from danqing.weights.place import choose_place

SIDE, STEPS = 128, 20
BATCHES = (1, 4)


@dataclass(frozen=True)
class _Danqing:
    """An engine that holds the embedded model."""

    engine: Engine

    def paint(self, pictures: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
        recipes = [recipe(SIDE, STEPS, SEED + number) for number in range(pictures)]
        return [picture.pixels for picture in self.engine.paint(recipes, batch_size=pictures)]

    def sample(self, pictures: int) -> Sample:
        return timed(lambda: self.paint(pictures))


@dataclass(frozen=True)
class _Diffusers:
    """A pipeline that holds it."""

    pipe: Any

    def paint(self, pictures: int) -> list[np.ndarray[Any, np.dtype[np.uint8]]]:
        seeds = [torch.Generator().manual_seed(SEED + number) for number in range(pictures)]
        found = self.pipe(**words_for_diffusers(SIDE, STEPS, pictures), generator=seeds).images
        return [np.asarray(picture) for picture in found]

    def sample(self, pictures: int) -> Sample:
        return timed(lambda: self.paint(pictures))


def measure(settings: BenchSettings, folder: Path) -> Section:
    """Both in float32, then danqing as it comes, against diffusers as it comes."""
    file = ModelFile("danqing-mini", embedded_model(), "checkpoint", "mini", "0" * 64)
    theirs = _Diffusers(pipeline_of_folder(embedded_model()))
    rows: list[Row] = []
    for title, place in (("float32", choose_place("cpu", "float32")), ("default", choose_place("cpu"))):
        ours = _Danqing(Engine(OneModel(file), place))
        apart = _apart(ours.paint(1)[0], theirs.paint(1)[0])
        for batch in BATCHES:
            ours.sample(batch)
            theirs.sample(batch)
            pairs = in_turns(
                lambda ours=ours, batch=batch: ours.sample(batch),
                lambda batch=batch: theirs.sample(batch),
                settings.rounds,
            )
            note = f"the two pictures differ by {apart}" if batch == 1 else ""
            rows.append(row_of_rates(f"{title}, batch {batch}", "pictures/s", batch, pairs, note))
    return Section(f"Embedded model ({SIDE}x{SIDE}, {STEPS} steps, Euler, CFG)", tuple(rows))


def _apart(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> str:
    apart = np.abs(one.astype(int) - other.astype(int))
    return f"{apart.max()} of 255 at most, {apart.mean():.2g} in the mean"
