"""OFT and BOFT against LyCORIS' own layers (tests/golden/lycoris_oft.json) and against PEFT's merge."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from danqing.base.refs import LoraUse, ModelRef
from danqing.weights.patches.deltas import patched_bias, patched_weight
from danqing.weights.patches.lora_file import read_lora, split_name
from danqing.weights.save import write_tensors
from danqing.weights.shelf import Shelf
from tests.toy.model import TOY_FAMILIES
from tests.weights.acting import toy, weights_of
from tests.weights.test_deltas import output, tensor

CASES = json.loads((Path(__file__).parent.parent / "golden" / "lycoris_oft.json").read_text("utf-8"))["cases"]
STEM = "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q"


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_turned_layer_gives_what_lycoris_gives_at_every_strength(case: dict[str, Any]) -> None:
    pieces = {split_name(f"layer.{name}")[1]: tensor(entry) for name, entry in case["pieces"].items()}
    weight, bias, x = tensor(case["weight"]), tensor(case["bias"]), tensor(case["x"])
    for strength, expected in case["y"].items():
        turned = patched_weight(weight, pieces, float(strength))
        ours = output(case["layer"], x, turned, patched_bias(bias, pieces, float(strength)))
        assert torch.allclose(ours, tensor(expected), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(output(case["layer"], x, weight, bias), tensor(case["y"]["1.0"]), atol=1e-2)


@pytest.mark.parametrize("convolution", [False, True])
@pytest.mark.parametrize(
    ("method", "settings"),
    [
        ("OFTConfig", {"oft_block_size": 4}),
        ("OFTConfig", {"oft_block_size": 4, "use_cayley_neumann": False}),
        ("OFTConfig", {"oft_block_size": 4, "num_cayley_neumann_terms": 2}),
        ("OFTConfig", {"oft_block_size": 4, "num_cayley_neumann_terms": 3}),
        ("OFTConfig", {"oft_block_size": 4, "num_cayley_neumann_terms": 7}),
        ("OFTConfig", {"oft_block_size": 4, "block_share": True}),
        ("BOFTConfig", {"boft_block_size": 4}),
    ],
)
def test_a_turned_layer_equals_pefts(tmp_path: Path, method: str, settings: dict[str, Any], convolution: bool) -> None:
    """By way of a folder as PEFT writes it, for its config says how it inverts."""
    import peft

    torch.manual_seed(0)
    layer = nn.Conv2d(8, 12, 2) if convolution else nn.Linear(8, 12)
    plain = layer.weight.detach().clone()
    config = getattr(peft, method)(target_modules=["0"], **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # BOFT says that it has no CUDA code here
        net: Any = peft.get_peft_model(nn.Sequential(layer), config)
        for name, parameter in net.named_parameters():
            if "oft_" in name:
                nn.init.normal_(parameter, mean=1.0 if "boft_s" in name else 0.0, std=0.3)
        net.save_pretrained(tmp_path / "turned")
        net.merge_adapter()
    (pieces,) = read_lora(tmp_path / "turned", TOY_FAMILIES).layers.values()
    merged: Tensor = net.base_model.model[0].base_layer.weight
    assert torch.allclose(patched_weight(plain, pieces, 1.0), merged, atol=1e-5)
    assert not torch.allclose(plain, merged, atol=1e-2)


def test_rotations_keep_every_length() -> None:
    """What OFT is for: the columns' angles to each other stay as they were."""
    weight = torch.randn(16, 6, generator=torch.Generator().manual_seed(0))
    blocks = torch.randn(4, 4, 4, generator=torch.Generator().manual_seed(1))
    turned = patched_weight(weight, {"oft_blocks": blocks}, 1.0)
    assert torch.allclose(turned.T @ turned, weight.T @ weight, atol=1e-4)
    assert not torch.allclose(turned, weight, atol=0.1)


@pytest.mark.parametrize("prefix", ["lora_unet_", "oft_unet_", "lycoris_"])
def test_kohyas_and_lycoris_names_are_understood(own_shelf: Shelf, own_folder: Path, prefix: str) -> None:
    tensors = {f"{prefix}{STEM}.oft_blocks": torch.randn(4, 4, 4), f"{prefix}{STEM}.alpha": torch.tensor(0.0)}
    write_tensors(own_folder / "turned.safetensors", tensors)
    plain = weights_of(toy(own_shelf))
    after = weights_of(toy(own_shelf, LoraUse(model=ModelRef(name="turned"))))
    changed = [name for name, tensor in after.items() if not torch.equal(tensor, plain[name])]
    assert changed == ["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.weight"]
