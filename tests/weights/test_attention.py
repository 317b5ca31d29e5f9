"""Attention in blocks against torch's own, and where it is used."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from danqing.weights import attention as attention_module
from danqing.weights.assets import embedded_model
from danqing.weights.attention import attend_in_blocks, in_blocks, wants_blocks
from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import FolderCatalog
from tests.toy.model import TOY_FAMILIES
from tests.weights.acting import Call, answer, call_of, distance, toy

HALF = Place("cpu", torch.bfloat16, torch.float32, channels_last=True)


def heads(tokens: int, others: int, spread: float = 1.0, shift: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """query (2, tokens, 3, 16), key and value (2, others, 3, 16)."""
    generator = torch.Generator().manual_seed(0)
    query, key, value = (torch.randn(2, size, 3, 16, generator=generator) for size in (tokens, others, others))
    return query * spread, key * spread + shift, value


def torchs(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    turned = (one.transpose(1, 2) for one in (query, key, value))
    return F.scaled_dot_product_attention(*turned).transpose(1, 2)


@pytest.fixture(params=["whole heads", "blocks"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "blocks":
        monkeypatch.setattr(attention_module, "WHOLE", 0)
        monkeypatch.setattr(attention_module, "ROWS", 16)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(("tokens", "others"), [(16, 16), (50, 50), (64, 77), (5, 154), (1, 1)])
def test_blocks_give_what_torch_gives(tokens: int, others: int) -> None:
    call = heads(tokens, others)
    assert distance(in_blocks(*call), torchs(*call)) < 1e-6


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(("spread", "bound"), [(1.0, 0.01), (2.0, 0.02)])
def test_in_bfloat16_they_stay_near_the_exact_answer(spread: float, bound: float) -> None:
    call = tuple(one.bfloat16() for one in heads(64, 64, spread))
    exact = torchs(*(one.double() for one in call))
    assert distance(in_blocks(*call), exact) < bound


@pytest.mark.usefixtures("either_way")
def test_what_all_keys_have_in_common_costs_no_digits() -> None:
    call = tuple(one.bfloat16() for one in heads(64, 64, shift=30.0))
    exact = torchs(*(one.double() for one in call))
    assert distance(in_blocks(*call), exact) < 0.02


@pytest.mark.usefixtures("either_way")
def test_a_picture_doesnt_depend_on_its_neighbours() -> None:
    query, key, value = (one.bfloat16() for one in heads(50, 50))
    assert torch.equal(in_blocks(query, key, value)[1:], in_blocks(query[1:], key[1:], value[1:]))


def test_a_unet_in_blocks_is_as_near_to_float32_as_before() -> None:
    """On trained weights, whose attention is sharper than that of random ones."""
    exact, half = (load_model(embedded_model(), place) for place in (Place(), HALF))
    call = call_of(exact)
    truth = answer(exact, call)
    before = distance(answer(half, _halved(call)), truth)
    attend_in_blocks(half.unet)
    assert distance(answer(half, _halved(call)), truth) < 1.1 * before + 0.001
    assert before < 0.02


def test_more_than_plain_attention_goes_the_usual_way(toy_folder: Any) -> None:
    plain, blocks = (load_model(toy_folder, HALF, TOY_FAMILIES) for _ in range(2))
    attend_in_blocks(blocks.unet)
    sample, timestep, text = _halved(call_of(plain))
    mask = torch.ones(2, 77)
    mask[:, 40:] = 0
    found: list[Tensor] = []
    for model in (plain, blocks):
        unet: Any = model.unet
        with torch.inference_mode():
            found.append(unet(sample, timestep, text, encoder_attention_mask=mask, return_dict=False)[0])
    assert distance(found[1], found[0]) < 0.02
    blocks.unet.requires_grad_(True)
    trained: Any = blocks.unet
    trained(sample, timestep, text, return_dict=False)[0].sum().backward()
    assert trained.conv_in.weight.grad is not None


@pytest.mark.parametrize(("bf16", "tiles", "wanted"), [(True, False, True), (True, True, False), (False, False, False)])
def test_they_are_for_processors_with_bfloat16_and_without_tiles(
    monkeypatch: pytest.MonkeyPatch, bf16: bool, tiles: bool, wanted: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: tiles)
    assert wants_blocks("cpu", torch.bfloat16) == wanted
    assert not wants_blocks("cpu", torch.float32)
    assert not wants_blocks("cuda", torch.bfloat16)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_live_model_says_how_it_attends(
    toy_catalog: FolderCatalog, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    monkeypatch.setattr("danqing.weights.shelf.wants_blocks", lambda device, dtype: wanted)
    model: DiffusionModel = toy(Shelf(toy_catalog, HALF, families=TOY_FAMILIES))
    assert model.attention == ("blocks" if wanted else "sdpa")


def _halved(call: Call) -> Call:
    sample, timestep, text = call
    return sample.bfloat16(), timestep, text.bfloat16()
