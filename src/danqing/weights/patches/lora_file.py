"""Reads a LoRA or LyCORIS file of any layout into pieces by layer. Knows nothing of the model that it will be laid over."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.weights.detect import Detection, detect_header
from danqing.weights.families import FAMILIES, Families
from danqing.weights.patches.rotations import SERIES
from danqing.weights.tensorfile import TensorFile, open_tensors

Pieces = Mapping[str, Tensor]
"""By kohya's and LyCORIS' words: lora_down, lora_up, lora_mid, alpha, dora_scale, hada_w1_a ..., lokr_w1 ..., diff, diff_b, w_norm, b_norm, ia3,
oft_blocks, oft_R."""

SUFFIXES: Mapping[str, str] = {
    "lora_down.weight": "lora_down",
    "lora_up.weight": "lora_up",
    "lora_mid.weight": "lora_mid",
    "lora_A.weight": "lora_down",
    "lora_B.weight": "lora_up",
    "lora_A.default.weight": "lora_down",
    "lora_B.default.weight": "lora_up",
    "lora.down.weight": "lora_down",
    "lora.up.weight": "lora_up",
    "lora_linear_layer.down.weight": "lora_down",
    "lora_linear_layer.up.weight": "lora_up",
    "lora_magnitude_vector.weight": "magnitude",
    "lora_magnitude_vector.default.weight": "magnitude",
    "lora_magnitude_vector": "magnitude",
    "a1.weight": "glora_a1",
    "a2.weight": "glora_a2",
    "b1.weight": "glora_b1",
    "b2.weight": "glora_b2",
    "oft_R.weight": "oft_R",
    "oft_R.default.weight": "oft_R",
    "boft_R.default": "boft_R",
    "boft_s.default": "boft_s",
    "weight": "ia3",
}
"""The first that fits counts, so longer ones stand before the shorter."""
PLAIN = (
    "alpha",
    "dora_scale",
    "diff",
    "diff_b",
    "w_norm",
    "b_norm",
    "on_input",
    "scalar",
    "bias_values",
    "bias_indices",
    "bias_size",
)
FACTORS = re.compile(r"(hada_(w[12]_[ab]|t[12])|lokr_(w[12](_[ab])?|t2)|oft_blocks|oft_diag|rescale|boft_[Rs])$")
OLD_ATTENTION = re.compile(r"(.+)\.processor\.to_(q|k|v|out)_lora\.(down|up)\.weight$")


@dataclass(frozen=True, eq=False)
class LoraFile:
    """`layers`: pieces by the file's own name of the layer; `found` says what kind and family it is."""

    path: Path
    found: Detection
    layers: Mapping[str, Pieces]


def read_lora(path: Path, families: Families = FAMILIES) -> LoraFile:
    """A LoRA file, or a folder as PEFT writes it. Raises ModelError when it is something else."""
    file, alphas, terms = _open(path)
    found = detect_header(file.header, families)
    if found.kind != "lora":
        raise ModelError(f"{path.name}: no LoRA, but {found.note}")
    layers: dict[str, dict[str, Tensor]] = {}
    for name in file.header.tensors:
        layer, piece = split_name(name)
        layers.setdefault(layer, {})[piece] = file.tensor(name)
    for layer, pieces in layers.items():
        alpha = alphas(layer)
        if alpha is not None and "alpha" not in pieces and "lora_down" in pieces:
            pieces["alpha"] = pieces["lora_down"].new_tensor(alpha)
        if terms is not None and "oft_R" in pieces:
            pieces["oft_terms"] = torch.tensor(float(terms))
    return LoraFile(path, found, layers)


def split_name(name: str) -> tuple[str, str]:
    """(layer, piece) of a tensor's name, PEFT's outer prefixes taken off."""
    bare = name.removeprefix("base_model.model.").removeprefix("transformer.")
    if match := OLD_ATTENTION.match(bare):
        target = "to_out.0" if match[2] == "out" else f"to_{match[2]}"
        return f"{match[1]}.{target}", f"lora_{match[3]}"
    for suffix, piece in SUFFIXES.items():
        if bare.endswith(f".{suffix}"):
            return bare[: -len(suffix) - 1], piece
    layer, _, last = bare.rpartition(".")
    if last in PLAIN or FACTORS.fullmatch(last):
        return layer, last
    return layer, f"unknown {last}"


def _open(path: Path) -> tuple[TensorFile, Callable[[str], float | None], int | None]:
    """The tensors; a function layer -> alpha or None, for diffusers and PEFT keep alpha outside the tensors; and PEFT's terms for OFT."""
    if path.is_dir():
        weights = next(
            (
                path / name
                for name in ("adapter_model.safetensors", "pytorch_lora_weights.safetensors")
                if (path / name).is_file()
            ),
            None,
        )
        if weights is None:
            raise ModelError(f"{path.name}: no LoRA folder (adapter_model.safetensors is missing)")
        config = (
            _json((path / "adapter_config.json").read_text("utf-8")) if (path / "adapter_config.json").is_file() else {}
        )
        return open_tensors(weights), lambda layer: _alpha(config, layer), _terms(config)
    file = open_tensors(path)
    metadata = _json(file.header.metadata.get("lora_adapter_metadata", ""))

    def alpha(layer: str) -> float | None:
        part, _, rest = layer.partition(".")
        inner = {key.removeprefix(f"{part}."): value for key, value in metadata.items() if key.startswith(f"{part}.")}
        return _alpha(inner, rest)

    return file, alpha, None


def _terms(config: Mapping[str, Any]) -> int | None:
    """Terms of the series by which PEFT's OFT inverts, 0 where it does so exactly; None where the config doesn't say."""
    if "use_cayley_neumann" not in config:
        return None
    return int(config.get("num_cayley_neumann_terms") or SERIES) if config["use_cayley_neumann"] else 0


def _alpha(config: Mapping[str, Any], layer: str) -> float | None:
    for pattern, value in (config.get("alpha_pattern") or {}).items():
        if layer == pattern or layer.endswith(f".{pattern}"):
            return float(value)
    alpha, rank = config.get("lora_alpha"), config.get("r")
    if alpha is None:
        return None
    if config.get("use_rslora") and rank:
        return (
            float(alpha) * float(rank) ** 0.5
        )  # rsLoRA divides by the root of the rank where others divide by the rank
    return float(alpha)


def _json(text: str) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
