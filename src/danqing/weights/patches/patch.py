"""What a patch is to the shelf: something that changes single tensors, or hooks itself into a network; either way it leaves no trace."""

from collections.abc import Sequence, Set
from typing import Protocol

from torch import Tensor
from torch.utils.hooks import RemovableHandle

from danqing.weights.model import DiffusionModel

Place = tuple[str, str]
"""(part, tensor name): ("unet", "down_blocks.0.attentions.0.proj_in.weight")."""


class WeightPatch(Protocol):
    """Changes tensors. The shelf asks only for those that it touches, always starting from the file's own values."""

    @property
    def touched(self) -> Set[Place]: ...

    def applied(self, place: Place, weight: Tensor) -> Tensor:
        """The tensor (float32) with the patch in it, float32."""
        ...


class HookPatch(Protocol):
    """Acts while the network runs."""

    def install(self, model: DiffusionModel) -> Sequence[RemovableHandle]: ...
