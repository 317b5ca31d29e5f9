"""Builds diffusers' and transformers' networks without memory and puts a file's tensors into them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from danqing.base.errors import ModelError
from danqing.weights.families import Family
from danqing.weights.families.family import TextTower
from danqing.weights.origin import PartOrigin
from danqing.weights.place import Place

log = logging.getLogger(__name__)

Network = TypeVar("Network", UNet2DConditionModel, AutoencoderKL)
TextEncoder = CLIPTextModel | CLIPTextModelWithProjection

RELEASE_AFTER = 16_000_000
"""Bytes of a file that were copied into another type before their memory is given back: the peak stays near the model's own size."""

TEXT_CLASSES: Mapping[str, type[TextEncoder]] = {
    "CLIPTextModel": CLIPTextModel,
    "CLIPTextModelWithProjection": CLIPTextModelWithProjection,
}


@dataclass(frozen=True, eq=False)
class Built:
    """A network still without memory, and where its tensors lie."""

    module: nn.Module
    origin: PartOrigin


@dataclass(frozen=True, eq=False)
class Blueprint:
    """A checkpoint before its tensors are read. `schedule` is diffusers' scheduler config; `vocabulary` a folder with an own tokenizer, or None."""

    family: Family
    unet: Built
    vae: Built
    encoders: tuple[Built, ...]
    towers: tuple[TextTower, ...]
    schedule: Mapping[str, Any]
    ignored: Mapping[str, str]

    def parts(self) -> dict[str, Built]:
        """The networks by the names that origin and patches use."""
        return {
            "unet": self.unet,
            "vae": self.vae,
            **{f"text_encoders.{i}": one for i, one in enumerate(self.encoders)},
        }


def network(kind: type[Network], config: Mapping[str, Any], name: str) -> Network:
    """A UNet or autoencoder on no device. Raises ModelError, with the file's `name`, for a config that makes no sense."""
    settings = {key: value for key, value in config.items() if not key.startswith("_")}
    try:
        with torch.device("meta"):
            return kind.from_config(settings)  # pyright: ignore[reportReturnType]
    except Exception as problem:
        raise ModelError(f"{name}: its config builds no {kind.__name__} ({str(problem)[:100]})") from problem


def text_encoder(config: Mapping[str, Any], projected: bool, name: str) -> TextEncoder:
    """A text encoder on no device; `projected` ones give a pooled text as well."""
    kind = TEXT_CLASSES["CLIPTextModelWithProjection" if projected else "CLIPTextModel"]
    settings = {
        key: value
        for key, value in config.items()
        if key not in ("architectures", "dtype", "torch_dtype", "model_type", "class")
    }
    try:
        with torch.device("meta"):
            return kind(CLIPTextConfig(**settings))
    except Exception as problem:
        raise ModelError(f"{name}: its config builds no {kind.__name__} ({str(problem)[:100]})") from problem


def fill(name: str, built: Built, place: Place, *, vae: bool = False) -> None:
    """Puts the file's tensors into a network. A tensor that has the wanted type already stays the file's own memory."""
    missing = built.origin.missing()
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ModelError(f"{name}: tensor {missing[0]!r}{more} is missing; the file is incomplete")
    tensors: dict[str, Tensor] = {}
    copied = 0
    for key, empty in built.module.state_dict().items():
        found = built.origin.tensor(key)
        if found.shape != empty.shape:
            raise ModelError(f"{name}: tensor {key!r} is {list(found.shape)}, but {list(empty.shape)} was expected")
        tensors[key] = placed(found, place, vae=vae)
        copied += found.nbytes if tensors[key].data_ptr() != found.data_ptr() else 0
        if copied > RELEASE_AFTER:
            built.origin.release()
            copied = 0
    built.module.load_state_dict(tensors, assign=True)
    for key, buffer in list(built.module.named_buffers()):
        if buffer.is_meta and key.endswith("position_ids"):
            owner = built.module.get_submodule(key.rpartition(".")[0])
            owner.position_ids = torch.arange(buffer.shape[-1], device=place.home).expand(1, -1)
    built.module.eval().requires_grad_(False)


def placed(tensor: Tensor, place: Place, *, vae: bool = False) -> Tensor:
    """A tensor in the type, on the home device and in the memory format of the place; the same memory where nothing has to change."""
    dtype = (place.vae_dtype if vae else place.dtype) if tensor.is_floating_point() else tensor.dtype
    if place.channels_last and tensor.ndim == 4:
        return tensor.to(place.home, dtype, memory_format=torch.channels_last)
    return tensor.to(place.home, dtype).contiguous()
