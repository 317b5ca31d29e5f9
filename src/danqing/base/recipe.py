"""A recipe decides everything about one picture: no seed -1, no wildcard, no batch. Same recipe, same machine, same execution facts: same pixels."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, cast

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.parts import Guidance, Noise, Sampling, SdxlSize, Speed, TextEncoding, Tiled, Variation
from danqing.base.picture_parts import ControlUse, Hires, InitImage, Inpaint, Refiner
from danqing.base.refs import HypernetUse, LoraUse, ModelRef, Use
from danqing.base.seed import MAX_SEED
from danqing.base.value import Value, canonical_json, sha256_of

Dialect = Literal["danqing", "a1111", "novelai", "comfy", "compel", "midjourney"]
PredictionName = Literal["auto", "epsilon", "velocity", "sample", "flow"]
Migration = Callable[[dict[str, Any]], dict[str, Any]]

RECIPE_VERSION = 1
MIGRATIONS: Mapping[int, Migration] = MappingProxyType({})
"""From version n to n + 1. A field may be added with a default at any time; anything else needs a new version."""

MAX_STEPS = 1000
MAX_SIDE = 16384


class Recipe(Value):
    """One picture, resolved. `loras`, `hypernets` and `embeddings` hold what tags and names in the prompt meant; the prompt has no tags left."""

    prompt: Annotated[str, Knob("Prompt", "What the picture shows.", infotext="Prompt", group="basic")] = ""
    negative_prompt: Annotated[
        str, Knob("Negative prompt", "What it must not show.", infotext="Negative prompt", group="basic")
    ] = ""
    dialect: Annotated[Dialect, Knob("Dialect", "Whose prompt language it is.", group="expert")] = "danqing"
    model: Annotated[ModelRef, Knob("Model", "The checkpoint.", cost=1.0, infotext="Model", group="basic")] = ModelRef()
    vae: Annotated[
        ModelRef, Knob("VAE", "Another decoder; none is the checkpoint's own.", cost=0.7, infotext="VAE")
    ] = ModelRef()
    prediction: Annotated[
        PredictionName, Knob("Prediction", "What the model predicts; auto asks the file.", group="expert")
    ] = "auto"
    seed: Annotated[
        int, Knob("Seed", "The same seed gives the same picture.", 0, MAX_SEED, 1, infotext="Seed", group="basic")
    ] = 0
    width: Annotated[int, Knob("Width", "Pixels.", 16, MAX_SIDE, 8, infotext="Size-1", group="basic")] = 512
    height: Annotated[int, Knob("Height", "Pixels.", 16, MAX_SIDE, 8, infotext="Size-2", group="basic")] = 512
    steps: Annotated[
        int, Knob("Steps", "More is finer and slower.", 1, MAX_STEPS, 1, infotext="Steps", group="basic")
    ] = 20
    sampler: Annotated[str, Knob("Sampler", "How noise becomes a picture.", infotext="Sampler", group="basic")] = (
        "DPM++ 2M"
    )
    schedule: Annotated[str, Knob("Schedule type", "How the steps are spread.", infotext="Schedule type")] = "Automatic"
    cfg_scale: Annotated[
        float, Knob("CFG scale", "How strongly the prompt pulls.", 0, 100, 0.5, infotext="CFG scale", group="basic")
    ] = 7.0
    clip_skip: Annotated[
        int, Knob("Clip skip", "1 for photographs, 2 for most anime models.", 1, 12, 1, cost=0.1, infotext="Clip skip")
    ] = 1
    tiling: Annotated[bool, Knob("Tiling", "The picture continues over its edges.", infotext="Tiling")] = False
    variation: Variation = Variation()
    noise: Noise = Noise()
    sampling: Sampling = Sampling()
    guidance: Guidance = Guidance()
    text: TextEncoding = TextEncoding()
    sdxl: SdxlSize = SdxlSize()
    speed: Speed = Speed()
    tiled: Tiled | None = None
    loras: tuple[LoraUse, ...] = ()
    hypernets: tuple[HypernetUse, ...] = ()
    embeddings: tuple[ModelRef, ...] = ()
    hires: Hires | None = None
    refiner: Refiner | None = None
    init: InitImage | None = None
    inpaint: Inpaint | None = None
    controls: tuple[ControlUse, ...] = ()
    patches: tuple[Use, ...] = ()
    finishers: tuple[Use, ...] = ()

    @property
    def digest(self) -> str:
        """Hex sha256 of the canonical JSON of what differs from the defaults, and the recipe version. Fixed for ever by a test."""
        return sha256_of(self.to_json())

    def to_json(self) -> str:
        """Canonical JSON: the version under "recipe", then every field that differs from its default."""
        return canonical_json({"recipe": RECIPE_VERSION, **self.sparse()})


def recipe_of_json(
    text: str | bytes, *, version: int = RECIPE_VERSION, migrations: Mapping[int, Migration] = MIGRATIONS
) -> Recipe:
    """The recipe in a JSON text, brought up from older versions. Raises RecipeError for anything else."""
    try:
        data: Any = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise RecipeError(f"this is no recipe: not JSON ({str(problem)[:80]})") from problem
    fields = dict(cast("dict[str, Any]", data)) if isinstance(data, dict) else {}
    found = fields.pop("recipe", None)
    if not isinstance(found, int):
        raise RecipeError('this is no recipe: a JSON object with "recipe": <version> is needed')
    if found > version:
        raise RecipeError(f"this recipe has version {found}; this danqing reads up to {version}: update danqing")
    for step in range(found, version):
        if step not in migrations:
            raise RecipeError(f"this recipe has version {found}, which this danqing can't bring up to {version}")
        fields = migrations[step](fields)
    return Recipe.model_validate(fields)
