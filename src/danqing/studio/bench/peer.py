"""The peer that danqing is measured against: diffusers' own pipeline on the same weights, set up as its documentation says."""

import json
import shutil
from pathlib import Path
from typing import Any

import diffusers
import torch
from transformers import CLIPTokenizer

from danqing.weights.assets import asset

DIFFUSERS: Any = diffusers
"""Its names are not exported as type checkers want it, and hardly typed."""


def pipeline_of_folder(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """diffusers' pipeline for a diffusers folder, with the shipped vocabulary."""
    return _quiet(
        DIFFUSERS.StableDiffusionPipeline.from_pretrained(
            folder, tokenizer=_tokenizer(), dtype=dtype, local_files_only=True
        )
    )


def pipeline_of_file(path: Path, configs: Path, dtype: torch.dtype = torch.float32) -> Any:
    """diffusers' pipeline for a single file; `configs` as `write_configs` makes it."""
    return _quiet(
        DIFFUSERS.StableDiffusionPipeline.from_single_file(
            path, config=str(configs), tokenizer=_tokenizer(), dtype=dtype, local_files_only=True
        )
    )


def write_configs(folder: Path) -> Path:
    """The configs of SD1 as the folder that diffusers wants beside a single file."""
    shipped: dict[str, Any] = json.loads(asset("configs", "sd1.json").read_text("utf-8"))
    text = {key: value for key, value in shipped["text_encoders"][0].items() if key != "class"}
    parts: dict[str, tuple[str, str, str, dict[str, Any]]] = {
        "unet": ("diffusers", "UNet2DConditionModel", "config.json", shipped["unet"]),
        "vae": ("diffusers", "AutoencoderKL", "config.json", shipped["vae"]),
        "text_encoder": ("transformers", "CLIPTextModel", "config.json", {"model_type": "clip_text_model", **text}),
        "scheduler": ("diffusers", "PNDMScheduler", "scheduler_config.json", shipped["scheduler"]),
    }
    for name, (_, kind, file, config) in parts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / file).write_text(json.dumps({"_class_name": kind, **config}), "utf-8")
    words = folder / "tokenizer"
    words.mkdir(exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(asset("tokenizer", name), words / name)
    index: dict[str, Any] = {name: [library, kind] for name, (library, kind, _, _) in parts.items()}
    index |= {"tokenizer": ["transformers", "CLIPTokenizer"], "requires_safety_checker": False}
    index |= {name: [None, None] for name in ("safety_checker", "feature_extractor", "image_encoder")}
    index["_class_name"] = "StableDiffusionPipeline"
    (folder / "model_index.json").write_text(json.dumps(index), "utf-8")
    return folder


def _tokenizer() -> Any:
    kind: Any = CLIPTokenizer
    return kind(str(asset("tokenizer", "vocab.json")), str(asset("tokenizer", "merges.txt")), model_max_length=77)


def _quiet(pipe: Any) -> Any:
    """With Euler as danqing walks it, so that both do the same work and paint the same picture; without a progress bar."""
    pipe.scheduler = DIFFUSERS.EulerDiscreteScheduler.from_config(pipe.scheduler.config, timestep_spacing="linspace")
    pipe.set_progress_bar_config(disable=True)
    return pipe
