"""A diffusion model ready to paint: its networks, and what has to be known to use them."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from danqing.prompt.tokens import Vocabulary
from danqing.weights.building import TextEncoder
from danqing.weights.families import Family, LatentFormat, TextTower
from danqing.weights.origin import Origin
from danqing.weights.place import Place


@dataclass(frozen=True, eq=False)
class DiffusionModel:
    """`family` as detected, its towers, latent and context as this file has them. alphas_cumprod (1000,) float64 on the CPU.

    `place` is resolved: its dtypes are what the networks compute in. `origin` is where every tensor came from.
    """

    name: str
    family: Family
    unet: UNet2DConditionModel
    vae: AutoencoderKL
    text_encoders: tuple[TextEncoder, ...]
    vocabulary: Vocabulary
    prediction: str
    alphas_cumprod: Tensor
    place: Place
    origin: Origin
    attention: str = "sdpa"
    """How the UNet computes attention: torch's own fused way, or "blocks" (`attention`)."""
    compiled: bool = False
    """torch.compile has been through the UNet."""
    packed: bool = False
    """The UNet keeps a second copy of its weights in the order in which the processor computes (`packing`)."""

    @property
    def latent(self) -> LatentFormat:
        return self.family.latent

    @property
    def towers(self) -> tuple[TextTower, ...]:
        """How each text encoder is read."""
        return self.family.towers

    @property
    def device(self) -> str:
        return self.place.device

    @property
    def dtype(self) -> torch.dtype:
        """What the UNet and the text encoders compute in."""
        return self.unet.dtype

    @property
    def vae_dtype(self) -> torch.dtype:
        return self.vae.dtype

    @property
    def context_width(self) -> int:
        """How wide the text is that the UNet reads."""
        return int(self.unet.config["cross_attention_dim"])

    def parts(self) -> Mapping[str, nn.Module]:
        """The networks by the names that origin and patches use: "unet", "vae", "text_encoders.0" ..."""
        return {
            "unet": self.unet,
            "vae": self.vae,
            **{f"text_encoders.{i}": one for i, one in enumerate(self.text_encoders)},
        }

    @property
    def bytes(self) -> int:
        """Memory that its parameters take, packed ones twice."""
        copies = [self.unet] if self.packed else []
        parts = (*self.parts().values(), *copies)
        return sum(one.numel() * one.element_size() for part in parts for one in part.parameters())
