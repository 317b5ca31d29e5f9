"""The arithmetic of every LoRA method against LyCORIS' own layers (tests/golden/lycoris.json) and against PEFT."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danqing.weights.patches.deltas import UnknownPiecesError, delta_of, patched_bias, patched_weight
from danqing.weights.patches.lora_file import split_name

CASES = json.loads((Path(__file__).parent.parent / "golden" / "lycoris.json").read_text("utf-8"))["cases"]


def tensor(entry: dict[str, Any]) -> Tensor:
    return torch.tensor(entry["values"]).view(entry["shape"])


def output(kind: str, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """What the patched layer gives for x."""
    if kind == "linear":
        return F.linear(x, weight, bias)
    if kind == "norm":
        return F.layer_norm(x, weight.shape, weight, bias)
    if kind == "group":
        return F.group_norm(x, 2, weight, bias)
    return F.conv2d(x, weight, bias, padding=1 if kind == "conv" else 0)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_patched_layer_gives_what_lycoris_gives(case: dict[str, Any]) -> None:
    pieces = {split_name(f"layer.{name}")[1]: tensor(entry) for name, entry in case["pieces"].items()}
    weight, bias, x = tensor(case["weight"]), tensor(case["bias"]), tensor(case["x"])
    for strength, expected in case["y"].items():
        ours = output(
            case["layer"],
            x,
            patched_weight(weight, pieces, float(strength)),
            patched_bias(bias, pieces, float(strength)),
        )
        assert torch.allclose(ours, tensor(expected), atol=1e-5, rtol=1e-5)
    unpatched = output(case["layer"], x, weight, bias)
    assert not torch.allclose(unpatched, tensor(case["y"]["1.0"]), atol=1e-2)


@pytest.mark.parametrize("dora", [False, True])
@pytest.mark.parametrize("convolution", [False, True])
def test_a_merged_layer_equals_pefts(dora: bool, convolution: bool) -> None:
    from peft import LoraConfig, inject_adapter_in_model

    torch.manual_seed(0)
    layer = nn.Conv2d(6, 8, 3) if convolution else nn.Linear(6, 8)
    net: Any = nn.Sequential(layer)
    plain = layer.weight.detach().clone()
    net = inject_adapter_in_model(LoraConfig(r=2, lora_alpha=3, target_modules=["0"], use_dora=dora), net)
    pieces: dict[str, Tensor] = {"alpha": torch.tensor(3.0)}
    for name, parameter in net.named_parameters():
        if "lora_" in name:
            nn.init.normal_(parameter, mean=1.0 if "magnitude" in name else 0.0, std=0.3)
            pieces[split_name(name)[1]] = parameter.detach().clone()
    net[0].merge()
    assert torch.allclose(patched_weight(plain, pieces, 1.0), net[0].base_layer.weight, atol=1e-5)


def test_half_strength_goes_half_the_way_for_every_method() -> None:
    for case in CASES:
        pieces = {split_name(f"layer.{name}")[1]: tensor(entry) for name, entry in case["pieces"].items()}
        weight = tensor(case["weight"])
        half, whole = (patched_weight(weight, pieces, strength) for strength in (0.5, 1.0))
        assert torch.allclose(half - weight, (whole - weight) / 2, atol=1e-6)


def test_only_the_first_ranks_of_a_dylora_are_taken() -> None:
    down, up, weight = torch.randn(4, 6), torch.randn(8, 4), torch.zeros(8, 6)
    pieces = {"lora_down": down, "lora_up": up, "alpha": torch.tensor(4.0)}
    assert torch.allclose(delta_of(weight, pieces, rank=2), up[:, :2] @ down[:2])


def test_pieces_of_an_unknown_method_are_named() -> None:
    with pytest.raises(UnknownPiecesError, match="oft_diag"):
        delta_of(torch.zeros(2, 2), {"oft_diag": torch.zeros(1)})
