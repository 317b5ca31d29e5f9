"""Tiling: every convolution of the UNet and the VAE sees the opposite edge of its picture beyond its own. Attention knows no edges anyway."""

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.downsampling import Downsample2D
from torch import Tensor, nn

from danqing.weights.model import DiffusionModel
from danqing.weights.patches.patch import Removable
from danqing.weights.patches.settings import Tiling


def install_tiling(settings: Tiling, model: DiffusionModel) -> list[Removable]:
    """Lays it over a model's convolutions, packed ones included."""
    convolutions = [*_padded(model.unet), *_padded(model.vae)]
    halving = [layer for layer in model.vae.modules() if isinstance(layer, Downsample2D) and layer.padding == 0]
    return [
        *(_Wrapped(layer, settings) for layer in convolutions),
        *(_WrappedHalving(layer, settings) for layer in halving),
    ]


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


class _WrappedHalving:
    """A step of the encoder that halves the picture: diffusers adds a row and a column of zeros at the end itself, where its padding is 0."""

    def __init__(self, layer: Downsample2D, settings: Tiling) -> None:
        self._layer = layer
        layer.padding = 1  # so that it adds nothing

        def wrap(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            x = arguments[0]
            x = torch.cat([x, x[..., :1]], dim=3) if settings.x else F.pad(x, (0, 1, 0, 0))
            x = torch.cat([x, x[..., :1, :]], dim=2) if settings.y else F.pad(x, (0, 0, 0, 1))
            return (x, *arguments[1:])

        self._hook = layer.conv.register_forward_pre_hook(wrap)

    def remove(self) -> None:
        """The step as it was."""
        self._hook.remove()
        self._layer.padding = 0


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
