"""The shelf: within its memory, only what is touched is made anew, and a VAE can be swapped."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from danqing.base.errors import ModelError
from danqing.base.refs import LoraUse, ModelRef
from danqing.weights import shelf as shelf_module
from danqing.weights.bundle import Bundle
from danqing.weights.place import Place
from danqing.weights.save import layout_for, unshaped, write_tensors
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import FolderCatalog
from tests.toy.model import TOY_FAMILIES, write_toy_file, write_toy_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three toy models of different seeds."""
    for seed, name in enumerate(("one", "two", "three")):
        write_toy_folder(tmp_path / name, seed)
    return tmp_path


def shelf_over(folder: Path, budget: int | None = None) -> Shelf:
    return Shelf(FolderCatalog(folder), Place(), budget, TOY_FAMILIES)


def bundle(name: str, *patches: LoraUse, vae: str = "") -> Bundle:
    return Bundle(ModelRef(name=name), ModelRef(name=vae), patches)


def test_a_bundle_is_a_value() -> None:
    use = LoraUse(model=ModelRef(name="ink"), unet=0.5)
    assert bundle("one", use) == bundle("one", use)
    assert len({bundle("one", use), bundle("one", use), bundle("one")}) == 2


def test_the_same_bundle_gives_the_same_live_model(folder: Path) -> None:
    shelf = shelf_over(folder)
    assert shelf.materialise(bundle("one")) is shelf.materialise(bundle("one"))


def test_the_least_recently_used_model_leaves_when_memory_is_short(folder: Path) -> None:
    size = shelf_over(folder).materialise(bundle("one")).bytes
    shelf = shelf_over(folder, int(size * 2.9))
    for name in ("one", "two", "one", "three"):
        shelf.materialise(bundle(name))
    assert shelf.live() == ["one", "three"]


def test_a_model_larger_than_the_budget_is_still_given(folder: Path) -> None:
    shelf = shelf_over(folder, 1)
    for name in ("one", "two"):
        assert shelf.materialise(bundle(name)).name == name
        assert shelf.live() == [name]


def test_models_made_under_inference_mode_can_still_be_trained(folder: Path) -> None:
    with torch.inference_mode():
        model = shelf_over(folder).materialise(bundle("one"))
    assert not any(one.is_inference() for part in model.parts().values() for one in part.parameters())


def test_a_model_whose_file_changed_is_loaded_again(folder: Path) -> None:
    shelf = shelf_over(folder)
    before = shelf.materialise(bundle("one")).unet.conv_in.weight.clone()
    write_toy_folder(folder / "one", 9)
    assert not torch.equal(before, shelf.materialise(bundle("one")).unet.conv_in.weight)


def test_a_missing_model_is_named(folder: Path) -> None:
    with pytest.raises(ModelError, match="no checkpoint named 'tow'"):
        shelf_over(folder).materialise(bundle("tow"))


@pytest.fixture
def recomputed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of tensors as they are made anew."""
    names: list[str] = []
    real = shelf_module._recompute
    monkeypatch.setattr(
        shelf_module, "_recompute", lambda slot, place, uses: (names.append(place[1]), real(slot, place, uses))[1]
    )
    return names


def write_lora(path: Path, *layers: str) -> None:
    tensors = {f"lora_unet_{layer.replace('.', '_')}.diff": torch.full((16, 16, 3, 3), 0.1) for layer in layers}
    write_tensors(path, tensors)


def test_only_tensors_whose_patches_changed_are_made_anew(folder: Path, recomputed: list[str]) -> None:
    first, second = "down_blocks.0.resnets.0.conv1", "down_blocks.0.resnets.0.conv2"
    write_lora(folder / "a.safetensors", first)
    write_lora(folder / "b.safetensors", first, second)
    a, b = (LoraUse(model=ModelRef(name=name)) for name in "ab")
    shelf = shelf_over(folder)
    seen: list[set[str]] = []
    for uses in ((), (a,), (a,), (a, b), (b,), ()):
        recomputed.clear()
        shelf.materialise(bundle("one", *uses))
        seen.append({name.removesuffix(".weight") for name in recomputed})
    assert seen == [set(), {first}, set(), {first, second}, {first}, {first, second}]


def test_a_broken_lora_leaves_the_model_as_it_was(folder: Path) -> None:
    shelf = shelf_over(folder)
    before = {name: tensor.clone() for name, tensor in shelf.materialise(bundle("one")).unet.state_dict().items()}
    good = "down_blocks.0.resnets.0.conv2"
    layers = {f"lora_unet_{good.replace('.', '_')}.diff": torch.ones(16, 16, 3, 3)}
    write_tensors(
        folder / "bad.safetensors", {**layers, "lora_unet_down_blocks_0_resnets_0_conv1.diff": torch.ones(3, 5)}
    )
    with pytest.raises(ModelError, match=r"bad: its tensors for .* don't fit a weight of"):
        shelf.materialise(bundle("one", LoraUse(model=ModelRef(name="bad"))))
    after = shelf.materialise(bundle("one")).unet.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_a_vae_can_be_swapped_and_the_own_one_comes_back(folder: Path) -> None:
    shelf = shelf_over(folder)
    own, other = shelf.materialise(bundle("one")), shelf.materialise(bundle("two"))
    write_tensors(folder / "soft.safetensors", unshaped(other.vae.state_dict(), layout_for(other, "vae")))
    write_tensors(folder / "plain.safetensors", other.vae.state_dict())
    for name in ("soft", "plain"):
        swapped = shelf.materialise(bundle("one", vae=name))
        assert swapped.unet is own.unet
        assert all(torch.equal(tensor, other.vae.state_dict()[key]) for key, tensor in swapped.vae.state_dict().items())
    assert shelf.materialise(bundle("one")).vae is own.vae


def test_a_vae_of_other_latents_is_refused(folder: Path) -> None:
    shelf = shelf_over(folder)
    vae = shelf.materialise(bundle("one")).vae.state_dict()
    write_tensors(folder / "wide.safetensors", {**vae, "decoder.conv_in.weight": torch.zeros(8, 16, 3, 3)})
    with pytest.raises(ModelError, match="a VAE with 16 latent channels, but one paints with 4"):
        shelf.materialise(bundle("one", vae="wide"))


def test_a_single_file_and_its_folder_hold_the_same_model(folder: Path) -> None:
    write_toy_file(folder / "file.safetensors", seed=0)
    shelf = shelf_over(folder)
    ours, theirs = (shelf.materialise(bundle(name)) for name in ("one", "file"))
    for part, network in ours.parts().items():
        other = theirs.parts()[part].state_dict()
        assert all(torch.equal(tensor, other[name]) for name, tensor in network.state_dict().items())
    assert replace(ours.family, own_config={}) == replace(theirs.family, own_config={})
