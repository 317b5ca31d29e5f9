"""What both sides paint: one prompt, one sampler; and a catalog of one model."""

from collections.abc import Iterable
from dataclasses import dataclass

from danqing.base.parts import Speed
from danqing.base.protocols import ModelFile, ModelKind
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef

PROMPT = "1girl, long green hair, glasses, smile, orange background"
NEGATIVE = "blurry"
SAMPLER = "Euler"
CFG_SCALE = 7.0
SEED = 7
EXACT = Speed()
FAST = Speed(token_merging=0.5, step_cache=3)
"""The approximations that a recipe can switch on, as the bench does."""


@dataclass(frozen=True)
class OneModel:
    """A catalog that answers every question with the same file."""

    file: ModelFile

    def find(self, ref: ModelRef, kind: ModelKind = "checkpoint") -> ModelFile:
        return self.file

    def list(self, kind: ModelKind | None = None) -> Iterable[ModelFile]:
        return (self.file,)


def recipe(side: int, steps: int, seed: int = SEED, speed: Speed = EXACT) -> Recipe:
    """The picture that is painted, `side` pixels square."""
    return Recipe(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        seed=seed,
        width=side,
        height=side,
        steps=steps,
        sampler=SAMPLER,
        schedule="Automatic",
        cfg_scale=CFG_SCALE,
        speed=speed,
    )


def said(speed: Speed) -> str:
    """A recipe's approximations in a few words."""
    return f"cache {speed.step_cache}, merging {speed.token_merging:g}"


def words_for_diffusers(side: int, steps: int, pictures: int = 1) -> dict[str, object]:
    """The same for diffusers' pipeline, as its arguments."""
    return {
        "prompt": PROMPT,
        "negative_prompt": NEGATIVE,
        "width": side,
        "height": side,
        "num_inference_steps": steps,
        "guidance_scale": CFG_SCALE,
        "num_images_per_prompt": pictures,
    }
