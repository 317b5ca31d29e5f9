"""ncnn's two files are written here by hand, from its documentation, and read back."""

import struct

import pytest
import torch

from danqing.base.errors import ModelError
from danqing.weights.upscalers.ncnn import read_ncnn
from danqing.weights.upscalers.recognition import recognise
from tests.weights.upscalers.published import NEW, Compact, Rrdb
from tests.weights.upscalers.test_recognition import header, shapes_of

HALF = struct.pack("<I", 0x01306B47)


def ncnn_files(tensors: dict[str, torch.Tensor], resizes: int, half: bool = True) -> tuple[str, bytes]:
    """(.param, .bin) of convolutions and PReLUs in the order of `tensors`."""
    lines, data = ["Input data 0 1 data"], b""
    for name, tensor in tensors.items():
        if tensor.ndim == 4:
            out, _, side, _ = tensor.shape
            lines.append(f"Convolution {name} 1 1 a b 0={out} 1={side} 4=1 5=1 6={tensor.numel()} 9=2 -23310=1,2.0e-01")
            raw = (tensor.half() if half else tensor.float()).numpy().tobytes()
            data += (HALF if half else bytes(4)) + raw + bytes(-len(raw) % 4)
        elif name.endswith(".bias"):
            data += tensor.float().numpy().tobytes()
        else:
            lines.append(f"PReLU {name} 1 1 a b 0={len(tensor)}")
            data += tensor.float().numpy().tobytes()
    lines += ["Interp up 1 1 a b 0=1 1=2.0 2=2.0"] * resizes
    return "\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines]) + "\n", data


@pytest.mark.parametrize("half", [True, False])
def test_a_compact_network_is_read_number_by_number(half: bool) -> None:
    tensors = Compact(layers=2, scale=2, width=5).drawn()
    found = read_ncnn(*ncnn_files(tensors, resizes=1, half=half), "a")
    assert recognise(header(shapes_of(found))) is not None
    for name, tensor in tensors.items():
        wanted = tensor.half() if half and tensor.ndim == 4 else tensor
        assert torch.equal(found[name], wanted)


def test_a_deep_network_is_read_in_the_order_of_its_layers() -> None:
    tensors = Rrdb(NEW, blocks=2, ups=2).drawn()
    found = read_ncnn(*ncnn_files(tensors, resizes=2), "a")
    assert list(found) == list(tensors)
    assert all(torch.equal(found[name], one.half() if one.ndim == 4 else one) for name, one in tensors.items())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda param, data: ("7767518" + param[7:], data), "no list of ncnn layers"),
        (lambda param, data: (param, data[:-8]), "cut off"),
        (lambda param, data: (param, data + bytes(8)), "8 bytes more"),
        (lambda param, data: (param, struct.pack("<I", 0x000D4B38) + data[4:]), "quantised"),
        (lambda param, data: (param.replace("PReLU", "InnerProduct"), data), "'InnerProduct'"),
    ],
)
def test_what_is_no_network_of_the_family_is_refused(change, word: str) -> None:
    with pytest.raises(ModelError, match=word):
        read_ncnn(*change(*ncnn_files(Compact(layers=1, scale=2).drawn(), resizes=1)), "a")


def test_layers_in_another_order_are_refused() -> None:
    tensors = Rrdb(NEW, blocks=1, ups=2).drawn()
    turned = dict(reversed(tensors.items()))
    param, data = ncnn_files({**{name: one for name, one in turned.items() if one.ndim == 4}}, resizes=2)
    with pytest.raises(ModelError):
        read_ncnn(param, data, "a")
