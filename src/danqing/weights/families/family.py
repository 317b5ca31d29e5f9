"""What a model family is: the network structure by which it is recognised, and what painting needs to know of it. Data only, no torch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from danqing.weights.assets import asset
from danqing.weights.structure import UNetStructure


@dataclass(frozen=True)
class LatentFormat:
    """`channels` of a latent, pixels along one of its points (`factor`), and `scale`: latent = (encoded - shift) * scale."""

    channels: int = 4
    factor: int = 8
    scale: float = 0.18215
    shift: float = 0.0


@dataclass(frozen=True)
class TextTower:
    """One text encoder of a family: its tokens, which of its layers the network reads, and where a single file keeps it.

    `skip` counts layers from the end, 1 is the last; where `clip_skip`, a recipe's clip skip counts on from there.
    `final_norm` says whether the last norm follows.
    """

    prefix: str
    layout: Literal["clip", "openclip"] = "clip"
    bos: int = 49406
    eos: int = 49407
    pad: int = 49407
    skip: int = 1
    final_norm: bool = True
    pooled: bool = False
    clip_skip: bool = True


@dataclass(frozen=True)
class Pattern:
    """The structure that marks a family, whatever its width. `depths` are transformer layers a level, 0 where it has no attention."""

    depths: tuple[int, ...]
    layers: int
    linear: bool = False
    size_ids: bool = False
    in_channels: int = 4

    def fits(self, found: UNetStructure) -> bool:
        """Whether a network is built so."""
        return (found.depths, found.layers, found.size_ids, found.in_channels) == (
            self.depths,
            self.layers,
            self.size_ids,
            self.in_channels,
        ) and found.linear == self.linear


@dataclass(frozen=True)
class Family:
    """`name` is stored in catalogs ("sd1"), `title` is for people ("SD 1.x"); `config` names the JSON in assets/configs, `own_config` replaces it.

    `kin` names the family whose LoRAs fit as well. `context_width` is that of the published size; a live model's own stands in its config.
    """

    name: str
    title: str
    pattern: Pattern
    towers: tuple[TextTower, ...]
    latent: LatentFormat = LatentFormat()
    width: int = 512
    height: int = 512
    steps: int = 20
    cfg_scale: float = 7.0
    clip_skip: int = 1
    context_width: int = 768
    unet_channels: int = 4
    prediction: str = "epsilon"
    kin: str = ""
    size_ids: int = 0
    edits: bool = False
    """Whether the network's further channels show it a picture to edit (InstructPix2Pix), not a mask and what is around it."""
    config: str = ""
    own_config: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def read_config(self) -> Mapping[str, Any]:
        """{"unet": ..., "vae": ..., "text_encoders": [...], "scheduler": ...} in diffusers' and transformers' words, full width."""
        return self.own_config or json.loads(asset("configs", f"{self.config}.json").read_text("utf-8"))
