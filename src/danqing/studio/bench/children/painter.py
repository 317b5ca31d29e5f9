"""A process that holds one model and paints whenever it is told to: SIDE OF THE COMPARISON, MODEL FOLDER, PIXELS, STEPS.

It is told {"pictures": n} in a line and answers with the sample; with "keep": FILE the pictures are left there as an array.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from danqing.base.protocols import ModelFile
from danqing.painting.engine import Engine
from danqing.studio.bench.measure import timed
from danqing.studio.bench.task import EXACT, FAST, SEED, OneModel, recipe, words_for_diffusers
from danqing.weights.place import choose_place

Paint = Callable[[int], list[Any]]
"""How many -> pictures (H, W, 3)."""


def main(words: list[str]) -> None:
    """Reads and answers until nothing more comes."""
    who, folder, side, steps = words
    paint = painter(who, Path(folder), int(side), int(steps))
    for line in sys.stdin:
        asked = json.loads(line)
        painted: list[Any] = []
        sample = timed(lambda asked=asked, painted=painted: painted.extend(paint(int(asked["pictures"]))))
        if "keep" in asked:
            np.save(asked["keep"], np.stack([np.asarray(picture) for picture in painted]))
        sys.stdout.write(json.dumps(asdict(sample)) + "\n")
        sys.stdout.flush()


def painter(who: str, folder: Path, side: int, steps: int) -> Paint:
    """`who` is "diffusers", the number format that danqing is to compute in, or "fast" for its own choice and the recipe's approximations."""
    return _diffusers(folder, side, steps) if who == "diffusers" else _danqing(who, folder, side, steps)


def _danqing(dtype: str, folder: Path, side: int, steps: int) -> Paint:
    catalog = OneModel(ModelFile(folder.name, folder, "checkpoint", "", "0" * 64))
    fast = dtype == "fast"
    engine = Engine(catalog, choose_place("cpu", "auto" if fast else dtype))

    def paint(count: int) -> list[Any]:
        recipes = [recipe(side, steps, SEED + number, FAST if fast else EXACT) for number in range(count)]
        return [picture.pixels for picture in engine.paint(recipes, batch_size=count)]

    return paint


def _diffusers(folder: Path, side: int, steps: int) -> Paint:
    from danqing.studio.bench.peer import pipeline_of_folder

    pipe = pipeline_of_folder(folder)

    def paint(count: int) -> list[Any]:
        seeds = [torch.Generator().manual_seed(SEED + number) for number in range(count)]
        return list(pipe(**words_for_diffusers(side, steps, count), generator=seeds).images)

    return paint


if __name__ == "__main__":
    main(sys.argv[1:])
