"""Writes the toy model: a diffusers folder, and the same tensors as a single file in Stable Diffusion's own layout.

It is built like the embedded model, only narrower, so it loads with and without `TOY` among the families (as "toy" or as "mini").
"""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel

from danqing.weights.families import FAMILIES, Families, Family
from danqing.weights.families.mini import MINI
from danqing.weights.loading import load_model
from danqing.weights.place import Place
from danqing.weights.save import write_single_file, write_tensors

WIDTH = 8
"""How wide the toy's text is; no other family's."""


def toy_config() -> Mapping[str, Any]:
    """The embedded model's config with the toy's widths."""
    mini = MINI.read_config()
    text = {"hidden_size": WIDTH, "intermediate_size": 16, "num_hidden_layers": 2, "projection_dim": WIDTH}
    return {
        "unet": {
            **mini["unet"],
            "block_out_channels": [16, 16, 32],
            "cross_attention_dim": WIDTH,
            "norm_num_groups": 16,
            "sample_size": 8,
        },
        "vae": {**mini["vae"], "block_out_channels": [4, 8, 8, 8], "sample_size": 64},
        "text_encoders": [{**mini["text_encoders"][0], **text}],
        "scheduler": mini["scheduler"],
    }


TOY: Family = replace(
    MINI, name="toy", title="toy", width=64, height=64, steps=2, context_width=WIDTH, config="", own_config=toy_config()
)
TOY_FAMILIES: Families = (TOY, *FAMILIES)


def write_toy_folder(folder: Path, seed: int = 0) -> Path:
    """The toy model as a diffusers folder, its weights drawn from `seed`, float16."""
    config = toy_config()
    text = {key: value for key, value in config["text_encoders"][0].items() if key != "class"}
    networks: dict[str, nn.Module] = {
        "unet": UNet2DConditionModel.from_config(config["unet"]),
        "vae": AutoencoderKL.from_config(config["vae"]),
        "text_encoder": CLIPTextModel(CLIPTextConfig(**text)),
    }
    generator = torch.Generator().manual_seed(seed)
    for name, network in networks.items():
        part = folder / name
        part.mkdir(parents=True, exist_ok=True)
        stem = "model" if name == "text_encoder" else "diffusion_pytorch_model"
        write_tensors(part / f"{stem}.safetensors", drawn(network, generator))
        settings = network.config.to_dict() if name == "text_encoder" else dict(config[name])  # pyright: ignore
        (part / "config.json").write_text(json.dumps({"_class_name": type(network).__name__, **settings}), "utf-8")
    (folder / "scheduler").mkdir(exist_ok=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(
        json.dumps({"_class_name": "DDPMScheduler", "clip_sample": False, **config["scheduler"]}), "utf-8"
    )
    parts = {
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "scheduler": ["diffusers", "DDPMScheduler"],
    }
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline", **parts}), "utf-8")
    return folder


def write_toy_file(path: Path, seed: int = 0) -> Path:
    """The same model as one safetensors file."""
    folder = path.with_name(f"{path.stem}-folder-{seed}")
    write_toy_folder(folder, seed)
    write_single_file(load_model(folder, Place(), TOY_FAMILIES), path)
    for part in sorted(folder.rglob("*"), reverse=True):
        part.unlink() if part.is_file() else part.rmdir()
    folder.rmdir()
    return path


def drawn(network: nn.Module, generator: torch.Generator) -> dict[str, Tensor]:
    """Random tensors for a network, float16: norms near 1, the others small enough that nothing explodes."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        noise = torch.randn(tensor.shape, generator=generator)
        if "norm" in name:
            tensors[name] = (1 if name.endswith("weight") else 0) + 0.1 * noise
        elif tensor.ndim > 1 and "embedding.weight" not in name:
            tensors[name] = noise / math.sqrt(tensor[0].numel())
        else:
            tensors[name] = 0.1 * noise
    return {name: tensor.to(torch.float16).contiguous() for name, tensor in tensors.items()}
