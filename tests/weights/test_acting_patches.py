"""Patches that act while a network runs: they do what they say, they leave no trace, and several get along."""

from pathlib import Path

import pytest
import torch

from danqing.base.refs import LoraUse, ModelRef
from danqing.weights.bundle import Bundle
from danqing.weights.packing import unpack
from danqing.weights.patches.settings import FreeU, NetworkPatch, Tiling, TokenMerging
from danqing.weights.save import write_tensors
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import TOY_REF
from tests.weights.acting import answer, call_of, decoded, distance, toy, weights_of

ALL = (TokenMerging(ratio=0.5), Tiling(), FreeU())


@pytest.mark.parametrize("patch", ALL, ids=lambda patch: type(patch).__name__)
def test_a_patch_changes_the_answer_and_leaves_no_trace(toy_shelf: Shelf, patch: NetworkPatch) -> None:
    model = toy(toy_shelf)
    call, weights = call_of(model), weights_of(model)
    before = answer(model, call)
    assert distance(answer(toy(toy_shelf, patch), call), before) > 1e-3
    assert torch.equal(answer(toy(toy_shelf), call), before)
    after = weights_of(toy(toy_shelf))
    assert all(torch.equal(tensor, after[name]) for name, tensor in weights.items())


def test_patches_can_lie_over_each_other_and_go_one_by_one(toy_shelf: Shelf) -> None:
    call = call_of(toy(toy_shelf))
    alone = {patch: answer(toy(toy_shelf, patch), call) for patch in ALL}
    answer(toy(toy_shelf, *ALL), call)
    for patch in ALL:
        assert torch.equal(answer(toy(toy_shelf, patch), call), alone[patch])


def test_a_lora_may_change_beneath_a_patch(own_shelf: Shelf, own_folder: Path) -> None:
    model = toy(own_shelf, Tiling())
    call = call_of(model)
    before = answer(model, call)
    tensors = {"lora_unet_down_blocks_0_resnets_0_conv1.diff": torch.full((16, 16, 3, 3), 0.1)}
    write_tensors(own_folder / "beneath.safetensors", tensors)
    use = LoraUse(model=ModelRef(name="beneath"))
    assert distance(answer(toy(own_shelf, use, Tiling()), call), before) > 1e-3
    assert torch.equal(answer(toy(own_shelf, Tiling()), call), before)


@pytest.mark.parametrize("axis", [2, 3])
def test_with_tiling_a_network_knows_no_edge(toy_shelf: Shelf, axis: int) -> None:
    """Rolled by as much as its levels divide by, a latent gives the rolled answer: no place is special."""
    sample, timestep, text = call_of(toy(toy_shelf))
    plain, tiled = (
        (
            answer(toy(toy_shelf, *patches), (sample.roll(8, axis), timestep, text)),
            answer(toy(toy_shelf, *patches), (sample, timestep, text)).roll(8, axis),
        )
        for patches in ((), (Tiling(),))
    )
    assert distance(*tiled) < 1e-5
    assert distance(*plain) > 1e-2


@pytest.mark.parametrize("axis", [2, 3])
def test_with_tiling_the_decoder_knows_no_edge_either(toy_shelf: Shelf, axis: int) -> None:
    latents = call_of(toy(toy_shelf), rows=1)[0]
    apart: list[float] = []
    for patches in ((Tiling(),), ()):
        model = toy(toy_shelf, *patches)
        apart.append(distance(decoded(model, latents.roll(8, axis)), decoded(model, latents).roll(64, axis)))
    assert apart[0] < 1e-5 < 1e-2 < apart[1]


def test_tiling_may_be_for_one_direction_only(toy_shelf: Shelf) -> None:
    sample, timestep, text = call_of(toy(toy_shelf))
    found = {}
    for axis in (2, 3):
        model = toy(toy_shelf, Tiling(y=False))
        found[axis] = distance(
            answer(model, (sample.roll(8, axis), timestep, text)), answer(model, (sample, timestep, text)).roll(8, axis)
        )
    assert found[3] < 1e-5 < 1e-2 < found[2]


def test_packed_convolutions_tile_like_plain_ones(toy_shelf: Shelf) -> None:
    model = toy(toy_shelf, Tiling())
    assert model.packed
    call = call_of(model)
    packed = answer(model, call)
    unpack(model.unet)
    assert distance(packed, answer(model, call)) < 1e-5


def test_another_vae_is_tiled_as_well(own_shelf: Shelf, own_folder: Path) -> None:
    """The patch hangs in the decoder that the bundle names; the model's own stays as it is."""
    own = toy(own_shelf)
    write_tensors(own_folder / "other.safetensors", own.vae.state_dict())
    latents = call_of(own, rows=1)[0]
    swapped = own_shelf.materialise(Bundle(TOY_REF, ModelRef(name="other"), (Tiling(),)))
    assert swapped.vae is not own.vae
    assert distance(decoded(swapped, latents.roll(8, 3)), decoded(swapped, latents).roll(64, 3)) < 1e-5
    assert distance(decoded(own, latents.roll(8, 3)), decoded(own, latents).roll(64, 3)) > 1e-2


def test_freeu_is_diffusers_own(toy_shelf: Shelf) -> None:
    settings = FreeU(b1=1.3, b2=1.4, s1=0.9, s2=0.2)
    call = call_of(toy(toy_shelf))
    ours = answer(toy(toy_shelf, settings), call)
    model = toy(toy_shelf)
    model.unet.enable_freeu(s1=0.9, s2=0.2, b1=1.3, b2=1.4)
    assert torch.equal(ours, answer(model, call))
    model.unet.disable_freeu()
