"""The structure of networks, read off tensor names and shapes or off a diffusers config: widths, depths, layers. Needs no torch."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from danqing.weights.header import Header

UNET_PREFIX = "model.diffusion_model."
VAE_PREFIX = "first_stage_model."


@dataclass(frozen=True)
class UNetStructure:
    """`channels` a level, outermost first; `depths` transformer layers a level (0: no attention); `layers` residual blocks a level.

    `vector` is the width of the vector that joins the time embedding (SDXL: pooled text and size ids), 0 without.
    """

    in_channels: int
    out_channels: int
    channels: tuple[int, ...]
    depths: tuple[int, ...]
    layers: int
    context: int
    linear: bool
    vector: int = 0

    @property
    def size_ids(self) -> bool:
        return self.vector > 0


@dataclass(frozen=True)
class VaeStructure:
    """`channels` a level, outermost first; `latent` channels of a latent."""

    channels: tuple[int, ...]
    layers: int
    latent: int


@dataclass(frozen=True)
class TextStructure:
    width: int
    inner: int
    layers: int
    vocabulary: int
    positions: int
    projection: int


def unet_of_ldm(header: Header) -> UNetStructure | None:
    """The structure of a UNet in Stable Diffusion's own names, prefix taken off; None when it is something else."""
    first, last = header.shape("input_blocks.0.0.weight"), header.shape("out.2.weight")
    if len(first) != 4 or len(last) != 4:
        return None
    blocks: list[list[tuple[int, int]]] = [[]]  # a level's residual blocks: (channels, transformer layers)
    for number in range(1, _count(header, r"input_blocks\.(\d+)\.")):
        if f"input_blocks.{number}.0.op.weight" in header:
            blocks.append([])
            continue
        shape = header.shape(f"input_blocks.{number}.0.in_layers.2.weight")
        if not shape:
            return None
        blocks[-1].append((shape[0], _count(header, rf"input_blocks\.{number}\.1\.transformer_blocks\.(\d+)\.")))
    if not all(blocks) or len({len(level) for level in blocks}) != 1 or any(len(set(level)) != 1 for level in blocks):
        return None
    context = _first_shape(header, ".attn2.to_k.weight")
    projection = _first_shape(header, ".1.proj_in.weight")
    vector = header.shape("label_emb.0.0.weight")
    return UNetStructure(
        in_channels=first[1],
        out_channels=last[0],
        channels=tuple(level[0][0] for level in blocks),
        depths=tuple(level[0][1] for level in blocks),
        layers=len(blocks[0]),
        context=context[1] if len(context) == 2 else 0,
        linear=len(projection) == 2,
        vector=vector[1] if vector else 0,
    )


def unet_of_config(config: Mapping[str, Any]) -> UNetStructure:
    """The same out of a diffusers folder's unet/config.json. Missing entries have diffusers' defaults."""
    channels = tuple(config.get("block_out_channels", (320, 640, 1280, 1280)))
    kinds = config.get("down_block_types", ("CrossAttnDownBlock2D",) * (len(channels) - 1) + ("DownBlock2D",))
    depth = config.get("transformer_layers_per_block", 1)
    depths = depth if isinstance(depth, Sequence) else [depth] * len(channels)
    context = config.get("cross_attention_dim", 1280)
    return UNetStructure(
        in_channels=config.get("in_channels", 4),
        out_channels=config.get("out_channels", 4),
        channels=channels,
        depths=tuple(int(d) if "CrossAttn" in kind else 0 for kind, d in zip(kinds, depths, strict=False)),
        layers=_same(config.get("layers_per_block", 2)),
        context=_same(context),
        linear=bool(config.get("use_linear_projection", False)),
        vector=config.get("projection_class_embeddings_input_dim") or 0,
    )


def unet_of_diffusers(header: Header) -> UNetStructure | None:
    """The same off the tensor names that diffusers uses."""
    first, last = header.shape("conv_in.weight"), header.shape("conv_out.weight")
    levels = _count(header, r"down_blocks\.(\d+)\.resnets\.")
    if len(first) != 4 or len(last) != 4 or not levels or "time_embedding.linear_1.weight" not in header:
        return None
    context = _first_shape(header, ".attn2.to_k.weight")
    projection = _first_shape(header, ".proj_in.weight")
    vector = header.shape("add_embedding.linear_1.weight")
    return UNetStructure(
        in_channels=first[1],
        out_channels=last[0],
        channels=tuple(header.shape(f"down_blocks.{level}.resnets.0.conv1.weight")[0] for level in range(levels)),
        depths=tuple(
            _count(header, rf"down_blocks\.{level}\.attentions\.0\.transformer_blocks\.(\d+)\.")
            for level in range(levels)
        ),
        layers=_count(header, r"down_blocks\.0\.resnets\.(\d+)\."),
        context=context[1] if len(context) == 2 else 0,
        linear=len(projection) == 2,
        vector=vector[1] if vector else 0,
    )


def vae_of_ldm(header: Header) -> VaeStructure | None:
    """The structure of an autoencoder in Stable Diffusion's own names, prefix taken off."""
    levels = _count(header, r"encoder\.down\.(\d+)\.block\.")
    latent = header.shape("decoder.conv_in.weight")
    if not levels or len(latent) != 4:
        return None
    channels = tuple(header.shape(f"encoder.down.{level}.block.0.conv1.weight")[0] for level in range(levels))
    return VaeStructure(channels, _count(header, r"encoder\.down\.0\.block\.(\d+)\."), latent[1])


def vae_of_diffusers(header: Header) -> VaeStructure | None:
    """The same off the tensor names that diffusers uses."""
    levels = _count(header, r"encoder\.down_blocks\.(\d+)\.resnets\.")
    latent = header.shape("decoder.conv_in.weight")
    if not levels or len(latent) != 4:
        return None
    channels = tuple(header.shape(f"encoder.down_blocks.{level}.resnets.0.conv1.weight")[0] for level in range(levels))
    return VaeStructure(channels, _count(header, r"encoder\.down_blocks\.0\.resnets\.(\d+)\."), latent[1])


def text_of(header: Header, layout: str) -> TextStructure | None:
    """The structure of a text encoder, prefix taken off; `layout` is "clip" (transformers' names, flat) or "openclip"."""
    clip = layout == "clip"
    table = header.shape("embeddings.token_embedding.weight" if clip else "token_embedding.weight")
    places = header.shape("embeddings.position_embedding.weight" if clip else "positional_embedding")
    inner = header.shape("encoder.layers.0.mlp.fc1.weight" if clip else "transformer.resblocks.0.mlp.c_fc.weight")
    if len(table) != 2 or len(places) != 2 or len(inner) != 2:
        return None
    layers = _count(header, r"encoder\.layers\.(\d+)\." if clip else r"transformer\.resblocks\.(\d+)\.")
    projection = header.shape("text_projection.weight")[:1] if clip else header.shape("text_projection")[1:]
    return TextStructure(table[1], inner[0], layers, table[0], places[0], projection[0] if projection else table[1])


def groups_for(channels: Sequence[int], most: int = 32) -> int:
    """How many groups a norm over these widths has: as many as the original, or as divide the widths of a network scaled down."""
    return next(groups for groups in range(most, 0, -1) if math.gcd(*channels) % groups == 0 and most % groups == 0)


def _same(value: Any) -> int:
    """The one number in a list of equal ones; -1 for a mixed list, which no family has."""
    if isinstance(value, Sequence):
        return int(value[0]) if len(set(value)) == 1 else -1
    return int(value)


def _count(header: Header, pattern: str) -> int:
    """How many numbers, from 0 on without a gap, the pattern finds at the begin of names; 0 where there is a gap."""
    compiled = re.compile(pattern)
    found = {int(match[1]) for name in header.tensors if (match := compiled.match(name))}
    return len(found) if found == set(range(len(found))) else 0


def _first_shape(header: Header, ending: str) -> tuple[int, ...]:
    return next((info.shape for name, info in header.tensors.items() if name.endswith(ending)), ())
