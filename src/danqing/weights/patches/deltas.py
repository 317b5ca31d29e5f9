"""The arithmetic of LoRA and its kin: a layer's pieces and strength in, its new weight out, all in float32.

Formulas as in the papers and in LyCORIS: LoRA (arXiv:2106.09685), LoHa (FedPara, 2108.06098), LoKr (2309.14859), IA3 (2205.05638), DoRA (2402.09353).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from danqing.weights.patches.rotations import MARKS, rotated

Pieces = Mapping[str, Tensor]


class UnknownPiecesError(Exception):
    """The pieces belong to no method that danqing knows; the caller knows the file and the layer."""


def patched_weight(weight: Tensor, pieces: Pieces, strength: float, rank: int = 0) -> Tensor:
    """weight (out, in, ...) float32 with the patch in it. `rank` takes only the first ranks of a DyLoRA, 0 all."""
    if "w_norm" in pieces:
        return weight + strength * _like(pieces["w_norm"], weight)
    if any(mark in pieces for mark in MARKS):
        return rotated(weight, pieces, strength)
    delta = delta_of(weight, pieces, rank)
    if "dora_scale" in pieces:
        delta = decomposed(weight + delta, pieces["dora_scale"]) - weight
    elif "magnitude" in pieces:  # PEFT's: one length a row, whatever shape it is kept in
        delta = decomposed(weight + delta, pieces["magnitude"].flatten()) - weight
    return weight + strength * delta


def patched_bias(bias: Tensor, pieces: Pieces, strength: float) -> Tensor:
    """bias (out,) float32 with the patch in it."""
    return bias + strength * _like(pieces.get("diff_b", pieces.get("b_norm", torch.zeros_like(bias))), bias)


def delta_of(weight: Tensor, pieces: Pieces, rank: int = 0) -> Tensor:
    """What is added to the weight at strength 1, in the weight's shape. Raises UnknownPiecesError."""
    for mark, method in METHODS.items():
        if mark in pieces:
            factors = {
                name: piece.to(weight.device, torch.float32)
                for name, piece in pieces.items()
                if piece.is_floating_point()
            }
            if "on_input" in pieces:
                factors["on_input"] = pieces["on_input"].float()
            delta = method(weight, factors, rank)
            return delta.reshape(weight.shape)
    raise UnknownPiecesError(", ".join(sorted(pieces)))


def decomposed(merged: Tensor, scale: Tensor) -> Tensor:
    """DoRA: every row (or, in LyCORIS' first way, column) of `merged` brought to the length in `scale`."""
    scale = scale.to(merged.device, torch.float32)
    if scale.ndim <= 1:
        scale = scale.reshape(-1, *[1] * (merged.ndim - 1))
    elif scale.ndim < merged.ndim:
        scale = scale.reshape(*scale.shape, *[1] * (merged.ndim - scale.ndim))
    kept = 1 if scale.shape[0] == 1 and merged.shape[0] != 1 else 0
    others = [axis for axis in range(merged.ndim) if axis != kept]
    length = merged.square().sum(dim=others, keepdim=True).sqrt()
    return merged * (scale / (length + torch.finfo(torch.float32).eps))


def _lora(weight: Tensor, factors: Pieces, rank: int) -> Tensor:
    down, up = factors["lora_down"], factors["lora_up"]
    full = down.shape[0]
    if rank:
        down, up = down[:rank], up[:, :rank]
    scale = _scale(factors, full)
    if "lora_mid" in factors:
        return scale * torch.einsum("orxy,rs...,siuv->oi...", up, factors["lora_mid"], down)
    return scale * (up.flatten(1) @ down.flatten(1))


def _loha(weight: Tensor, factors: Pieces, rank: int) -> Tensor:
    halves = []
    for which in "12":
        first, second = factors[f"hada_w{which}_a"], factors[f"hada_w{which}_b"]
        core = factors.get(f"hada_t{which}")
        halves.append(first @ second if core is None else torch.einsum("ij...,jr,ip->pr...", core, second, first))
    return _scale(factors, factors["hada_w1_b"].shape[0]) * halves[0] * halves[1]


def _lokr(weight: Tensor, factors: Pieces, rank: int) -> Tensor:
    left, left_rank = _factor(factors, "1")
    right, right_rank = _factor(factors, "2")
    scale = _scale(factors, right_rank or left_rank) if left_rank or right_rank else 1.0
    while left.ndim < right.ndim:
        left = left.unsqueeze(-1)
    return scale * torch.kron(left.contiguous(), right.contiguous())


def _factor(factors: Pieces, which: str) -> tuple[Tensor, int]:
    """One side of a Kronecker product, and its rank, 0 where it is whole."""
    whole = factors.get(f"lokr_w{which}")
    if whole is not None:
        return whole, 0
    first, second = factors[f"lokr_w{which}_a"], factors[f"lokr_w{which}_b"]
    core = factors.get("lokr_t2") if which == "2" else None
    if core is not None:
        return torch.einsum("ij...,jr,ip->pr...", core, second, first), second.shape[0]
    return (first @ second.flatten(1)).reshape(first.shape[0], *second.shape[1:]), second.shape[0]


def _ia3(weight: Tensor, factors: Pieces, rank: int) -> Tensor:
    per = factors["ia3"].flatten()
    on_input = bool(factors.get("on_input", torch.zeros(1)).any())
    shape = (1, -1, *[1] * (weight.ndim - 2)) if on_input else (-1, *[1] * (weight.ndim - 1))
    return weight * per.reshape(shape)


def _glora(weight: Tensor, factors: Pieces, rank: int) -> Tensor:
    scale = _scale(factors, factors["glora_a2"].shape[0])
    a = factors["glora_a2"].flatten(1), factors["glora_a1"].flatten(1)
    b = factors["glora_b2"].flatten(1), factors["glora_b1"].flatten(1)
    flat = weight.flatten(1)
    return scale * (b[1] @ b[0] + (flat @ a[1]) @ a[0])


def _full(weight: Tensor, factors: Pieces, rank: int) -> Tensor:
    return factors["diff"]


def _scale(factors: Pieces, rank: int) -> float:
    """alpha / rank; a file without alpha means alpha = rank."""
    alpha = factors.get("alpha")
    scalar = float(factors["scalar"]) if "scalar" in factors else 1.0
    return scalar * (float(alpha) / rank if alpha is not None else 1.0)


def _like(piece: Tensor, target: Tensor) -> Tensor:
    return piece.to(target.device, torch.float32).reshape(target.shape)


METHODS: Mapping[str, Callable[[Tensor, Pieces, int], Tensor]] = MappingProxyType(
    {
        "lora_down": _lora,
        "hada_w1_a": _loha,
        "lokr_w1": _lokr,
        "lokr_w1_a": _lokr,
        "glora_a1": _glora,
        "diff": _full,
        "ia3": _ia3,
    }
)
