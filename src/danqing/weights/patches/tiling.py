"""Tiling: every convolution of the UNet and the decoder sees the opposite edge of its picture beyond its own. Attention knows no edges anyway."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from danqing.weights.model import DiffusionModel
from danqing.weights.patches.patch import Removable
from danqing.weights.patches.settings import Tiling


def install_tiling(settings: Tiling, model: DiffusionModel) -> list[Removable]:
    """Lays it over a model's convolutions, packed ones included."""
    convolutions = [*_padded(model.unet), *_padded(model.vae)]
    return [_Wrapped(layer, settings) for layer in convolutions]


class _Wrapped:
    """One convolution whose zeros beyond the edge are replaced by the other edge; without them its own padding has nothing left to do."""

    def __init__(self, layer: nn.Conv2d, settings: Tiling) -> None:
        self._layer = layer
        self._padding: Any = layer.padding
        down, across = (int(side) for side in self._padding)
        around = (down if settings.y else 0, across if settings.x else 0)
        layer.padding = (down - around[0], across - around[1])

        def wrap(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (wrapped(arguments[0], *around), *arguments[1:])

        self._hook = layer.register_forward_pre_hook(wrap)

    def remove(self) -> None:
        """The convolution as it was."""
        self._hook.remove()
        self._layer.padding = self._padding


def wrapped(x: Tensor, down: int, across: int) -> Tensor:
    """x (B, C, h, w) continued by its opposite edges: (B, C, h + 2 down, w + 2 across), in its own memory format."""
    if across:
        x = torch.cat([x[..., -across:], x, x[..., :across]], dim=3)
    if down:
        x = torch.cat([x[..., -down:, :], x, x[..., :down, :]], dim=2)
    return x


def _padded(network: nn.Module) -> Iterator[nn.Conv2d]:
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and not isinstance(layer.padding, str) and any(layer.padding):
            yield layer
