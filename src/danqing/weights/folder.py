"""Checkpoints that are a folder in diffusers' layout: what is built for them, and which files hold their tensors."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import nn

from danqing.base.errors import HostileFileError, ModelError
from danqing.weights.building import Blueprint, Built, network, text_encoder
from danqing.weights.detect import FOLDER_MARK, describe, family_of, read_json
from danqing.weights.families import Families
from danqing.weights.families.family import TextTower
from danqing.weights.layout import Source
from danqing.weights.origin import PartOrigin
from danqing.weights.structure import unet_of_config
from danqing.weights.tensorfile import TensorFile, open_tensors

STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
ENDINGS = (".safetensors", ".fp16.safetensors", ".bin", ".fp16.bin")


def read_folder(folder: Path, families: Families) -> Blueprint:
    """What a diffusers folder holds. Raises ModelError when danqing can't paint with it."""
    if not (folder / FOLDER_MARK).is_file():
        raise ModelError(f"{folder.name}: no diffusers folder ({FOLDER_MARK} is missing)")
    config = read_json(folder / "unet" / "config.json")
    structure = unet_of_config(config)
    family = family_of(structure, families)
    if family is None:
        raise ModelError(f"{folder.name}: {describe(structure)}, which is no family that danqing knows")
    encoders: list[Built] = []
    towers: list[TextTower] = []
    for name, tower in zip(_tower_names(folder, len(family.towers)), family.towers, strict=True):
        module = text_encoder(read_json(folder / name / "config.json"), tower.pooled, folder.name)
        encoders.append(_built(folder / name, module))
        towers.append(_with_ids(tower, folder / name.replace("text_encoder", "tokenizer")))
    vae = network(AutoencoderKL, read_json(folder / "vae" / "config.json"), folder.name)
    schedule = folder / "scheduler" / "scheduler_config.json"
    return Blueprint(
        family=family,
        unet=_built(folder / "unet", network(UNet2DConditionModel, config, folder.name)),
        vae=_built(folder / "vae", vae),
        encoders=tuple(encoders),
        towers=tuple(towers),
        schedule=read_json(schedule) if schedule.is_file() else family.read_config()["scheduler"],
        ignored={},
    )


def open_part(folder: Path) -> tuple[TensorFile, ...]:
    """The weight file of one part of a folder, or the several that an index names."""
    for stem in STEMS:
        for ending in ENDINGS:
            single = folder / f"{stem}{ending}"
            if single.is_file():
                return (open_tensors(single),)
            index = folder / f"{stem}{ending}.index.json"
            if index.is_file():
                return tuple(open_tensors(_beside(index, name)) for name in _shards(read_json(index)))
    raise ModelError(
        f"{folder.parent.name}/{folder.name}: there are no weights in it ({STEMS[0]}.safetensors or the like)"
    )


def _built(folder: Path, module: nn.Module) -> Built:
    files = open_part(folder)
    there = {name for file in files for name in file.header.tensors}
    # transformers before 5.6 put "text_model." before every name of a CLIP encoder; diffusers before 0.13 named attention otherwise
    layout = {name: Source(next((old for old in _names(name) if old in there), name)) for name in module.state_dict()}
    return Built(module, PartOrigin(files, layout))


def _names(name: str) -> list[str]:
    """The names under which a tensor may be kept, today's first."""
    names = [name, f"text_model.{name}", name.removeprefix("text_model.")]
    for new, old in ((".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")):
        if new in name:
            names.append(name.replace(new, old))
    return names


def _tower_names(folder: Path, count: int) -> list[str]:
    """SDXL's refiner keeps its only text encoder under the name of the second."""
    if count == 1:
        return ["text_encoder" if (folder / "text_encoder").is_dir() else "text_encoder_2"]
    return ["text_encoder", "text_encoder_2"]


def _with_ids(tower: TextTower, tokenizer: Path) -> TextTower:
    """The padding that the folder's own tokenizer asks for, where it says so."""
    for file in (tokenizer / "special_tokens_map.json", tokenizer / "tokenizer_config.json"):
        if file.is_file():
            pad: Any = read_json(file).get("pad_token")
            word = pad.get("content") if isinstance(pad, Mapping) else pad
            if word in ("<|endoftext|>", "!"):
                return replace(tower, pad=tower.eos if word == "<|endoftext|>" else 0)
    return tower


def _shards(index: Mapping[str, Any]) -> list[str]:
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict):
        raise ModelError("an index of weight files without a weight_map")
    return sorted({str(name) for name in weight_map.values()})


def _beside(index: Path, name: str) -> Path:
    if Path(name).name != name:
        raise HostileFileError(f"{index.name}: names a file outside its folder ({name[:60]!r})")
    return index.with_name(name)
