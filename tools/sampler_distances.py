"""How far 30 steps of every sampler on every schedule end from a 200-step Euler run: the table of docs/samplers.md.

    python tools/sampler_distances.py [--steps 30] [--seed 7]

It paints latents with the embedded model in float32, without noise on the way (eta 0), from the same starting noise,
and prints the relative distance |x - reference| / |reference| as Markdown. A few minutes on a quiet machine.
"""

import argparse
from collections.abc import Iterator

import torch
from torch import Tensor

from danqing.base.parts import Sampling
from danqing.base.progress import Verdict
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.diffusion.moment import Moment
from danqing.diffusion.names import SAMPLER_FACTS, SCHEDULE_NAMES
from danqing.painting.plan import plan
from danqing.painting.stages import Opener, paint_from_noise, prepare
from danqing.weights.assets import embedded_model
from danqing.weights.embedding import Embedding
from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place

PROMPT = "1girl, long green hair, glasses, smile, orange background"
APART = ("Restart", "LCM", "DDIM CFG++")
"""Not held against Euler: Restart goes back up in noise, LCM jumps to x0, and CFG++ follows a guidance of its own."""
TWINS = ("Euler a", "DPM2 a", "DPM++ 2M SDE", "DPM++ 2S a")
"""At eta 0 the same as Euler, DPM2, DPM++ 2M and DPM++ SDE."""
SCHEDULES = [name for name in SCHEDULE_NAMES if name not in ("Automatic", "Normal", "Polyexponential")]
"""Normal is Uniform and Polyexponential is Exponential unless a recipe says otherwise."""


def latents_of(model: DiffusionModel, recipe: Recipe) -> Tensor:
    """What a recipe's first pass ends in, (C, h, w)."""
    with torch.inference_mode():
        return paint_from_noise(prepare(model, [plan(recipe)], 0, _go_on, Opener(_no_embedding)))[0]


def recipe_of(model: DiffusionModel, sampler: str, schedule: str, steps: int, seed: int) -> Recipe:
    """The sheet's recipe at the model's own size and CFG scale, without noise on the way."""
    family = model.family
    return Recipe(
        prompt=PROMPT,
        sampler=sampler,
        schedule=schedule,
        steps=steps,
        seed=seed,
        width=family.width,
        height=family.height,
        cfg_scale=family.cfg_scale,
        sampling=Sampling(eta=0.0),
    )


def distances(model: DiffusionModel, sampler: str, steps: int, seed: int, reference: Tensor) -> Iterator[float]:
    """The distance to the reference, schedule by schedule; one alone where a sampler brings its own levels."""
    for schedule in ["Automatic"] if SAMPLER_FACTS.find(sampler).fixed_schedule else SCHEDULES:
        found = latents_of(model, recipe_of(model, sampler, schedule, steps, seed))
        yield float((found - reference).norm() / reference.norm())


def main(steps: int, seed: int) -> None:
    """Prints the table, a row a sampler, as soon as it is known."""
    model = load_model(embedded_model(), Place())
    reference = latents_of(model, recipe_of(model, "Euler", "Karras", 200, seed))
    print(f"| sampler | {' | '.join(SCHEDULES)} |")
    print(f"|---|{'---|' * len(SCHEDULES)}", flush=True)
    for sampler in SAMPLER_FACTS:
        if sampler not in (*APART, *TWINS):
            row = [f"{distance:.3f}" for distance in distances(model, sampler, steps, seed, reference)]
            print(f"| {sampler} | {' | '.join([*row, *['='] * (len(SCHEDULES) - len(row))])} |", flush=True)


def _go_on(moment: Moment, x0: Tensor) -> Verdict:
    return Verdict.CONTINUE


def _no_embedding(ref: ModelRef) -> Embedding:
    raise AssertionError(f"the prompt names no embedding, but {ref} was asked for")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    main(asked.steps, asked.seed)
