"""Weights that only visit the card. Where these tests run there is none: torch's "meta" plays it, which computes shapes and holds no memory."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from danqing.base.errors import HardwareError
from danqing.base.refs import LoraUse, ModelRef
from danqing.diffusion.moment import Moment
from danqing.weights.bundle import Bundle
from danqing.weights.loading import load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.offload import Offload
from danqing.weights.place import Place, choose_place, low_memory_for
from danqing.weights.save import write_tensors
from danqing.weights.shelf import Shelf
from danqing.weights.step_cache import StepCache
from tests.toy.fixtures import TOY_REF, FolderCatalog
from tests.toy.model import TOY_FAMILIES
from tests.weights.acting import answer, call_of, decoded, toy, weights_of

GB = 1_000_000_000
WAYS = ("model", "sequential")


@pytest.fixture(params=WAYS)
def offloaded(request: pytest.FixtureRequest, toy_folder: Path) -> DiffusionModel:
    """The toy model, its weights at home on the CPU, its card "meta"."""
    model = load_model(toy_folder, Place("meta", low_memory=request.param), TOY_FAMILIES)
    Offload(model)
    return model


def on_card(model: DiffusionModel) -> set[str]:
    """Names of the networks that have a weight on the card."""
    return {
        name
        for name, part in model.parts().items()
        if any(tensor.device.type == "meta" for tensor in part.parameters())
    }


def meta(model: DiffusionModel) -> Any:
    return tuple(tensor.to("meta") for tensor in call_of(model))


def test_weights_are_at_home_until_they_are_needed(offloaded: DiffusionModel) -> None:
    assert on_card(offloaded) == set()


def test_every_network_computes_on_the_card(offloaded: DiffusionModel) -> None:
    sample, timestep, text = meta(offloaded)
    assert answer(offloaded, (sample, timestep, text)).device.type == "meta"
    assert decoded(offloaded, sample).device.type == "meta"
    ids = torch.zeros(1, 77, dtype=torch.long, device="meta")
    encoder: Any = offloaded.text_encoders[0]
    with torch.inference_mode():
        assert encoder(input_ids=ids).last_hidden_state.device.type == "meta"


def test_weights_come_back_as_the_very_same_memory(offloaded: DiffusionModel) -> None:
    before = {name: tensor.data_ptr() for name, tensor in offloaded.unet.named_parameters()}
    plain = weights_of(offloaded)
    answer(offloaded, meta(offloaded))
    decoded(offloaded, meta(offloaded)[0])  # sends the UNet home, where networks take turns
    assert on_card(offloaded) <= {"vae"}
    assert {name: tensor.data_ptr() for name, tensor in offloaded.unet.named_parameters()} == before
    assert all(torch.equal(tensor, plain[name]) for name, tensor in weights_of(offloaded).items() if "vae" not in name)


def test_networks_take_turns_and_the_last_one_stays(toy_folder: Path) -> None:
    model = load_model(toy_folder, Place("meta", low_memory="model"), TOY_FAMILIES)
    offload = Offload(model)
    answer(model, meta(model))
    assert on_card(model) == {"unet"}
    decoded(model, meta(model)[0])
    assert on_card(model) == {"vae"}
    offload.send_home()
    assert on_card(model) == set()


def test_layers_leave_the_card_as_soon_as_they_are_done(toy_folder: Path) -> None:
    model = load_model(toy_folder, Place("meta", low_memory="sequential"), TOY_FAMILIES)
    Offload(model)
    seen: list[int] = []
    layers = [layer for layer in model.unet.modules() if isinstance(layer, torch.nn.Conv2d)]
    for layer in layers:
        layer.register_forward_hook(
            lambda *_: seen.append(sum(one.weight.device.type == "meta" for one in layers))  # pyright: ignore
        )
    answer(model, meta(model))
    assert len(seen) == len(layers)
    assert max(seen) <= 1
    assert on_card(model) == set()


def test_a_layer_that_fails_leaves_the_card_too(toy_folder: Path) -> None:
    model = load_model(toy_folder, Place("meta", low_memory="sequential"), TOY_FAMILIES)
    Offload(model)
    sample, timestep, text = meta(model)
    with pytest.raises(RuntimeError):
        answer(model, (sample[:, :3], timestep, text))
    assert on_card(model) == set()


def test_a_step_cache_finds_the_network_on_the_card_again(offloaded: DiffusionModel) -> None:
    cache = StepCache(offloaded.unet, 2)
    sample, timestep, text = meta(offloaded)
    with torch.inference_mode():
        cache(Moment(1, 1, 3, 2.0, 1.0), ["a", "b"], sample, timestep, text)
        decoded(offloaded, sample)  # as a preview does
        assert cache(Moment(2, 2, 3, 1.0, 0.0), ["a", "b"], sample, timestep, text).shape == sample.shape


@pytest.mark.parametrize("way", WAYS)
def test_what_is_painted_is_the_same(toy_folder: Path, toy_model: DiffusionModel, way: str) -> None:
    model = load_model(toy_folder, Place(low_memory=way), TOY_FAMILIES)  # pyright: ignore[reportArgumentType]
    Offload(model)
    call = call_of(model)
    assert torch.equal(answer(model, call), answer(toy_model, call))
    assert torch.equal(decoded(model, call[0]), decoded(toy_model, call[0]))


@pytest.mark.parametrize("way", WAYS)
def test_a_lora_can_be_laid_over_a_model_that_is_offloaded(own_folder: Path, way: str) -> None:
    place = Place("meta", low_memory=way)  # pyright: ignore[reportArgumentType]
    shelf = Shelf(FolderCatalog(own_folder), place, 10**12, families=TOY_FAMILIES)
    layer = "unet.down_blocks.0.resnets.0.conv1.weight"
    model = toy(shelf)
    answer(model, meta(model))
    plain = weights_of(load_model(own_folder / "toy", Place(), TOY_FAMILIES))[layer]
    write_tensors(
        own_folder / "ink.safetensors", {"lora_unet_down_blocks_0_resnets_0_conv1.diff": torch.ones(16, 16, 3, 3)}
    )
    with pytest.raises(
        NotImplementedError
    ):  # meta has no memory to compute in, so laying ends where the arithmetic begins
        toy(shelf, LoraUse(model=ModelRef(name="ink")))
    assert torch.equal(weights_of(model)[layer], plain)


def test_another_decoder_visits_the_card_as_well(own_folder: Path) -> None:
    shelf = Shelf(FolderCatalog(own_folder), Place("meta", low_memory="model"), 10**12, families=TOY_FAMILIES)
    own = toy(shelf)
    write_tensors(own_folder / "other.safetensors", own.vae.state_dict())
    swapped = shelf.materialise(Bundle(TOY_REF, ModelRef(name="other")))
    answer(own, meta(own))
    assert decoded(swapped, meta(own)[0]).device.type == "meta"
    assert on_card(own) == set()


@pytest.mark.parametrize(
    ("needed", "free", "way"),
    [
        (2.1, 8, "off"),
        (2.1, 4.5, "model"),
        (2.1, 4.0, "sequential"),
        (7.0, 12, "off"),
        (7.0, 8.9, "model"),
        (7.0, 6, "sequential"),
    ],
)
def test_the_quickest_way_that_fits_is_chosen(needed: float, free: float, way: str) -> None:
    assert low_memory_for(int(needed * GB), int(free * GB)) == way


def test_it_is_decided_for_each_model_by_what_the_card_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 * GB, 8 * GB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: GB)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: GB // 2)
    place = Place("cuda", torch.float16, torch.float32, low_memory="auto")
    assert [place.for_size(size).low_memory for size in (GB, 2 * GB, 4 * GB)] == ["off", "sequential", "sequential"]
    assert place.for_size(GB).home == "cuda"
    assert place.for_size(4 * GB).home == "cpu"


def test_a_processor_needs_none_of_it() -> None:
    assert [choose_place("cpu", low_memory=way).low_memory for way in ("auto", "model", "sequential")] == ["off"] * 3


def test_an_unknown_way_is_a_clear_error() -> None:
    with pytest.raises(HardwareError, match="no way named 'sequental' to save memory; did you mean sequential"):
        choose_place("cpu", low_memory="sequental")


def test_a_place_says_where_weights_are_at_home() -> None:
    assert Place("cuda").home == "cuda"
    assert replace(Place("cuda"), low_memory="model").home == "cpu"
