"""Writes models: one safetensors file in Stable Diffusion's own layout, as every tool reads it. Written aside and renamed."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from danqing.base.errors import FileWriteError
from danqing.weights.families.family import TextTower
from danqing.weights.layout import Layout, clip_rule, layout_of, openclip_rule, unet_rule, vae_rule, with_prefix
from danqing.weights.model import DiffusionModel
from danqing.weights.structure import UNET_PREFIX, VAE_PREFIX, unet_of_config
from danqing.weights.tensorfile import DTYPES

WORDS: Mapping[torch.dtype, str] = MappingProxyType({dtype: word for word, dtype in DTYPES.items()})
"""A type's name in the safetensors format."""


def write_single_file(
    model: DiffusionModel, path: Path, dtype: torch.dtype = torch.float16, metadata: Mapping[str, str] | None = None
) -> None:
    """A checkpoint with all of a model's networks as they are now, patches included. Raises FileWriteError."""
    tensors: dict[str, Tensor] = {}
    for part, network in model.parts().items():
        tensors |= unshaped(network.state_dict(), layout_for(model, part))
    write_tensors(path, {name: tensor.to("cpu", dtype) for name, tensor in tensors.items()}, metadata)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """A safetensors file, written aside and renamed; what stood there before stands until then. Raises FileWriteError."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **(metadata or {})}}
    place = 0
    ordered = sorted(
        tensors, key=lambda name: (-tensors[name].element_size(), name)
    )  # every tensor begins at a multiple of its type
    for name in ordered:
        tensor = tensors[name]
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": WORDS[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [place, place + size],
        }
        place += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in ordered:
                file.write(tensors[name].detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
        aside.replace(path)
    except OSError as problem:
        aside.unlink(missing_ok=True)
        raise FileWriteError(
            f"{path}: can't be written ({problem.strerror}); what was there before still is"
        ) from problem


def layout_for(model: DiffusionModel, part: str) -> Layout:
    """Where a part's tensors lie in a single file of this model's family, wherever they were read from."""
    network = model.parts()[part]
    if part == "unet":
        structure = unet_of_config(model.unet.config)
        rule = with_prefix(unet_rule(structure.layers, structure.depths), UNET_PREFIX)
    elif part == "vae":
        rule = with_prefix(vae_rule(len(model.vae.config["block_out_channels"])), VAE_PREFIX)
    else:
        tower: TextTower = model.towers[int(part.rpartition(".")[2])]
        rule = with_prefix(openclip_rule if tower.layout == "openclip" else clip_rule("text_model."), tower.prefix)
    return layout_of(network.state_dict(), rule)


def unshaped(tensors: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """A network's tensors by the file's names, in the file's shapes: the inverse of what loading does."""
    result: dict[str, Tensor] = {}
    thirds: dict[str, dict[int, Tensor]] = {}
    for name, source in layout.items():
        tensor = tensors[name]
        if source.transposed:
            tensor = tensor.T
        if source.flattened:
            tensor = tensor[:, :, None, None]
        if source.third is None:
            result[source.name] = tensor
        else:
            thirds.setdefault(source.name, {})[source.third] = tensor
    for name, parts in thirds.items():
        result[name] = torch.cat([parts[0], parts[1], parts[2]])
    return result
