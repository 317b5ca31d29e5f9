"""The trained parts as files: a diffusers folder in fp16 with its tokenizer, and the upscaler as one file."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from danqing.base.errors import TrainingError
from danqing.training.mini.clip import build_clip
from danqing.training.mini.dataset import read_split
from danqing.training.mini.plans import Plan
from danqing.training.mini.prepared import read_prepared
from danqing.training.mini.unet import build_unet, sd_prediction
from danqing.training.resume import read_state
from danqing.training.runs import open_run
from danqing.training.samples import Networks
from danqing.weights.assets import asset
from danqing.weights.save import write_tensors

_SCHEDULER = {
    "_class_name": "DDPMScheduler",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "v_prediction",
    "steps_offset": 1,
    "timestep_spacing": "leading",
}
_INDEX: dict[str, Any] = {
    "_class_name": "StableDiffusionPipeline",
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDPMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
UPSCALER = "danqing-mini-4x"
_FOLDER = "export"
_TOKENIZER = {
    "tokenizer_class": "CLIPTokenizer",
    "model_max_length": 77,
    "bos_token": "<|startoftext|>",
    "eos_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
}


def trained_networks(plan: Plan, work: Path, device: torch.device) -> Networks:
    """The averaged UNet with the VAE and text tower it was taught with; the decoder taught on where there is one."""
    prepared = read_prepared(plan, work)
    settings = plan["clip"].settings
    unet = build_unet(plan["unet"].settings, settings["text_width"], plan["vae"].settings["latents"])
    learned = read_state(open_run(work, f"{plan.name}-unet").state)
    if learned is not None:
        unet.load_state_dict(learned.average)
    decoder = read_state(open_run(work, f"{plan.name}-decoder").state)
    if decoder is not None:
        prepared.vae.load_state_dict(decoder.average)
    for part in (unet, prepared.vae, prepared.text):
        part.to(device).eval().requires_grad_(False)
    return Networks(unet, prepared.vae, prepared.text, sd_prediction(), prepared.scale, device)


def opened_networks(folder: Path, device: torch.device) -> Networks:
    """The networks of a diffusers folder of this make, such as the one that ships."""
    if not (folder / "model_index.json").is_file():
        raise TrainingError(f"{folder} is no diffusers folder: it has no model_index.json")
    parts: dict[str, Any] = {
        "unet": UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32),
        "vae": AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float32),
        "text": CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32),
    }
    for part in parts.values():
        part.to(device).eval().requires_grad_(False)
    return Networks(
        **parts, prediction=sd_prediction(), scale=float(parts["vae"].config["scaling_factor"]), device=device
    )


def export_all(plan: Plan, work: Path) -> Path:
    """The model and its upscaler, in `export` of the work folder."""
    export(plan, work, work / _FOLDER / "model")
    export_upscaler(plan, work)
    return work / _FOLDER


def export_upscaler(plan: Plan, work: Path) -> Path:
    """The averaged upscaler in fp16, its tensors named as in Real-ESRGAN's compact networks."""
    state = read_state(open_run(work, f"{plan.name}-upscaler").state)
    if state is None:
        raise TrainingError(f"the upscaler of plan {plan.name!r} has no state yet: train it first")
    path = work / _FOLDER / f"{UPSCALER}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensors(path, {name: tensor.to(torch.float16) for name, tensor in state.average.items()})
    return path


def export(plan: Plan, work: Path, out: Path) -> Path:
    """Writes the folder anew; it loads in plain diffusers."""
    networks = trained_networks(plan, work, torch.device("cpu"))
    aside = out.with_name(f"{out.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    networks.vae.register_to_config(scaling_factor=networks.scale)
    text = copy.deepcopy(networks.text)
    silence_unused(text, used_tokens(work))
    for name, part in (("unet", networks.unet), ("vae", networks.vae), ("text_encoder", text)):
        part.to(torch.float16).save_pretrained(aside / name)
    clip_state = read_state(open_run(work, f"{plan.name}-clip").state)
    if clip_state is not None:
        clip = build_clip(plan["clip"].settings)
        clip.load_state_dict(clip_state.average)
        silence_unused(clip.text_model, used_tokens(work))
        clip.to(torch.float16).save_pretrained(aside / "clip")
    for folder, name, facts in (
        ("scheduler", "scheduler_config.json", _SCHEDULER),
        ("tokenizer", "tokenizer_config.json", _TOKENIZER),
        (".", "model_index.json", _INDEX),
    ):
        (aside / folder).mkdir(exist_ok=True)
        (aside / folder / name).write_text(json.dumps(facts, indent=1), encoding="utf-8")
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(asset("tokenizer", name), aside / "tokenizer" / name)
    shutil.rmtree(out, ignore_errors=True)
    aside.rename(out)
    return out


def used_tokens(work: Path) -> Tensor:
    """The ids that any training caption holds, rising."""
    return torch.from_numpy(np.unique(read_split(work, "train").ids).astype(np.int64))


@torch.no_grad()
def silence_unused(text: Any, used: Tensor) -> None:
    """Sets the rows of tokens that no caption held to zero: they mean nothing, and zeros compress away."""
    table: Tensor = text.embeddings.token_embedding.weight
    kept = torch.zeros_like(table)
    kept[used] = table[used]
    table.copy_(kept)
