"""The trained parts as a diffusers folder in fp16, with its tokenizer, and what it paints on one sheet."""

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from danqing.prompt.tokens import Vocabulary
from danqing.training.mini.clip import build_clip
from danqing.training.mini.dataset import clip_vocabulary, encode, read_split
from danqing.training.mini.plans import Plan
from danqing.training.mini.prepared import read_prepared
from danqing.training.mini.prompts import SHEET
from danqing.training.mini.unet import build_unet, empty_prompt, sd_prediction
from danqing.training.resume import read_state
from danqing.training.runs import open_run
from danqing.training.samples import Manner, Networks, paint_samples
from danqing.weights.assets import asset

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


def prompt_ids(prompts: list[str] | tuple[str, ...], vocabulary: Vocabulary) -> Tensor:
    """Token ids as the text tower takes them. (B, 77) int64."""
    return torch.from_numpy(encode(vocabulary, prompts).astype(np.int64))


def paint_sheet(networks: Networks, path: Path, each: int = 2, manner: Manner = Manner()) -> Path:  # noqa: B008
    """The prompts of SHEET, `each` pictures side by side, with their words below."""
    ids = prompt_ids(SHEET, clip_vocabulary()).repeat_interleave(each, 0)
    pictures = paint_samples(networks, ids, empty_prompt(), [1 + i % each for i in range(len(ids))], manner)
    write_sheet(path, pictures, SHEET, each)
    return path


def write_sheet(path: Path, pictures: NDArray[np.uint8], words: tuple[str, ...], each: int, columns: int = 4) -> None:
    """Groups of `each` pictures over their words."""
    side = pictures.shape[1]
    width, height = each * (side + 2) + 6, side + 30
    rows = -(-len(words) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    pen = ImageDraw.Draw(sheet)
    for i, text in enumerate(words):
        x, y = i % columns * width, i // columns * height
        for k in range(each):
            sheet.paste(Image.fromarray(pictures[i * each + k]), (x + k * (side + 2), y))
        for line in range(2):
            pen.text((x, y + side + 1 + 12 * line), text[line * 44 : (line + 1) * 44], fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
