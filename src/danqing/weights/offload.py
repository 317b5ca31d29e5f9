"""A model larger than its card: weights stay in the machine's memory and visit the card, network by network or layer by layer.

diffusers and accelerate offer the same; here the weights in memory stay what they are (the file's own pages, where they can be), nothing is
copied back from the card, and a LoRA may be laid over them meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from danqing.weights.model import DiffusionModel


class Visit:
    """Tensors that are on the card for a while. `end` puts back the very memory that they had before."""

    def __init__(self, tensors: Iterable[Tensor], device: str) -> None:
        with torch.inference_mode(mode=False), torch.no_grad():
            self._homes = [(tensor, tensor.data) for tensor in tensors]
            for tensor, home in self._homes:
                tensor.data = home.to(device, non_blocking=True)

    def end(self) -> None:
        """All of them at home again."""
        with torch.inference_mode(mode=False), torch.no_grad():
            for tensor, home in self._homes:
                tensor.data = home
        self._homes = []


class Offload:
    """Hung into a model once, for as long as it lives. `send_home` before its weights are changed."""

    def __init__(self, model: DiffusionModel) -> None:
        self._device = model.device
        self._by_layers = model.place.low_memory == "sequential"
        self._visitor: nn.Module | None = None
        self._visit: Visit | None = None
        for network in model.parts().values():
            self.take_in(network)

    def take_in(self, network: nn.Module) -> None:
        """Has a network visit the card from now on: one of the model's own, or another decoder."""
        if self._by_layers:
            _visit_by_layers(network, self._device)
            return
        for entrance in _entrances(network):
            entrance.register_forward_pre_hook(self._invite(network))

    def send_home(self) -> None:
        """Leaves nothing on the card."""
        if self._visit is not None:
            self._visit.end()
        self._visit, self._visitor = None, None

    def _invite(self, network: nn.Module) -> Callable[..., None]:
        def come(*_: Any) -> None:
            if self._visitor is not network:
                self.send_home()
                self._visit = Visit(_tensors(network), self._device)
                self._visitor = network

        return come


def _entrances(network: nn.Module) -> Iterator[nn.Module]:
    """What is called first when a network is used: an autoencoder is used by its halves, a cached UNet by its parts."""
    for name in ("encoder", "decoder", "quant_conv", "post_quant_conv", "conv_in", "time_embedding"):
        part = getattr(network, name, None)
        if isinstance(part, nn.Module):
            yield part
    yield network


def _visit_by_layers(network: nn.Module, device: str) -> None:
    for layer in network.modules():
        own = [*layer.parameters(recurse=False), *layer.buffers(recurse=False)]
        if own:
            _visit_layer(layer, own, device)


def _visit_layer(layer: nn.Module, own: list[Tensor], device: str) -> None:
    visits: list[Visit] = []

    def come(*_: Any) -> None:
        visits.append(Visit(own, device))

    def go(*_: Any) -> None:
        visits.pop().end()

    layer.register_forward_pre_hook(come)
    layer.register_forward_hook(go, always_call=True)


def _tensors(network: nn.Module) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()
