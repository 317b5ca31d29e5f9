"""What a patch is to the shelf: something that changes single tensors, or acts while a network runs; either way it leaves no trace."""

from collections.abc import Set
from typing import Protocol

from torch import Tensor

Place = tuple[str, str]
"""(part, tensor name): ("unet", "down_blocks.0.attentions.0.proj_in.weight")."""


class WeightPatch(Protocol):
    """Changes tensors. The shelf asks only for those that it touches, always starting from the file's own values."""

    @property
    def touched(self) -> Set[Place]: ...

    def applied(self, place: Place, weight: Tensor) -> Tensor:
        """The tensor (float32) with the patch in it, float32."""
        ...


class Removable(Protocol):
    """One thing that a patch has hung into a network."""

    def remove(self) -> None: ...
