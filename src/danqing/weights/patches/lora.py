"""A LoRA laid over a model: which tensors it touches, and what they become."""

import logging
from collections.abc import Mapping, Set
from dataclasses import dataclass

from torch import Tensor

from danqing.base.errors import ModelError
from danqing.base.refs import LoraUse
from danqing.weights.families import FAMILIES, Families
from danqing.weights.model import DiffusionModel
from danqing.weights.patches.deltas import METHODS, Pieces, UnknownPiecesError, patched_bias, patched_weight
from danqing.weights.patches.lora_file import LoraFile
from danqing.weights.patches.names import Layer
from danqing.weights.patches.patch import Place
from danqing.weights.patches.rotations import MARKS as ROTATION_MARKS

log = logging.getLogger(__name__)

ENTRANCE: Layer = ("unet", "conv_in")
"""The only layer in which a plain model and one for inpainting differ."""
BIAS_PIECES = ("diff_b", "b_norm")
WEIGHT_MARKS = (*METHODS, *ROTATION_MARKS, "w_norm")


@dataclass(frozen=True, eq=False)
class LoraPatch:
    """`layers`: pieces by layer of the model; `matched` of `total` layers of the file were found in it."""

    use: LoraUse
    name: str
    layers: Mapping[Layer, Pieces]
    matched: int
    total: int
    touched: Set[Place]

    def applied(self, place: Place, weight: Tensor) -> Tensor:
        """The tensor (float32) with the LoRA in it. Raises ModelError when the file's shapes don't fit."""
        part, tensor_name = place
        layer, _, kind = tensor_name.rpartition(".")
        pieces = self.layers[part, layer]
        strength = self.use.unet if part == "unet" else self.use.text
        try:
            if kind == "bias":
                return patched_bias(weight, pieces, strength)
            return patched_weight(weight, pieces, strength, self.use.dim)
        except (RuntimeError, KeyError, IndexError) as problem:
            raise ModelError(
                f"{self.name}: its tensors for {layer!r} don't fit a weight of {list(weight.shape)}"
            ) from problem
        except UnknownPiecesError as problem:
            raise ModelError(f"{self.name}: made with a method that danqing doesn't know ({problem})") from problem


def lay_over(
    file: LoraFile, use: LoraUse, model: DiffusionModel, names: Mapping[str, Layer], families: Families = FAMILIES
) -> LoraPatch:
    """The patch of a LoRA file on a model; `names` are the model's (`layer_names`). Raises ModelError when it is for another family."""
    title = file.path.stem
    layers: dict[Layer, Pieces] = {}
    for name, pieces in file.layers.items():
        layer = names.get(name)
        if layer is not None:
            layers[layer] = {**layers.get(layer, {}), **pieces}
    matched = sum(1 for name in file.layers if name in names)
    if ENTRANCE in layers and len(layers) > 1 and not _fits(model, ENTRANCE, layers[ENTRANCE]):
        # An inpainting model reads mask and picture beside the latent; all but its first layer is the plain model's.
        log.warning(
            "%s: its %s is left out, for that of %r reads another number of channels", title, *ENTRANCE[1:], model.name
        )
        del layers[ENTRANCE]
    _check(file, model, layers, matched, families)
    if matched < len(file.layers):
        strange = [name for name in file.layers if name not in names]
        log.warning("%s: %d of %d layers matched (%s ... not)", title, matched, len(file.layers), strange[0])
    places = {place for layer, pieces in layers.items() for place in _places(layer, pieces, use)}
    return LoraPatch(use, title, layers, matched, len(file.layers), places)


def _places(layer: Layer, pieces: Pieces, use: LoraUse) -> list[Place]:
    part, name = layer
    if (use.unet if part == "unet" else use.text) == 0:
        return []
    places: list[Place] = []
    if any(mark in pieces for mark in WEIGHT_MARKS):
        places.append((part, f"{name}.weight"))
    if any(piece in pieces for piece in BIAS_PIECES):
        places.append((part, f"{name}.bias"))
    return places


def _check(
    file: LoraFile, model: DiffusionModel, layers: Mapping[Layer, Pieces], matched: int, families: Families
) -> None:
    """Refuses a LoRA whose layers aren't there, or are of other widths: the mark of another family."""
    misfits = sum(1 for layer, pieces in layers.items() if not _fits(model, layer, pieces))
    total = len(file.layers)
    if matched and not misfits:
        return
    own = f"{model.family.title} ({model.context_width} wide text)"
    theirs = next((family for family in families if family.name == file.found.family), None)
    fact = f"{matched - misfits} of {total} layers match"
    if theirs is not None and theirs.name not in (model.family.name, model.family.kin):
        trained = f"{theirs.title} ({theirs.context_width} wide text)"
        raise ModelError(f"{file.path.name}: LoRA is for {trained}, but {model.name!r} is {own}; {fact}")
    raise ModelError(f"{file.path.name}: LoRA is for another model than {model.name!r}, which is {own}; {fact}")


def _fits(model: DiffusionModel, layer: Layer, pieces: Pieces) -> bool:
    """Whether a plain LoRA's or a full difference's widths are those of the layer; the other methods are checked when they are applied."""
    part, name = layer
    weight = model.parts()[part].get_parameter(f"{name}.weight")
    if layer == ENTRANCE and "diff" in pieces:
        return pieces["diff"].shape == weight.shape
    if "lora_down" not in pieces or "lora_up" not in pieces:
        return True
    return pieces["lora_down"].shape[1] == weight.shape[1] and pieces["lora_up"].shape[0] == weight.shape[0]
