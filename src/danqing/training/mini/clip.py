"""The lesson of the embedded CLIP: a text tower, which then conditions the UNet, and an image tower, which serves
tagging and search."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor, nn
from transformers import CLIPConfig, CLIPModel

from danqing.training.loop import Figures, autocast
from danqing.training.losses import contrastive_loss
from danqing.training.luck import choose
from danqing.training.mini.vae import tensor_of
from danqing.training.pace import Pace

VOCABULARY = 49408
START, END = 49406, 49407

_HEAD = 64
"""Width of an attention head."""
_MAX_SCALE = 100.0


def text_config(settings: dict[str, Any]) -> dict[str, Any]:
    """transformers' text configuration of a plan."""
    width = settings["text_width"]
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": settings["text_layers"],
        "num_attention_heads": max(1, width // _HEAD),
        "max_position_embeddings": 77,
        "projection_dim": settings["projection"],
        "hidden_act": "quick_gelu",
        "bos_token_id": START,
        "eos_token_id": END,
        "pad_token_id": END,
    }


def build_clip(settings: dict[str, Any], seed: int = 1) -> Any:
    """A fresh CLIP. Explicit attention: on a CPU its backward is faster than that of the fused one at these sizes."""
    width = settings["picture_width"]
    vision = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": settings["picture_layers"],
        "num_attention_heads": max(1, width // _HEAD),
        "image_size": settings["picture_side"],
        "patch_size": settings["patch"],
        "projection_dim": settings["projection"],
        "hidden_act": "quick_gelu",
    }
    config = CLIPConfig(text_config=text_config(settings), vision_config=vision, projection_dim=settings["projection"])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return CLIPModel._from_config(config, attn_implementation="eager")


@dataclass(frozen=True, eq=False)
class ClipLesson:
    """Which caption belongs to which picture. ids (N, K, 77); a batch takes the same caption of each picture."""

    clip: Any
    pictures: NDArray[np.uint8]
    ids: NDArray[np.uint16]
    validation: tuple[NDArray[np.uint8], NDArray[np.uint16]]
    device: torch.device

    def __post_init__(self) -> None:
        self.clip.to(self.device)

    @property
    def network(self) -> nn.Module:
        """Both towers."""
        return self.clip

    def loss(self, pace: Pace, luck: Generator) -> tuple[Tensor, Figures]:
        """The contrast within one batch."""
        rows = choose(pace.batch, len(self.ids), luck).numpy()
        # One form of caption a batch: short ones make a batch several times cheaper when they stand among themselves.
        which = int(torch.randint(self.ids.shape[1], (), generator=luck))
        ids = trimmed(torch.from_numpy(self.ids[rows, which].astype(np.int64))).to(self.device)
        pictures = tensor_of(self.pictures[rows], self.device)
        with autocast(self.device, pace.precision):
            texts, seen = features(self.clip, ids, pictures)
        scale = self.clip.logit_scale.exp().clamp(max=_MAX_SCALE)
        return contrastive_loss(texts, seen, scale), {}

    def look(self, network: nn.Module) -> Figures:
        """Share of held-out captions whose picture comes first among 500, for the fullest and the shortest caption."""
        pictures, ids = self.validation
        count = min(500, len(ids))
        figures = {}
        with autocast(self.device, "bfloat16"):
            for name, which in (("top1", 0), ("top1_short", 2)):
                words = trimmed(torch.from_numpy(ids[:count, which].astype(np.int64))).to(self.device)
                texts, seen = features(network, words, tensor_of(pictures[:count], self.device))
                first = (texts @ seen.T).argmax(1).cpu()
                figures[name] = (first == torch.arange(count)).float().mean().item()
        return figures


def trimmed(ids: Tensor) -> Tensor:
    """The ids without the padding that every row has: attention is causal, so what comes after the end changes
    nothing. (B, 77) to (B, L)."""
    longest = int((ids != END).sum(1).max()) + 1
    return ids[:, :longest]


def features(clip: Any, ids: Tensor, pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors of texts (B, 77) and pictures (B, 3, H, W), float32. (B, D) each."""
    side = clip.config.vision_config.image_size
    small = F.interpolate(pictures, (side, side), mode="area") if pictures.shape[-1] != side else pictures
    texts = clip.text_projection(clip.text_model(input_ids=ids).pooler_output)
    seen = clip.visual_projection(clip.vision_model(pixel_values=small).pooler_output)
    return F.normalize(texts.float(), dim=-1), F.normalize(seen.float(), dim=-1)
