"""Configs for networks as they are: a family's published config with widths, depths and layers replaced by what the file's shapes say."""

from collections.abc import Mapping
from typing import Any

from danqing.weights.structure import TextStructure, UNetStructure, VaeStructure, groups_for

Config = dict[str, Any]


def fitted_unet(config: Mapping[str, Any], found: UNetStructure, pooled: int, size_ids: int) -> Config:
    """The UNet config of a file. `pooled` is the width of the pooled text, `size_ids` how many numbers follow it (SDXL: 6)."""
    depths = [depth or 1 for depth in found.depths]
    fitted = {
        **config,
        "in_channels": found.in_channels,
        "out_channels": found.out_channels,
        "block_out_channels": list(found.channels),
        "layers_per_block": found.layers,
        "cross_attention_dim": found.context,
        "use_linear_projection": found.linear,
        "norm_num_groups": groups_for(found.channels, config.get("norm_num_groups", 32)),
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in found.depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(found.depths)],
    }
    if "transformer_layers_per_block" not in config:
        fitted["transformer_layers_per_block"] = depths if len(set(depths)) > 1 else depths[0]
    if found.vector and size_ids:
        fitted["projection_class_embeddings_input_dim"] = found.vector
        fitted["addition_time_embed_dim"] = (found.vector - pooled) // size_ids
    return fitted


def fitted_vae(config: Mapping[str, Any], found: VaeStructure) -> Config:
    """The autoencoder config of a file."""
    levels = len(found.channels)
    return {
        **config,
        "latent_channels": found.latent,
        "block_out_channels": list(found.channels),
        "layers_per_block": found.layers,
        "norm_num_groups": groups_for(found.channels, config.get("norm_num_groups", 32)),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
    }


def fitted_text(config: Mapping[str, Any], found: TextStructure) -> Config:
    """The text encoder config of a file. Layers beyond the config's are left out: SD2 was trained without OpenCLIP's last."""
    return {
        **config,
        "vocab_size": found.vocabulary,
        "hidden_size": found.width,
        "intermediate_size": found.inner,
        "max_position_embeddings": found.positions,
        "num_hidden_layers": min(found.layers, config["num_hidden_layers"]),
        "projection_dim": found.projection,
    }
