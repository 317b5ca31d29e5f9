"""Checkpoints that are one file in Stable Diffusion's own layout: what is built for them, and which of their tensors go where."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from danqing.base.errors import ModelError
from danqing.weights.building import Blueprint, Built, network, text_encoder
from danqing.weights.detect import detect_header, family_of
from danqing.weights.families import Families
from danqing.weights.families.family import TextTower
from danqing.weights.fitting import fitted_text, fitted_unet, fitted_vae
from danqing.weights.header import Header
from danqing.weights.layout import Layout, Source, clip_rule, layout_of, openclip_rule, unet_rule, vae_rule, with_prefix
from danqing.weights.origin import PartOrigin
from danqing.weights.structure import UNET_PREFIX, VAE_PREFIX, text_of, unet_of_ldm, vae_of_diffusers, vae_of_ldm
from danqing.weights.tensorfile import TensorFile, open_tensors

IGNORED: Mapping[str, str] = MappingProxyType(
    {
        r"model_ema\.": "moving averages of training",
        r"(betas|alphas_cumprod.*|sqrt_.*|log_one_minus_.*|posterior_.*|logvar|lvlb_weights|scale_factor|denoiser\.sigmas)$": "noise schedule",
        r".*position_ids$": "the numbers from 0 to 76",
        r".*logit_scale$": "only for training CLIP",
        r".*text_projection(\.weight)?$": "pooled text, which this family doesn't read",
        r"cond_stage_model\.model\.transformer\.resblocks\.\d+\.": "last layer of OpenCLIP, which SD2 doesn't use",
        r".*\.visual\.|.*\.vision_model\.": "CLIP's eye",
        r"(v_pred|ztsnr)$": "a mark that says how it was trained",
        r"(optimizer|callbacks|loops|lr_schedulers|first_stage_model\.(loss|quantize)\.|control_model\.)": "leftovers of training",
        r"first_stage_model\.model_ema\.": "moving averages of training",
    }
)
"""What published files carry and no network uses, by pattern, with the reason; anything else unused is listed as unknown."""

UNKNOWN = "unknown"


def read_single_file(path: Path, families: Families) -> Blueprint:
    """What a single-file checkpoint holds. Raises ModelError when danqing can't paint with it."""
    file = open_tensors(path)
    structure = unet_of_ldm(file.header.below(UNET_PREFIX))
    family = family_of(structure, families) if structure else None
    if structure is None or family is None:
        raise ModelError(
            f"{path.name}: no checkpoint that danqing can paint with, but {detect_header(file.header, families).note}"
        )
    config = family.read_config()
    encoders = tuple(
        _encoder(file, tower, entry) for tower, entry in zip(family.towers, config["text_encoders"], strict=True)
    )
    pooled = int(config_of(encoders[-1])["projection_dim"])
    unet = network(UNet2DConditionModel, fitted_unet(config["unet"], structure, pooled, family.size_ids), path.name)
    rule = with_prefix(unet_rule(structure.layers, structure.depths), UNET_PREFIX)
    built = Built(unet, PartOrigin((file,), layout_of(unet.state_dict(), rule)))
    vae = vae_in_file(file, config["vae"])
    layouts = [built.origin.layout, vae.origin.layout, *(encoder.origin.layout for encoder in encoders)]
    return Blueprint(
        family=family,
        unet=built,
        vae=vae,
        encoders=encoders,
        towers=family.towers,
        schedule={**config["scheduler"], **_hints(file.header)},
        ignored=ignored(file.header, layouts),
    )


def vae_in_file(file: TensorFile, config: Mapping[str, Any]) -> Built:
    """The autoencoder of a checkpoint or of a VAE file, in Stable Diffusion's or in diffusers' names."""
    for prefix in (VAE_PREFIX, "vae.", ""):
        inner = file.header.below(prefix)
        ldm, plain = vae_of_ldm(inner), vae_of_diffusers(inner)
        found = ldm or plain
        if found is None:
            continue
        vae = network(AutoencoderKL, fitted_vae(config, found), file.path.name)
        rule = vae_rule(len(found.channels)) if ldm else Source
        names = [name for name in vae.state_dict() if not (ldm is None and _old_attention(name, inner))]
        layout = layout_of(names, with_prefix(rule, prefix))
        if ldm is None:
            layout |= {name: Source(prefix + old) for name in vae.state_dict() if (old := _old_attention(name, inner))}
        return Built(vae, PartOrigin((file,), layout))
    raise ModelError(f"{file.path.name}: there is no VAE in it; choose a VAE beside the model, or a model that has one")


def ignored(header: Header, layouts: list[Layout]) -> dict[str, str]:
    """Every tensor of a file that no network takes, with the reason; `UNKNOWN` where there is none."""
    used = {source.name for layout in layouts for source in layout.values()}
    patterns = [(re.compile(pattern), reason) for pattern, reason in IGNORED.items()]
    return {
        name: next((reason for pattern, reason in patterns if pattern.match(name)), UNKNOWN)
        for name in header.tensors
        if name not in used
    }


def config_of(built: Built) -> Mapping[str, Any]:
    """The config of a text encoder as plain values."""
    return built.module.config.to_dict()  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]


def _encoder(file: TensorFile, tower: TextTower, config: Mapping[str, Any]) -> Built:
    inner = file.header.below(tower.prefix)
    nested = "text_model." if tower.layout == "clip" and inner.has_prefix("text_model.") else ""
    found = text_of(inner.below(nested) if nested else inner, tower.layout)
    if found is None:
        raise ModelError(
            f"{file.path.name}: its text encoder is missing ({tower.prefix}*); choose a complete checkpoint"
        )
    encoder = text_encoder(fitted_text(config, found), tower.pooled, file.path.name)
    rule = openclip_rule if tower.layout == "openclip" else clip_rule(nested)
    return Built(encoder, PartOrigin((file,), layout_of(encoder.state_dict(), with_prefix(rule, tower.prefix))))


def _old_attention(name: str, header: Header) -> str:
    """The name of a VAE attention tensor before diffusers 0.13, when the file has that one."""
    for new, old in ((".to_q.", ".query."), (".to_k.", ".key."), (".to_v.", ".value."), (".to_out.0.", ".proj_attn.")):
        if new in name and name.replace(new, old) in header:
            return name.replace(new, old)
    return ""


def _hints(header: Header) -> dict[str, Any]:
    """What the file itself says of how it was trained: marks as tensors, or ModelSpec metadata."""
    spoken = header.metadata.get("modelspec.prediction_type", "").casefold()
    hints: dict[str, Any] = {}
    if "v_pred" in header or spoken in ("v", "v_prediction"):
        hints["prediction_type"] = "v_prediction"
    elif spoken == "epsilon":
        hints["prediction_type"] = "epsilon"
    if "ztsnr" in header:
        hints["rescale_betas_zero_snr"] = True
    return hints
