"""What the UNet is taught on: the latents of the training pictures, with the VAE and the text tower that they go with,
frozen as they were that day."""

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from transformers import CLIPTextConfig, CLIPTextModel

from danqing.base.errors import TrainingError
from danqing.training.loop import autocast
from danqing.training.mini.clip import build_clip, text_config
from danqing.training.mini.dataset import PictureSet, read_split
from danqing.training.mini.plans import Plan
from danqing.training.mini.vae import build_vae, tensor_of
from danqing.training.resume import read_state
from danqing.training.runs import open_run

log = logging.getLogger(__name__)

_BLOCK = 64
_CONTEXTS = "train_contexts.npy"


@dataclass(frozen=True, eq=False)
class Prepared:
    """means and deviations (N, C, h, w) float16, not scaled; `scale` brings latents to a spread of 1.

    contexts: what the text tower says to the training captions, (N, K, 77, W) as bits of bfloat16, or None where it is
    asked at every step.
    """

    folder: Path
    scale: float
    vae: Any
    text: Any
    means: dict[str, NDArray[np.float16]]
    deviations: dict[str, NDArray[np.float16]]
    contexts: NDArray[np.uint16] | None

    def context(self, rows: NDArray[np.int64], which: NDArray[np.int64]) -> Tensor | None:
        """Of training captions, bfloat16, if it was kept. (len(rows), 77, W)."""
        if self.contexts is None:
            return None
        return torch.from_numpy(self.contexts[rows, which].view(np.int16)).view(torch.bfloat16)

    def latents(self, split: str, rows: NDArray[np.int64], luck: Generator) -> Tensor:
        """Scaled samples of the pictures' latents. (len(rows), C, h, w)."""
        mean = torch.from_numpy(self.means[split][rows].astype(np.float32))
        deviation = torch.from_numpy(self.deviations[split][rows].astype(np.float32))
        return (mean + deviation * torch.randn(mean.shape, generator=luck)) * self.scale


def prepare(plan: Plan, work: Path, device: torch.device, limit: int | None = None, anew: bool = False) -> Prepared:
    """Freezes the averaged VAE and text tower and encodes the pictures, or reads back what was prepared before.

    limit: only so many training pictures. anew: freeze again, from what the VAE and CLIP have learned since; a UNet
    that
    was trained on the old latents goes on from there and adapts.
    """
    folder = work / "prepared" / plan.name
    if anew or not (folder / "about.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for stale in ("about.json", _CONTEXTS):
            (folder / stale).unlink(missing_ok=True)
        _freeze(plan, work, folder)
        vae = _frozen_vae(plan, folder).to(device, memory_format=torch.channels_last)
        spread = [
            _encode(vae, read_split(work, split), folder, split, device, count)
            for split, count in (("train", limit), ("validation", None))
        ]
        if device.type == "cpu" and plan["unet"].pace.precision == "bfloat16":
            # The text tower is a seventh of a step on a CPU, and a caption is drawn about ten times. On a GPU asking it
            # again is cheaper than carrying what it said.
            _keep_contexts(plan, work, folder, limit)
        about = {"scale": 1 / spread[0], "vae_step": _step(work, plan, "vae"), "clip_step": _step(work, plan, "clip")}
        part = folder / "about.json.part"
        part.write_text(json.dumps(about), encoding="utf-8")
        part.replace(folder / "about.json")
    return read_prepared(plan, work)


def read_prepared(plan: Plan, work: Path) -> Prepared:
    """What `prepare` left."""
    folder = work / "prepared" / plan.name
    if not (folder / "about.json").exists():
        raise TrainingError(f"the latents of plan {plan.name!r} are not prepared yet")
    about: dict[str, Any] = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    means, deviations = (
        {split: np.load(folder / f"{split}_{what}.npy", mmap_mode="r") for split in ("train", "validation")}
        for what in ("mean", "deviation")
    )
    kept = folder / _CONTEXTS
    contexts = np.load(kept, mmap_mode="r") if kept.exists() else None
    return Prepared(
        folder, about["scale"], _frozen_vae(plan, folder), _frozen_text(plan, folder), means, deviations, contexts
    )


def learned_vae(plan: Plan, work: Path) -> Any | None:
    """The VAE as it stands in its run, averaged, or None before its first lesson."""
    state = read_state(open_run(work, f"{plan.name}-vae").state)
    if state is None:
        return None
    vae = _built_vae(plan)
    vae.load_state_dict(state.average)
    return vae.eval().requires_grad_(False)


def _freeze(plan: Plan, work: Path, folder: Path) -> None:
    state = read_state(open_run(work, f"{plan.name}-vae").state)
    if state is None:
        raise TrainingError(f"the VAE of plan {plan.name!r} has no state yet: train it first")
    torch.save(state.average, folder / "vae.pt")
    clip = build_clip(plan["clip"].settings)
    learned = read_state(open_run(work, f"{plan.name}-clip").state)
    if learned is None:
        raise TrainingError(f"the CLIP of plan {plan.name!r} has no state yet: train it first")
    clip.load_state_dict(learned.average)
    torch.save(clip.text_model.state_dict(), folder / "text.pt")


def _built_vae(plan: Plan) -> Any:
    settings = plan["vae"].settings
    return build_vae(tuple(settings["channels"]), settings["latents"])


def _frozen_text(plan: Plan, folder: Path) -> Any:
    text = CLIPTextModel._from_config(CLIPTextConfig(**text_config(plan["clip"].settings)), attn_implementation="eager")
    text.load_state_dict(torch.load(folder / "text.pt", weights_only=True))
    return text.eval().requires_grad_(False)


def _frozen_vae(plan: Plan, folder: Path) -> Any:
    vae = _built_vae(plan)
    vae.load_state_dict(torch.load(folder / "vae.pt", weights_only=True))
    return vae.eval().requires_grad_(False)


@torch.no_grad()
def _encode(vae: Any, pictures: PictureSet, folder: Path, split: str, device: torch.device, limit: int | None) -> float:
    """Writes the latents of a split; their spread (root mean square) comes back."""
    count = min(len(pictures), limit or len(pictures))
    side = pictures.pictures.shape[1] // 8
    shape = (count, int(vae.config["latent_channels"]), side, side)
    files = [
        np.lib.format.open_memmap(folder / f"{split}_{what}.npy", "w+", np.float16, shape)
        for what in ("mean", "deviation")
    ]
    total = 0.0
    for start in range(0, count, _BLOCK):
        block = slice(start, min(start + _BLOCK, count))
        with autocast(device, "bfloat16"):
            spread = vae.encode(tensor_of(pictures.pictures[block], device)).latent_dist
        for file, values in zip(files, (spread.mean, spread.std), strict=True):
            file[block] = values.float().cpu().numpy().astype(np.float16)
        total += float((spread.mean.float().square() + spread.std.float().square()).sum())
        if start % (64 * _BLOCK) == 0:
            log.info("%s: %d of %d latents", split, start, count)
    for file in files:
        file.flush()
    return (total / float(np.prod(shape))) ** 0.5


@torch.no_grad()
def _keep_contexts(plan: Plan, work: Path, folder: Path, limit: int | None) -> None:
    """Asks the text tower once for every training caption. Rounded as autocast would round it for the UNet anyway."""
    text, ids = _frozen_text(plan, folder), read_split(work, "train").ids[:limit]
    shape = (*ids.shape, plan["clip"].settings["text_width"])
    part = folder / f"{_CONTEXTS}.part"
    file = np.lib.format.open_memmap(part, "w+", np.uint16, shape)
    for start in range(0, len(ids), _BLOCK):
        block = slice(start, start + _BLOCK)
        words = torch.from_numpy(ids[block].reshape(-1, ids.shape[-1]).astype(np.int64))
        said = words_in_context(text, words, "bfloat16").to(torch.bfloat16)
        file[block] = said.view(torch.int16).numpy().view(np.uint16).reshape(-1, *shape[1:])
        if start % (64 * _BLOCK) == 0:
            log.info("train: %d of %d captions", start, len(ids))
    file.flush()
    part.replace(folder / _CONTEXTS)


@torch.no_grad()
def words_in_context(text: Any, ids: Tensor, precision: str) -> Tensor:
    """What the text tower says to ids (B, 77). (B, 77, W)."""
    with autocast(ids.device, precision):
        return text(input_ids=ids).last_hidden_state


def _step(work: Path, plan: Plan, part: str) -> int:
    state = read_state(open_run(work, f"{plan.name}-{part}").state)
    return state.step if state else 0
