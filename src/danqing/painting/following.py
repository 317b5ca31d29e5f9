"""Open sequences: each picture is painted from the one before it, as long as there is a next recipe. No torch."""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Annotated, Literal

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.picture import Picture
from danqing.base.picture_parts import InitImage
from danqing.base.recipe import Recipe
from danqing.base.refs import Use
from danqing.base.table import Table
from danqing.painting.outpainting import Keep, Margin, zoomed

Follow = Callable[[int, Picture], Recipe | None]
"""(number of the picture that was just painted, that picture) -> the recipe that follows it, or None at the end."""


class Sequence(Margin):
    """What all sequences have."""

    loops: Annotated[int, Knob("Loops", "Pictures in the sequence.", 1, 100, 1)] = 4

    def next(self, number: int, first: Recipe, before: Picture, keep: Keep) -> Recipe:
        """The recipe of picture `number`, counted from 0."""
        raise NotImplementedError


class Loopback(Sequence):
    """img2img over its own result, its strength going from the recipe's to the last one (A1111's script)."""

    final_denoising_strength: Annotated[float, Knob("Final denoising strength", "Of the last loop.", 0, 1, 0.01)] = 0.5
    curve: Annotated[
        Literal["Linear", "Aggressive", "Lazy"], Knob("Curve", "How the strength gets there: early, evenly or late.")
    ] = "Linear"

    def next(self, number: int, first: Recipe, before: Picture, keep: Keep) -> Recipe:
        begun = first.init.denoising_strength if first.init else InitImage.model_fields["denoising_strength"].default
        strength = begun + (self.final_denoising_strength - begun) * self.gone(number)
        init = (first.init or InitImage(image=keep(before.pixels, "loop"))).but(
            image=keep(before.pixels, "loop"), denoising_strength=strength
        )
        return first.but(init=init, inpaint=None if first.init is None else first.inpaint, hires=None)

    def gone(self, number: int) -> float:
        """The share of the way from the first strength to the last, for loop `number`."""
        share = number / (self.loops - 1) if self.loops > 1 else 0.0
        if self.curve == "Aggressive":
            return math.sin(share * math.pi / 2)
        return 1 - math.cos(share * math.pi / 2) if self.curve == "Lazy" else share


class ZoomOut(Sequence):
    """A step back each time: the picture gets smaller, and what is around it is painted (Midjourney's zoom out)."""

    factor: Annotated[float, Knob("Factor", "How much smaller the picture gets.", 1.05, 4, 0.05)] = 2.0

    def next(self, number: int, first: Recipe, before: Picture, keep: Keep) -> Recipe:
        return zoomed(first, before.pixels, self.factor, self, keep)


SEQUENCES: Table[type[Sequence]] = Table(
    "sequence", MappingProxyType({"loopback": Loopback, "zoom-out": ZoomOut}), MappingProxyType({"zoom": "zoom-out"})
)


def sequence_of(use: Use) -> Sequence:
    """The sequence that an order asks for. Raises RecipeError for an unknown name or setting."""
    name = SEQUENCES.name_of(use.name)
    try:
        return SEQUENCES.find(name).model_validate(use.settings)
    except RecipeError as problem:
        raise RecipeError(f"sequence {name}: {problem}") from problem


def follow_of(use: Use, first: Recipe, keep: Keep) -> Follow:
    """What follows each picture of a sequence that began with `first`. Every picture has the next seed (A1111's rule)."""
    sequence = sequence_of(use)

    def follow(number: int, before: Picture) -> Recipe | None:
        if number + 1 >= sequence.loops:
            return None
        return sequence.next(number + 1, first, before, keep).but(seed=first.seed + number + 1)

    return follow
