"""A model larger than its card: weights stay in the machine's memory and visit the card, network by network or layer by layer.

diffusers and accelerate offer the same; here the weights in memory stay what they are (the file's own pages, where they can be), nothing is
copied back from the card, and a LoRA may be laid over them meanwhile.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn

from danqing.weights.model import DiffusionModel


class Visit:
    """Layers whose own tensors are on the card for a while. `end` puts back the very ones that they had before."""

    def __init__(self, layers: Iterable[nn.Module], device: str) -> None:
        self._homes: list[tuple[dict[str, Any], dict[str, Any]]] = []
        with torch.inference_mode(mode=False), torch.no_grad():
            for layer in layers:
                self._move(layer._parameters, device)
                self._move(layer._buffers, device)

    def end(self) -> None:
        """All of them at home again."""
        for tensors, home in self._homes:
            tensors.update(home)
        self._homes = []

    def _move(self, tensors: dict[str, Any], device: str) -> None:
        home = {name: tensor for name, tensor in tensors.items() if tensor is not None}
        for name, tensor in home.items():
            there = tensor.to(device, non_blocking=True)
            tensors[name] = nn.Parameter(there, requires_grad=False) if isinstance(tensor, nn.Parameter) else there
        if home:
            self._homes.append((tensors, home))


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
                self._visit = Visit(network.modules(), self._device)
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
        if any(True for _ in layer.parameters(recurse=False)) or any(True for _ in layer.buffers(recurse=False)):
            _visit_layer(layer, device)


def _visit_layer(layer: nn.Module, device: str) -> None:
    visits: list[Visit] = []

    def come(*_: Any) -> None:
        visits.append(Visit([layer], device))

    def go(*_: Any) -> None:
        while visits:
            visits.pop().end()

    layer.register_forward_pre_hook(come)
    layer.register_forward_hook(go, always_call=True)
