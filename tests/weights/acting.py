"""What the tests of patches that act while a network runs share: a call of the toy's UNet, and every weight of a model."""

from typing import Any

import torch
from torch import Tensor

from danqing.base.refs import ModelRef
from danqing.weights.bundle import Bundle, PatchUse
from danqing.weights.model import DiffusionModel
from danqing.weights.shelf import Shelf
from tests.toy.fixtures import TOY_REF

Call = tuple[Tensor, Tensor, Tensor]


def call_of(model: DiffusionModel, side: tuple[int, int] = (16, 16), rows: int = 2, seed: int = 0) -> Call:
    """A sample (rows, C, h, w), timestep and text for the model's UNet."""
    generator = torch.Generator().manual_seed(seed)
    sample = torch.randn((rows, model.latent.channels, *side), generator=generator)
    text = torch.randn((rows, 77, model.context_width), generator=generator)
    return sample, torch.tensor(500.0), text


def answer(model: DiffusionModel, call: Call) -> Tensor:
    """The UNet's output (rows, C, h, w)."""
    unet: Any = model.unet
    sample, timestep, text = call
    with torch.inference_mode():
        return unet(sample, timestep, encoder_hidden_states=text, return_dict=False)[0]


def decoded(model: DiffusionModel, latents: Tensor) -> Tensor:
    """Pictures (B, 3, 8h, 8w)."""
    vae: Any = model.vae
    with torch.inference_mode():
        return vae.decode(latents, return_dict=False)[0]


def toy(shelf: Shelf, *patches: PatchUse) -> DiffusionModel:
    """The toy model of a shelf with patches laid over it."""
    return shelf.materialise(Bundle(TOY_REF, ModelRef(), patches))


def weights_of(model: DiffusionModel) -> dict[str, Tensor]:
    """Copies of all tensors, by part and name."""
    return {
        f"{part}.{name}": tensor.clone()
        for part, network in model.parts().items()
        for name, tensor in network.state_dict().items()
    }


def distance(one: Tensor, other: Tensor) -> float:
    """Relative L2."""
    return float((one.double() - other.double()).norm() / other.double().norm())
