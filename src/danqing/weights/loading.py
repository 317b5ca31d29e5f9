"""Loads live models from single files and diffusers folders: offline, memory-mapped, configs from the assets."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.diffusion.prediction import scaled_linear, zero_terminal_snr
from danqing.prompt.tokens import Vocabulary, read_vocabulary
from danqing.weights.assets import asset
from danqing.weights.building import Built, TextEncoder, fill
from danqing.weights.families import FAMILIES, Families, LatentFormat
from danqing.weights.folder import read_folder
from danqing.weights.model import DiffusionModel
from danqing.weights.origin import Origin
from danqing.weights.place import Place
from danqing.weights.single_file import UNKNOWN, read_single_file, vae_in_file
from danqing.weights.tensorfile import open_tensors

log = logging.getLogger(__name__)

PREDICTIONS = {"epsilon": "epsilon", "v_prediction": "velocity", "sample": "sample"}


def load_model(
    path: Path, place: Place, families: Families = FAMILIES, vocabulary: Vocabulary | None = None
) -> DiffusionModel:
    """The checkpoint at `path`, a single file or a diffusers folder, ready to paint. Raises ModelError saying what is wrong with it.

    `vocabulary` is the shipped one where the caller holds it already; a folder with a tokenizer of its own uses that.
    """
    started = time.perf_counter()
    with torch.inference_mode(mode=False), torch.no_grad():
        plan = read_folder(path, families) if path.is_dir() else read_single_file(path, families)
        parts = plan.parts()
        here = place.for_size(sum(one.numel() for part in parts.values() for one in part.module.parameters()))
        for name, part in parts.items():
            fill(path.name, part, here, vae=name == "vae")
    unknown = [name for name, reason in plan.ignored.items() if reason == UNKNOWN]
    if unknown:
        log.warning("%s: %d tensors are of no known use (%s ...)", path.name, len(unknown), ", ".join(unknown[:3]))
    words = path / "tokenizer"
    model = DiffusionModel(
        name=path.stem,
        family=replace(
            plan.family,
            towers=plan.towers,
            latent=latent_of(_as(AutoencoderKL, plan.vae)),
            context_width=int(_as(UNet2DConditionModel, plan.unet).config["cross_attention_dim"]),
        ),
        unet=_as(UNet2DConditionModel, plan.unet),
        vae=_as(AutoencoderKL, plan.vae),
        text_encoders=tuple(_encoder(built) for built in plan.encoders),
        vocabulary=_vocabulary(words) if (words / "vocab.json").is_file() else vocabulary or shipped_vocabulary(),
        prediction=PREDICTIONS.get(str(plan.schedule.get("prediction_type")), plan.family.prediction),
        alphas_cumprod=alphas_of(plan.schedule),
        place=here,
        origin=Origin({name: built.origin for name, built in parts.items()}, plan.ignored),
    )
    seconds = time.perf_counter() - started
    log.info(
        "loaded %s (%s, %.2f GB, %s) in %.1f s",
        path.stem,
        plan.family.title,
        model.bytes / 1e9,
        here.dtype_name,
        seconds,
    )
    return model


def load_vae(path: Path, like: DiffusionModel, families: Families = FAMILIES) -> tuple[AutoencoderKL, Built]:
    """A VAE file's autoencoder for a model, and where it came from. Raises ModelError when its latents are others than the model's."""
    with torch.inference_mode(mode=False), torch.no_grad():
        built = vae_in_file(open_tensors(path), like.family.read_config()["vae"])
        vae = _as(AutoencoderKL, built)
        channels = int(vae.config["latent_channels"])
        if channels != like.latent.channels:
            raise ModelError(
                f"{path.name}: a VAE with {channels} latent channels, but {like.name} paints with {like.latent.channels}"
            )
        fill(path.name, built, like.place, vae=True)
    return vae, built


def latent_of(vae: AutoencoderKL) -> LatentFormat:
    """Channels, factor and scale of an autoencoder's latents."""
    config: Mapping[str, Any] = vae.config
    factor = 2 ** (len(config["block_out_channels"]) - 1)
    return LatentFormat(
        int(config["latent_channels"]), factor, float(config["scaling_factor"]), float(config["shift_factor"] or 0.0)
    )


def alphas_of(schedule: Mapping[str, Any]) -> Tensor:
    """alphas_cumprod (steps,) float64 of a scheduler config in diffusers' words. Raises ModelError for another kind of schedule."""
    steps = int(schedule.get("num_train_timesteps", 1000))
    first, last = float(schedule.get("beta_start", 0.00085)), float(schedule.get("beta_end", 0.012))
    kind = schedule.get("beta_schedule", "scaled_linear")
    if kind == "scaled_linear":
        alphas = scaled_linear(steps, first, last)
    elif kind == "linear":
        alphas = torch.cumprod(1 - torch.linspace(first, last, steps, dtype=torch.float64), 0)
    else:
        raise ModelError(f"a noise schedule of kind {str(kind)[:40]!r} isn't known; possible: scaled_linear, linear")
    return zero_terminal_snr(alphas) if schedule.get("rescale_betas_zero_snr") else alphas


def shipped_vocabulary() -> Vocabulary:
    """CLIP's vocabulary as it lies in the assets."""
    return _vocabulary(asset("tokenizer"))


def _vocabulary(folder: Path) -> Vocabulary:
    return read_vocabulary(folder / "vocab.json", folder / "merges.txt")


def _as(kind: type[Any], built: Built) -> Any:
    assert isinstance(built.module, kind)
    return built.module


def _encoder(built: Built) -> TextEncoder:
    assert isinstance(built.module, TextEncoder)
    return built.module
