"""Hypernetworks: small networks that bend what cross-attention's keys and values are made of. They act while the model runs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from danqing.base.errors import ModelError
from danqing.weights.model import DiffusionModel
from danqing.weights.tensorfile import TensorFile, open_tensors

ACTIVATIONS: Mapping[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leakyrelu": nn.LeakyReLU,
    "elu": nn.ELU,
    "swish": nn.Hardswish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softsign": nn.Softsign,
    "gelu": nn.GELU,
    "mish": nn.Mish,
    "silu": nn.SiLU,
    "hardtanh": nn.Hardtanh,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "softplus": nn.Softplus,
    "hardswish": nn.Hardswish,
}
"""By the names that A1111 writes; its "swish" is torch's Hardswish."""


@dataclass(frozen=True, eq=False)
class Hypernet:
    """`pairs`: by width of the input, the networks for keys and for values."""

    name: str
    weight: float
    pairs: Mapping[int, tuple[nn.Module, nn.Module]]

    def install(self, model: DiffusionModel) -> list[RemovableHandle]:
        """Hooks it before every to_k and to_v of a width that it knows. Raises ModelError when it fits none."""
        hooks: list[RemovableHandle] = []
        for name, module in model.unet.named_modules():
            which = {"to_k": 0, "to_v": 1}.get(name.rpartition(".")[2])
            if which is None or not isinstance(module, nn.Linear) or module.in_features not in self.pairs:
                continue
            bend = self.pairs[module.in_features][which].to(model.device, model.dtype)
            hooks.append(module.register_forward_pre_hook(_bending(bend, self.weight)))
        if not hooks:
            widths = ", ".join(str(width) for width in sorted(self.pairs))
            raise ModelError(
                f"{self.name}: hypernetwork for widths {widths}, but {model.name!r} reads text {model.context_width} wide"
            )
        return hooks


def open_hypernet(path: Path, weight: float) -> Hypernet:
    """A hypernetwork file as A1111 writes it. Raises ModelError when it is none or of an unknown make."""
    file = open_tensors(path)
    widths = sorted({int(match[1]) for name in file.header.tensors if (match := re.match(r"(\d+)\.[01]\.", name))})
    if not widths:
        raise ModelError(f"{path.name}: no hypernetwork")
    pairs = {width: (_network(file, f"{width}.0."), _network(file, f"{width}.1.")) for width in widths}
    return Hypernet(path.stem, weight, pairs)


def _network(file: TensorFile, prefix: str) -> nn.Module:
    """One of a pair, with activations and norms where the file's structure says; dropout does nothing when painting."""
    values: Mapping[str, Any] = file.header.values
    word = str(values.get("activation_func") or "linear")
    if word != "linear" and word not in ACTIVATIONS:
        raise ModelError(f"{file.path.name}: its activation {word!r} isn't known")
    last_too = bool(values.get("activate_output", False))
    # `linear1` and `linear2` are the names of the first files, before the number of layers could be chosen
    stem = re.compile(re.escape(prefix) + r"linear\.?(\d+)\.weight")
    places = {
        int(match[1]): name.removesuffix(".weight") for name in file.header.tensors if (match := stem.fullmatch(name))
    }
    if not places:
        raise ModelError(f"{file.path.name}: no hypernetwork of a known make (layers {prefix}linear.* are missing)")
    matrices = [number for number, name in places.items() if len(file.header.shape(f"{name}.weight")) == 2]
    layers: list[nn.Module] = []
    for number, name in sorted(places.items()):
        layers.append(_layer(file.tensor(f"{name}.weight").float(), file.tensor(f"{name}.bias").float()))
        if number in matrices and word != "linear" and (number != max(matrices) or last_too):
            layers.append(ACTIVATIONS[word]())
    return nn.Sequential(*layers).eval().requires_grad_(False)


def _layer(weight: Tensor, bias: Tensor) -> nn.Module:
    layer = nn.LayerNorm(weight.shape[0]) if weight.ndim == 1 else nn.Linear(weight.shape[1], weight.shape[0])
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer


def _bending(network: nn.Module, strength: float) -> Any:
    def bend(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        context = arguments[0]
        return (torch.add(context, network(context), alpha=strength), *arguments[1:])

    return bend
