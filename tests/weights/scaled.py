"""Published checkpoints at a fraction of their width and full depth, with random weights: names and shapes come from tests/golden/headers."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danqing.weights.assets import asset
from danqing.weights.families import FAMILIES, Family
from danqing.weights.save import write_tensors

HEADERS = Path(__file__).parent.parent / "golden" / "headers"
VOCABULARY = 1024
"""Tokens of the small checkpoints; the table of all 49,408 would be a third of the file and show nothing more."""

FAMILY_OF = {
    "sd1": "sd1",
    "sd1_inpaint": "sd1_inpaint",
    "sd1_pix2pix": "sd1_pix2pix",
    "sd2": "sd2",
    "sdxl_base": "sdxl",
    "sdxl_refiner": "refiner",
}


def published_shapes(header: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a published checkpoint."""
    tensors = json.loads((HEADERS / f"{header}.json").read_text("utf-8"))["tensors"]
    return {name: tuple(shape) for name, shape in tensors.items()}


def scaled_shapes(header: str, by: int = 4) -> dict[str, tuple[int, ...]]:
    """The same with every width divided, and fewer tokens."""
    return {name: tuple(_scaled(side, by) for side in shape) for name, shape in published_shapes(header).items()}


def write_scaled(header: str, path: Path, by: int = 4) -> Path:
    """A checkpoint file of a fraction of the width, float16, as published ones are; with a few buffers that nothing needs."""
    drawn = (torch.randn(18_000_017, generator=torch.Generator().manual_seed(0)) * 0.05).half()
    pool = drawn.repeat(4)
    tensors: dict[str, Tensor] = {}
    place = 0
    for name, shape in scaled_shapes(header, by).items():
        if name.endswith("position_ids"):
            tensors[name] = torch.arange(77).view(1, 77)
            continue
        tensors[name] = pool[place : place + math.prod(shape)].view(shape)
        if ".norm" in name or "layer_norm" in name or "_layers.0." in name or ".ln_" in name:
            tensors[name] = tensors[name] + (1 if name.endswith("weight") else 0)
        place = (place + 7919) % len(drawn)
    tensors["alphas_cumprod"] = torch.linspace(0.99, 0.01, 1000)
    tensors["model_ema.decay"] = torch.tensor(0.9999)
    write_tensors(path, tensors)
    return path


def scaled_config(family: Family, by: int = 4) -> dict[str, Any]:
    """The family's config with its widths divided; worked out here by hand, apart from what danqing reads off the shapes."""
    config = json.loads(json.dumps(family.read_config()))
    unet, vae = config["unet"], config["vae"]
    unet["in_channels"] = family.pattern.in_channels
    unet["block_out_channels"] = [width // by for width in unet["block_out_channels"]]
    unet["cross_attention_dim"] //= by
    unet["norm_num_groups"] = _groups(unet["block_out_channels"][0])
    if "projection_class_embeddings_input_dim" in unet:
        unet["projection_class_embeddings_input_dim"] //= by
        unet["addition_time_embed_dim"] //= by
    vae["norm_num_groups"] = _groups(vae["block_out_channels"][0] // by)
    vae["block_out_channels"] = [width // by for width in vae["block_out_channels"]]
    for text in config["text_encoders"]:
        for key in ("hidden_size", "intermediate_size", "projection_dim"):
            text[key] //= by
        text["vocab_size"] = VOCABULARY
    return config


def write_oracle_folder(family: Family, folder: Path, pipeline: str, by: int = 4) -> Path:
    """The folder of configs that diffusers' own `from_single_file` wants beside such a checkpoint."""
    config = scaled_config(family, by)
    index: dict[str, Any] = {"_class_name": pipeline, "requires_safety_checker": False}
    index |= {name: [None, None] for name in ("safety_checker", "feature_extractor", "image_encoder")}
    names = _tower_names(config)
    parts = {"unet": ("UNet2DConditionModel", config["unet"]), "vae": ("AutoencoderKL", config["vae"])}
    for name, (kind, settings) in parts.items():
        index[name] = ["diffusers", kind]
        _write(folder / name / "config.json", {"_class_name": kind, **settings})
    for name, text in zip(names, config["text_encoders"], strict=True):
        index[name] = ["transformers", text["class"]]
        index[name.replace("text_encoder", "tokenizer")] = ["transformers", "CLIPTokenizer"]
        _write(folder / name / "config.json", {"model_type": "clip_text_model", **text})
        tokenizer = folder / name.replace("text_encoder", "tokenizer")
        tokenizer.mkdir(exist_ok=True)
        for file in ("vocab.json", "merges.txt"):
            (tokenizer / file).symlink_to(asset("tokenizer", file))
    for missing in {"text_encoder", "text_encoder_2"} - set(names) if "XL" in pipeline else ():
        index |= {missing: [None, None], missing.replace("text_encoder", "tokenizer"): [None, None]}
    index["scheduler"] = ["diffusers", "DDIMScheduler"]
    _write(
        folder / "scheduler" / "scheduler_config.json",
        {"_class_name": "DDIMScheduler", "clip_sample": False, **config["scheduler"]},
    )
    _write(folder / "model_index.json", index)
    return folder


def family_named(name: str) -> Family:
    """A family out of danqing's own."""
    return next(family for family in FAMILIES if family.name == name)


def _tower_names(config: Mapping[str, Any]) -> list[str]:
    projected = [text["class"] == "CLIPTextModelWithProjection" for text in config["text_encoders"]]
    return ["text_encoder_2" if one else "text_encoder" for one in projected]


def _groups(width: int) -> int:
    """80 channels make no 32 groups: the largest power of two that divides them, at most 32."""
    return next(groups for groups in (32, 16, 8, 4, 2, 1) if width % groups == 0)


def _scaled(side: int, by: int) -> int:
    if side == 49408:
        return VOCABULARY
    return side if side == 77 or side < 64 else side // by


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
