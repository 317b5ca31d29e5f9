"""By which names LoRA files call the layers of a model: kohya's, in diffusers' or Stable Diffusion's layout, diffusers' own and PEFT's."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from danqing.weights.layout import unet_rule
from danqing.weights.model import DiffusionModel
from danqing.weights.structure import unet_of_config

Layer = tuple[str, str]
"""(part, module name): ("text_encoders.0", "encoder.layers.0.self_attn.q_proj")."""


def layer_names(model: DiffusionModel) -> dict[str, Layer]:
    """Every name that some tool has for a layer of this model -> the layer. Dots and underscores as the tool writes them."""
    names: dict[str, Layer] = {}
    config: Mapping[str, Any] = model.unet.config
    structure = unet_of_config(config)
    rule = unet_rule(structure.layers, structure.depths)
    for name in _layers(model.unet):
        layer = ("unet", name)
        original = rule(f"{name}.weight").name.removesuffix(".weight")
        for one in (name, original):
            names[f"lora_unet_{one.replace('.', '_')}"] = layer
            names[f"oft_unet_{one.replace('.', '_')}"] = layer
            names[f"lycoris_{one.replace('.', '_')}"] = layer
        names[f"unet.{name}"] = layer
        names[name] = layer
    for number, encoder in enumerate(model.text_encoders):
        for name in _layers(encoder):
            flat = name.removeprefix("text_model.")
            for spelled in _text_names(flat, number, len(model.text_encoders)):
                names[spelled] = (f"text_encoders.{number}", name)
    return names


def _layers(network: nn.Module) -> Iterator[str]:
    for name, module in network.named_modules():
        if isinstance(getattr(module, "weight", None), nn.Parameter):
            yield name


def _text_names(flat: str, number: int, count: int) -> Iterator[str]:
    """A text encoder's layer in kohya's names (te, or te1 and te2) and in diffusers'."""
    inner = flat if flat == "text_projection" else f"text_model.{flat}"
    for tower in (f"te{number + 1}", "te") if count == 1 else (f"te{number + 1}",):
        yield f"lora_{tower}_{inner.replace('.', '_')}"
    folder = "text_encoder" if number == 0 else f"text_encoder_{number + 1}"
    yield f"{folder}.{inner}"
    yield f"{folder}.{flat}"
