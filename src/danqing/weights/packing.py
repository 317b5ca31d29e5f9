"""Layers that keep their weights in the order in which oneDNN computes. Eager torch brings every weight into that order anew at every call.

For networks that paint on the processor. Names, shapes and parameters of a network stay as they are: `pack` only changes how its layers compute.
"""

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PACKED_TYPES = (torch.float32, torch.bfloat16)
"""What oneDNN computes in quickly; float16 has no fast way on a processor."""

_OPS: Any = torch.ops.mkldnn
_NEEDED = ("_reorder_convolution_weight", "_convolution_pointwise", "_reorder_linear_weight", "_linear_pointwise")
_MOST_SHAPES = 16
_LINEAR_ROWS = 512  # a hint only: the order of a linear layer's weight hardly depends on how many rows it meets
_SLOW_NORM_AREA = 1024  # below it torch's norm over channels-last pictures goes channel by channel, without vectors

_Stamp = tuple[int, int, torch.dtype]


class _Packed:
    """What a layer has packed so far. It counts for one weight only; a copy of the layer begins anew."""

    __slots__ = ("by_shape", "source", "stamp", "usable")

    def __init__(self) -> None:
        self.by_shape: dict[Sequence[object], Any] = {}
        self.stamp: _Stamp | None = None
        self.source: Tensor | None = None
        self.usable = False

    def holds(self, weight: Tensor) -> bool:
        """Whether it was made from this very weight; if not, it is emptied and begins with it. False where it can't be packed."""
        stamp = _stamp(weight)
        if stamp != self.stamp:
            self.by_shape.clear()
            self.stamp = stamp
            # Kept alive so that no later weight can lie at the same address.
            self.source = weight.detach()
            self.usable = weight.dtype in PACKED_TYPES and weight.device.type == "cpu"
        return self.usable

    def keep(self, shape: Sequence[object], made: Any) -> Any:
        """What was made for a shape; where an earlier one is the same bytes, that one stands for both."""
        if len(self.by_shape) >= _MOST_SHAPES:
            self.by_shape.clear()
        same = (old for old in self.by_shape.values() if _same_bytes(old, made))
        return self.by_shape.setdefault(shape, next(same, made))

    def __deepcopy__(self, memo: object) -> "_Packed":
        return _Packed()

    def __reduce__(self) -> tuple[type["_Packed"], tuple[()]]:
        return _Packed, ()


class PackedConv2d(nn.Conv2d):
    """A convolution that packs its weight at the first call with a shape; while gradients are wanted it is a plain one."""

    packed: _Packed

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002 - torch's name
        plain = (
            torch.is_grad_enabled() or self.padding_mode != "zeros" or input.ndim != 4 or input.dtype != weight.dtype
        )
        if plain or not self.packed.holds(weight):
            return super()._conv_forward(input, weight, bias)
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        met = (*input.shape, *self.padding)  # tiling changes the padding
        made = self.packed.by_shape.get(met)
        if made is None:
            fresh = _OPS._reorder_convolution_weight(weight.detach().contiguous(), *geometry, list(input.shape))
            made = self.packed.keep(met, fresh)
        return _OPS._convolution_pointwise(input, made, bias, *geometry, "none", [], "")


class PackedLinear(nn.Linear):
    """A linear layer that packs its weight at the first call; while gradients are wanted it is a plain one."""

    packed: _Packed

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        weight = self.weight
        if torch.is_grad_enabled() or input.dtype != weight.dtype or not self.packed.holds(weight):
            return F.linear(input, weight, self.bias)
        made = self.packed.by_shape.get(())
        if made is None:
            made = self.packed.keep((), _OPS._reorder_linear_weight(weight.detach().contiguous(), _LINEAR_ROWS))
        return _OPS._linear_pointwise(input, made, self.bias, "none", [], "")


class FloatGroupNorm(nn.GroupNorm):
    """A group norm that computes small bfloat16 pictures in float32: nearer to the truth, and several times faster than torch's own way."""

    packed: _Packed

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        small = input.dtype == torch.bfloat16 and input.ndim == 4 and input.shape[2] * input.shape[3] < _SLOW_NORM_AREA
        if torch.is_grad_enabled() or not small or not self.affine or not self.packed.holds(self.weight):
            return super().forward(input)
        made = self.packed.by_shape.get(())
        if made is None:
            made = self.packed.by_shape.setdefault((), (self.weight.float(), self.bias.float()))
        weight, bias = made
        return F.group_norm(input.float(), self.num_groups, weight, bias, self.eps).to(input.dtype)


_KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv2d: PackedConv2d,
    nn.Linear: PackedLinear,
    nn.GroupNorm: FloatGroupNorm,
}


def can_pack(device: str, dtype: torch.dtype) -> bool:
    """Whether networks there may be packed. The operations are torch's private ones: where a torch lacks them, nothing is packed."""
    there = torch.backends.mkldnn.is_available() and all(hasattr(_OPS, name) for name in _NEEDED)
    return device == "cpu" and dtype in PACKED_TYPES and there


def pack(network: nn.Module) -> int:
    """Makes a network's convolutions, linear layers and group norms packed ones, in place. Returns how many.

    A weight that is replaced later (a LoRA laid over it, another type) is packed anew by itself. Plain weights stay, so the network takes
    its size twice once it has run.
    """
    changed = 0
    for layer in network.modules():
        kind = _KINDS.get(type(layer))
        if kind is not None and _fits(layer):
            layer.__class__ = kind
            layer.packed = _Packed()  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
            changed += 1
    return changed


def unpack(network: nn.Module) -> None:
    """Makes packed layers plain again and lets their packed weights go."""
    plain: dict[type[nn.Module], type[nn.Module]] = {packed: kind for kind, packed in _KINDS.items()}
    for layer in network.modules():
        if type(layer) in plain:
            layer.__class__ = plain[type(layer)]
            del layer.packed


def _fits(layer: nn.Module) -> bool:
    return not isinstance(layer, nn.Conv2d) or (not isinstance(layer.padding, str) and layer.padding_mode == "zeros")


def _stamp(weight: Tensor) -> _Stamp:
    """Changes whenever the weight does: by another tensor, or in place."""
    version = 0 if weight.is_inference() else weight._version
    return weight.data_ptr(), version, weight.dtype


def _same_bytes(one: Any, other: Any) -> bool:
    """Whether two packed weights lie in the same order; how torch can't be asked, so their memory is compared."""
    size: Callable[[Any], int] | None = getattr(_OPS, "_nbytes", None)
    address: Callable[[Any], int] | None = getattr(_OPS, "data_ptr", None)
    if size is None or address is None or size(one) != size(other):
        return False
    return _bytes(address(one), size(one)) == _bytes(address(other), size(other))


def _bytes(address: int, size: int) -> memoryview:
    return memoryview((ctypes.c_char * size).from_address(address)).cast("B")
