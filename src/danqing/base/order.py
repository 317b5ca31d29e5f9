"""An order is what a user asks for: a recipe template with how many, which seeds, styles and axes. `painting.expand` makes recipes of it."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import JsonValue, model_validator

from danqing.base.knobs import Knob
from danqing.base.recipe import Recipe
from danqing.base.refs import Use
from danqing.base.seed import SeedPolicy
from danqing.base.value import Value, canonical_json, sha256_of

MODEL_CHOSEN = ("width", "height", "steps", "sampler", "schedule", "cfg_scale", "clip_skip")
"""Fields for which a model has a usual value of its own; an order that doesn't name them leaves them to the model."""


class Axis(Value):
    """One axis of a grid: a knob's path ("steps", "hires.upscaler", "Prompt S/R") and its values."""

    atomic: ClassVar[bool] = True
    knob: str
    values: tuple[JsonValue, ...]


class Order(Value):
    """What is asked for. Build the template with only what the user said: the rest of MODEL_CHOSEN is left to the model."""

    recipe: Recipe = Recipe()
    count: Annotated[int, Knob("Batch count", "How many batches.", 1, 10000, 1, group="basic")] = 1
    batch_size: Annotated[int, Knob("Batch size", "Pictures painted together.", 1, 256, 1)] = 1
    seeds: Annotated[SeedPolicy, Knob("Seeds", "Counting up from the seed, drawn at random, or all the same.")] = (
        "increasing"
    )
    styles: tuple[str, ...] = ()
    axes: tuple[Axis, ...] = ()
    follow: Use | None = None
    """An open sequence: every picture is the beginning of another one, painted from it (`painting.following`)."""
    left_to_model: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _note_what_was_left_open(self) -> Self:
        if "left_to_model" not in self.model_fields_set:
            said = self.recipe.model_fields_set
            open_fields = tuple(name for name in MODEL_CHOSEN if name not in said)
            # The value is being made here: the one place where a frozen field may still be set.
            object.__setattr__(self, "left_to_model", open_fields)
            self.__pydantic_fields_set__.add("left_to_model")
        return self

    def sparse(self) -> dict[str, Any]:
        """As for every value; what was left to the model is always written, for it can't be told from the defaults."""
        return {**super().sparse(), "left_to_model": list(self.left_to_model)}

    @property
    def pictures(self) -> int:
        """How many pictures this makes, of a sequence its beginnings."""
        cells = 1
        for axis in self.axes:
            cells *= len(axis.values)
        return self.count * self.batch_size * cells

    @property
    def digest(self) -> str:
        """Hex sha256 of what was asked, as canonical JSON."""
        return sha256_of(canonical_json(self.sparse()))
