"""Reads upscalers as ncnn stores them, a list of layers and their numbers behind one another, into Real-ESRGAN's own tensors.

Not an ncnn runtime: networks of the ESRGAN family only, told by their layers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.weights.upscalers.recognition import Build, Compact, Rrdb

MAGIC = "7767517"
HALF = 0x01306B47
"""Stands before weights in float16; 0 before float32. Anything else is a quantised layer."""
WITHOUT_WEIGHTS = ("Input", "Split", "Concat", "BinaryOp", "Eltwise", "Interp", "PixelShuffle")


@dataclass(frozen=True)
class _Layer:
    kind: str
    settings: dict[str, str]

    def number(self, key: int) -> int:
        return int(self.settings.get(str(key), "0"))


@dataclass
class _Numbers:
    """The bytes of a `.bin` file, taken from front to back."""

    data: bytes
    name: str
    at: int = field(default=0)

    def take(self, count: int, dtype: torch.dtype) -> Tensor:
        size = count * dtype.itemsize
        if self.at + size > len(self.data):
            raise ModelError(f"{self.name}: cut off; fetch it again")
        found = torch.frombuffer(bytearray(self.data[self.at : self.at + size]), dtype=dtype)
        self.at += (size + 3) // 4 * 4
        return found

    def weights(self, count: int) -> Tensor:
        mark = int(self.take(1, torch.int32)[0])
        if mark not in (HALF, 0):
            raise ModelError(f"{self.name}: its numbers are quantised, which danqing doesn't read")
        return self.take(count, torch.float16 if mark == HALF else torch.float32)


def read_ncnn(param: str, data: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of a `.param` text and its `.bin`, named as in Real-ESRGAN's release, every number as it was. Raises ModelError."""
    layers = list(_layers(param, name))
    found = list(_tensors(layers, _Numbers(data, name)))
    build = _build(layers, found)
    shapes = build.shapes() if build else {}
    if [tuple(tensor.shape) for tensor in found] != list(shapes.values()):
        raise ModelError(f"{name}: a network for ncnn, but none of the ESRGAN family")
    return dict(zip(shapes, found, strict=True))


def _layers(param: str, name: str) -> Iterator[_Layer]:
    lines = param.split("\n")
    if lines[0].strip() != MAGIC:
        raise ModelError(f"{name}: this is no list of ncnn layers")
    for line in lines[2:]:
        words = line.split()
        if len(words) < 4:
            continue
        blobs = int(words[2]) + int(words[3])
        yield _Layer(words[0], dict(word.split("=", 1) for word in words[4 + blobs :]))


def _tensors(layers: list[_Layer], numbers: _Numbers) -> Iterator[Tensor]:
    for layer in layers:
        if layer.kind == "Convolution":
            out, side, count = layer.number(0), layer.number(1), layer.number(6)
            yield numbers.weights(count).view(out, count // (out * side * side), side, side)
            yield numbers.take(out, torch.float32)
        elif layer.kind == "PReLU":
            yield numbers.take(layer.number(0), torch.float32)
        elif layer.kind not in WITHOUT_WEIGHTS:
            raise ModelError(
                f"{numbers.name}: it has a layer {layer.kind!r}, which no network of the ESRGAN family has"
            )
    if numbers.at != len(numbers.data):
        raise ModelError(f"{numbers.name}: {len(numbers.data) - numbers.at} bytes more than its layers need")


def _build(layers: list[_Layer], tensors: list[Tensor]) -> Build | None:
    kinds = [layer.kind for layer in layers]
    convolutions, resizes = kinds.count("Convolution"), kinds.count("Interp")
    if "PReLU" in kinds and resizes == 1:
        return Compact(convolutions - 2, len(tensors[0]), math.isqrt(len(tensors[-1]) // 3))
    blocks = (convolutions - 4 - resizes) // 15
    if len(tensors) < 3 or blocks < 1:
        return None
    return Rrdb(blocks, len(tensors[0]), len(tensors[2]), resizes)
