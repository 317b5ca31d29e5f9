"""Loading: folders and files in their many spellings, memory-mapped, with clear words for what is missing."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from danqing.base.errors import HostileFileError, ModelError
from danqing.diffusion.prediction import scaled_linear, zero_terminal_snr
from danqing.weights.assets import embedded_model
from danqing.weights.loading import alphas_of, load_model
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place, choose_place
from danqing.weights.save import layout_for, unshaped, write_single_file, write_tensors
from danqing.weights.tensorfile import open_tensors
from tests.toy.model import TOY_FAMILIES, write_toy_file
from tests.weights.scaled import published_shapes


def load(path: Path, place: Place = Place()) -> DiffusionModel:  # noqa: B008
    return load_model(path, place, TOY_FAMILIES)


@pytest.fixture
def folder(toy_folder: Path, tmp_path: Path) -> Path:
    """A copy of the toy model that a test may change."""
    return Path(shutil.copytree(toy_folder, tmp_path / "toy"))


@pytest.fixture
def tensors(tmp_path: Path) -> dict[str, Tensor]:
    """The toy model's tensors by their single-file names."""
    file = open_tensors(write_toy_file(tmp_path / "source.safetensors"))
    return {name: file.tensor(name).clone() for name in file.header.tensors}


def same(one: DiffusionModel, other: DiffusionModel) -> bool:
    pairs = zip(one.parts().values(), other.parts().values(), strict=True)
    return all(
        mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)
        for mine, theirs in ((a.state_dict(), b.state_dict()) for a, b in pairs)
    )


def test_the_embedded_model_equals_what_diffusers_and_transformers_load() -> None:
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextModel

    ours = load_model(embedded_model(), Place())
    folder = str(embedded_model())
    settings = {"local_files_only": True, "torch_dtype": torch.float32}
    theirs = (
        UNet2DConditionModel.from_pretrained(folder, subfolder="unet", **settings),
        AutoencoderKL.from_pretrained(folder, subfolder="vae", **settings),
        CLIPTextModel.from_pretrained(f"{folder}/text_encoder", **settings),
    )
    for mine, other in zip(ours.parts().values(), theirs, strict=True):
        assert mine.state_dict().keys() == other.state_dict().keys()
        assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in mine.state_dict().items())
    assert (ours.family.name, ours.prediction, ours.latent.channels, ours.latent.factor) == ("mini", "velocity", 4, 8)


def test_a_tensor_of_the_wanted_type_stays_the_files_own_memory(tmp_path: Path, toy_model: DiffusionModel) -> None:
    write_single_file(toy_model, tmp_path / "exact.safetensors", torch.float32)
    model = load(tmp_path / "exact.safetensors")
    weight = model.unet.get_parameter("conv_in.weight")
    assert weight.data_ptr() == model.origin.tensor("unet", "conv_in.weight").data_ptr()


def test_what_is_written_as_one_file_loads_as_the_same_model(tmp_path: Path, toy_model: DiffusionModel) -> None:
    write_single_file(toy_model, tmp_path / "copy.safetensors", torch.float16)
    assert same(load(tmp_path / "copy.safetensors"), toy_model)


@pytest.mark.parametrize("newer", [True, False])
def test_a_pickled_checkpoint_loads_as_the_same_model(
    newer: bool, tmp_path: Path, tensors: dict[str, Tensor], toy_model: DiffusionModel
) -> None:
    torch.save({"state_dict": tensors, "global_step": 7}, tmp_path / "old.ckpt", _use_new_zipfile_serialization=newer)
    assert same(load(tmp_path / "old.ckpt"), toy_model)


def without_text_model(name: str) -> str:
    return name.replace(".text_model.", ".")


def under_vae(name: str) -> str:
    return name.replace("first_stage_model.", "vae.")


@pytest.mark.parametrize("respell", [without_text_model, under_vae])
def test_other_spellings_of_a_single_file_load_as_the_same_model(
    respell: Callable[[str], str], tmp_path: Path, tensors: dict[str, Tensor], toy_model: DiffusionModel
) -> None:
    write_tensors(tmp_path / "x.safetensors", {respell(name): tensor for name, tensor in tensors.items()})
    assert same(load(tmp_path / "x.safetensors"), toy_model)


def test_what_no_network_uses_is_listed_with_its_reason(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    extra = {
        "model_ema.diffusion_modelx": "moving averages of training",
        "betas": "noise schedule",
        "my_own.thing": "unknown",
    }
    write_tensors(tmp_path / "x.safetensors", {**tensors, **{name: torch.ones(1) for name in extra}})
    assert load(tmp_path / "x.safetensors").origin.ignored == extra


def test_a_file_without_a_tensor_names_it(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    name = "model.diffusion_model.out.2.bias"
    write_tensors(tmp_path / "x.safetensors", {key: tensor for key, tensor in tensors.items() if key != name})
    with pytest.raises(ModelError, match=f"x.safetensors: tensor '{name}' is missing; the file is incomplete"):
        load(tmp_path / "x.safetensors")


def test_a_tensor_of_another_shape_is_named(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    tensors["model.diffusion_model.out.2.bias"] = torch.zeros(5)
    write_tensors(tmp_path / "x.safetensors", tensors)
    with pytest.raises(ModelError, match=r"'conv_out.bias' is \[5\], but \[4\] was expected"):
        load(tmp_path / "x.safetensors")


@pytest.mark.parametrize(
    ("part", "words"), [("first_stage_model", "no VAE in it"), ("cond_stage_model", "text encoder is missing")]
)
def test_a_checkpoint_without_a_part_says_which(
    part: str, words: str, tmp_path: Path, tensors: dict[str, Tensor]
) -> None:
    write_tensors(tmp_path / "x.safetensors", {name: one for name, one in tensors.items() if not name.startswith(part)})
    with pytest.raises(ModelError, match=words):
        load(tmp_path / "x.safetensors")


def test_a_file_of_another_kind_says_what_it_is(tmp_path: Path) -> None:
    write_tensors(tmp_path / "x.safetensors", {"emb_params": torch.ones(2, 768)})
    with pytest.raises(
        ModelError, match=r"no checkpoint that danqing can paint with, but textual inversion for SD 1\.x"
    ):
        load(tmp_path / "x.safetensors")


def test_the_file_itself_may_say_what_it_predicts(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    write_tensors(tmp_path / "eps.safetensors", tensors, {"modelspec.prediction_type": "epsilon"})
    assert load(tmp_path / "eps.safetensors").prediction == "epsilon"
    marks = {"v_pred": torch.ones(0), "ztsnr": torch.ones(0)}
    write_tensors(tmp_path / "v.safetensors", {**tensors, **marks}, {"modelspec.prediction_type": "epsilon"})
    model = load(tmp_path / "v.safetensors")
    assert model.prediction == "velocity"
    assert torch.equal(model.alphas_cumprod, zero_terminal_snr(scaled_linear()))


def test_a_schedule_in_diffusers_words() -> None:
    assert torch.equal(alphas_of({}), scaled_linear())
    assert alphas_of(
        {"beta_schedule": "linear", "beta_start": 0.1, "beta_end": 0.1, "num_train_timesteps": 2}
    ).tolist() == pytest.approx([0.9, 0.81])
    with pytest.raises(ModelError, match="'squaredcos_cap_v2' isn't known"):
        alphas_of({"beta_schedule": "squaredcos_cap_v2"})


def test_a_folder_saved_by_older_tools_loads_as_the_same_model(folder: Path, toy_model: DiffusionModel) -> None:
    text = open_tensors(folder / "text_encoder" / "model.safetensors")
    renamed = {f"text_model.{name}": text.tensor(name).clone() for name in text.header.tensors}
    torch.save(renamed, folder / "text_encoder" / "pytorch_model.bin")
    (folder / "text_encoder" / "model.safetensors").unlink()
    vae = open_tensors(folder / "vae" / "diffusion_pytorch_model.safetensors")
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    tensors = {name: vae.tensor(name).clone() for name in vae.header.tensors}
    for new, spelled in old.items():
        tensors = {name.replace(f".{new}.", f".{spelled}."): tensor for name, tensor in tensors.items()}
    write_tensors(folder / "vae" / "diffusion_pytorch_model.safetensors", tensors)
    assert same(load(folder), toy_model)


def test_a_folder_in_several_files_loads_as_the_same_model(folder: Path, toy_model: DiffusionModel) -> None:
    part = folder / "unet"
    file = open_tensors(part / "diffusion_pytorch_model.safetensors")
    names = sorted(file.header.tensors)
    shards = {"a.safetensors": names[:100], "b.safetensors": names[100:]}
    for shard, inside in shards.items():
        write_tensors(part / shard, {name: file.tensor(name).clone() for name in inside})
    weight_map = {name: shard for shard, inside in shards.items() for name in inside}
    (part / "diffusion_pytorch_model.safetensors.index.json").write_text(
        json.dumps({"weight_map": weight_map}), "utf-8"
    )
    (part / "diffusion_pytorch_model.safetensors").unlink()
    assert same(load(folder), toy_model)


def test_an_index_that_leads_out_of_its_folder_is_refused(folder: Path) -> None:
    part = folder / "unet"
    (part / "diffusion_pytorch_model.safetensors").unlink()
    (part / "diffusion_pytorch_model.safetensors.index.json").write_text('{"weight_map": {"x": "../vae/y"}}', "utf-8")
    with pytest.raises(HostileFileError, match="names a file outside its folder"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "model_index.json").unlink(), "model_index.json is missing"),
        (
            lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink(),
            "toy/unet: there are no weights",
        ),
        (
            lambda folder: (folder / "vae" / "config.json").write_text('{"block_out_channels": "x"}'),
            "its config builds no",
        ),
        (lambda folder: (folder / "text_encoder" / "config.json").write_text('{"hidden_size": 7}'), "toy: "),
        (lambda folder: (folder / "scheduler" / "scheduler_config.json").write_text("no"), "no JSON"),
    ],
)
def test_a_damaged_folder_is_a_clear_error(change: Callable[[Path], object], words: str, folder: Path) -> None:
    change(folder)
    with pytest.raises(ModelError, match=words):
        load(folder)


def test_the_padding_of_a_folders_own_tokenizer_counts(folder: Path) -> None:
    assert load(folder).towers[0].pad == 49407
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "special_tokens_map.json").write_text('{"pad_token": {"content": "!"}}', "utf-8")
    assert load(folder).towers[0].pad == 0


def test_loading_asks_no_hub_and_changes_no_environment(toy_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("somebody wanted the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = dict(os.environ)
    load(toy_folder)
    assert dict(os.environ) == before


def test_layouts_go_both_ways(toy_model: DiffusionModel, tensors: dict[str, Tensor]) -> None:
    written: dict[str, Tensor] = {}
    for part, network in toy_model.parts().items():
        written |= unshaped(network.state_dict(), layout_for(toy_model, part))
    assert {name: tuple(tensor.shape) for name, tensor in written.items()} == {
        name: tuple(one.shape) for name, one in tensors.items()
    }
    squeezed = [name for name in written if ".mid.attn_1." in name and name.endswith(".q.weight")]
    assert len(squeezed) == 2
    assert all(written[name].ndim == len(published_shapes("sd1")[name]) for name in squeezed)


def test_half_the_memory_in_bf16(toy_folder: Path, toy_model: DiffusionModel) -> None:
    half = load(toy_folder, choose_place("cpu", "bf16"))
    assert (half.dtype, half.vae_dtype) == (torch.bfloat16, torch.bfloat16)
    assert half.bytes == toy_model.bytes // 2
