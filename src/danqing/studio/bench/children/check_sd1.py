"""Whether danqing and diffusers mean the same by one file of SD1's size, and how far danqing's fast way is from the exact one.

MODEL FILE, SIDE, CONFIG FOLDER, FINDINGS.
"""

import json
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danqing.base.progress import Verdict
from danqing.base.refs import ModelRef
from danqing.diffusion.moment import Moment
from danqing.painting.plan import plan
from danqing.painting.stages import Opener, paint_from_noise, prepare
from danqing.studio.bench.peer import pipeline_of_file
from danqing.studio.bench.task import FAST, SEED, recipe, words_for_diffusers
from danqing.weights.embedding import Embedding
from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.patches.settings import TokenMerging
from danqing.weights.patches.token_merging import install_token_merging
from danqing.weights.place import Place, choose_place
from danqing.weights.shelf import packed
from danqing.weights.single_file import UNKNOWN
from danqing.weights.step_cache import FIRST_WHOLE, StepCache

Call = tuple[Tensor, Tensor, Tensor]

STEPS = 2
"""Timesteps 999 and 0: with one alone diffusers' Euler would begin at 0."""


def main(words: list[str]) -> None:
    """Compares tensors, two steps in float32, and the UNet's answer in danqing's default."""
    path, side, configs, out = Path(words[0]), int(words[1]), Path(words[2]), Path(words[3])
    pipe = pipeline_of_file(path, configs)
    exact = load_model(path, Place())
    pairs = list(tensor_pairs(exact, pipe))
    found: dict[str, float] = {
        "tensors": len(pairs),
        "equal": sum(torch.equal(ours, theirs) for ours, theirs in pairs),
        "ignored": len(exact.origin.ignored),
        "unknown": sum(reason == UNKNOWN for reason in exact.origin.ignored.values()),
        "steps": steps_error(exact, pipe, side),
    }
    del exact, pairs
    fast = packed(load_model(path, choose_place("cpu")))
    found |= unet_errors(fast, pipe, side // fast.latent.factor)
    out.write_text(json.dumps(found), "utf-8")


def tensor_pairs(model: DiffusionModel, pipe: Any) -> Iterator[tuple[Tensor, Tensor]]:
    """Every tensor of both sides' networks; one that the other side lacks meets an empty one."""
    for ours, theirs in ((model.unet, pipe.unet), (model.vae, pipe.vae), (model.text_encoders[0], pipe.text_encoder)):
        mine: dict[str, Tensor] = ours.state_dict()
        other: dict[str, Tensor] = theirs.state_dict()
        for name in mine.keys() | other.keys():
            yield mine.get(name, torch.empty(0)), other.get(name, torch.empty(0))


def steps_error(model: DiffusionModel, pipe: Any, side: int) -> float:
    """Largest difference of the latents after both steps, relative to the largest latent."""
    with torch.inference_mode():
        run = prepare(model, [plan(recipe(side, STEPS))], 0, _go_on, Opener(_no_embedding))
        ours = paint_from_noise(run)
    generator = torch.Generator().manual_seed(SEED)
    theirs: Tensor = pipe(**words_for_diffusers(side, STEPS), generator=generator, output_type="latent").images
    return float((ours - theirs).abs().max() / theirs.abs().max())


def unet_errors(model: DiffusionModel, pipe: Any, side: int) -> dict[str, float]:
    """Relative L2 distance of the UNet's output from diffusers' in float32: as it is ("unet"), with tokens merged, and of a lent step.

    The step before the lent one is a twentieth of all timesteps away and has 5 % more noise.
    """
    generator = torch.Generator().manual_seed(SEED)
    shape = (1, model.latent.channels, side, side)
    x, more = (torch.randn(shape, generator=generator) for _ in range(2))
    text = torch.randn((1, 77, model.context_width), generator=generator)
    call, before = (x, torch.tensor(500.0), text), (x + 0.05 * more, torch.tensor(550.0), text)
    exact = _answer(pipe.unet, [call])
    found = {
        "unet": _apart(_answer(model.unet, [call]), exact),
        "lent": _apart(_answer(model.unet, [before, call], FAST.step_cache), exact),
    }
    hooks = install_token_merging(TokenMerging(ratio=FAST.token_merging), model)
    found["merged"] = _apart(_answer(model.unet, [call]), exact)
    for hook in hooks:
        hook.remove()
    return found


def _apart(ours: Tensor, exact: Tensor) -> float:
    return math.sqrt(float((ours - exact).square().sum()) / float(exact.square().sum()))


def _answer(unet: Any, calls: Sequence[Call], interval: int = 1) -> Tensor:
    """Its answer to the last of several calls, one a step; the first of them is a whole one."""
    cache = StepCache(unet, interval)
    answer = torch.empty(0)
    for step, (x, timestep, text) in enumerate(calls, start=FIRST_WHOLE - 1):
        moment = Moment(step, step, None, 1 / step, 0.0)
        with torch.inference_mode():
            answer = cache(moment, ["row"], x.to(unet.dtype), timestep, text.to(unet.dtype)).float()
    return answer


def _no_embedding(ref: ModelRef) -> Embedding:
    raise AssertionError(f"the prompt names no embedding, least of all {ref.name}")


def _go_on(moment: Moment, x0: Tensor) -> Verdict:
    return Verdict.CONTINUE


if __name__ == "__main__":
    main(sys.argv[1:])
