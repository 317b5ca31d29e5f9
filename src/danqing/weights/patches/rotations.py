"""Methods that turn a weight instead of adding to it: OFT and BOFT as LyCORIS, kohya and PEFT keep them. All in float32.

Qiu et al. 2023 (OFT), arXiv:2306.07280; Liu et al. 2024 (BOFT), arXiv:2311.06243.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

MARKS = ("oft_blocks", "oft_R", "boft_R")
"""Pieces of which one is there where a layer is turned."""
SERIES = 5
"""Terms of the series by which PEFT inverts, unless its config says otherwise."""


def rotated(weight: Tensor, pieces: Mapping[str, Tensor], strength: float) -> Tensor:
    """weight (out, in, ...) float32 turned so far. Between 0 and 1 every rotation is mixed with standing still, as LyCORIS does."""
    here = {name: piece.to(weight.device, torch.float32) for name, piece in pieces.items()}
    if "oft_blocks" in here:
        return _by_lycoris(weight, here, strength)
    return weight + strength * (_by_peft(weight, here) - weight)


def _by_lycoris(weight: Tensor, pieces: Mapping[str, Tensor], strength: float) -> Tensor:
    """Outputs turned in blocks (OFT: n, b, b), or in stages that mix further and further (BOFT: m, n, b, b); then each output rescaled."""
    blocks = pieces["oft_blocks"]
    turns = _exact(_bounded(blocks - blocks.mT, pieces.get("alpha"), weight.shape[0]))
    turns = strength * turns + (1 - strength) * torch.eye(turns.shape[-1], device=turns.device)
    flat = weight.flatten(1)
    if blocks.ndim == 3:
        flat = (turns.mT @ flat.unflatten(0, turns.shape[:2])).flatten(0, 1)
    else:
        for stage, turn in enumerate(turns):
            flat = _butterfly(flat, turn, 2**stage * (turn.shape[-1] // 2))
    if "rescale" in pieces:
        flat = flat * pieces["rescale"].reshape(-1, 1)
    return flat.reshape(weight.shape)


def _butterfly(flat: Tensor, turn: Tensor, reach: int) -> Tensor:
    """One stage: outputs that lie `reach` apart come side by side, are turned in blocks, and go back."""
    beside = flat.unflatten(0, (-1, 2, reach)).transpose(1, 2).flatten(0, 2)
    turned = (turn @ beside.unflatten(0, turn.shape[:2])).flatten(0, 1)
    return turned.unflatten(0, (-1, reach, 2)).transpose(1, 2).flatten(0, 2)


def _by_peft(weight: Tensor, pieces: Mapping[str, Tensor]) -> Tensor:
    """Inputs turned in blocks. OFT keeps what lies above the diagonal (n, b (b - 1) / 2), n = 1 for all blocks alike; BOFT whole blocks."""
    flat = weight.flatten(1)
    if "oft_R" in pieces:
        terms = int(pieces["oft_terms"]) if "oft_terms" in pieces else SERIES
        skew = _skew(pieces["oft_R"])
        # PEFT's exact rotation is (1 - Q) / (1 + Q), but its series is of (1 + Q) / (1 - Q): they turn in opposite directions.
        turns = _series(skew, terms) if terms else _exact(-skew)
    else:
        (blocks,) = pieces["boft_R"]  # one stage only; of more PEFT itself needs its CUDA code
        turns = _exact(-0.5 * (blocks - blocks.mT))
    turned = (flat.unflatten(1, (-1, turns.shape[-1])).unsqueeze(-2) @ turns.mT).flatten(1)
    if "boft_s" in pieces:
        turned = turned * pieces["boft_s"].reshape(-1, 1)
    return turned.reshape(weight.shape)


def _exact(skew: Tensor) -> Tensor:
    """The rotation (1 + Q) / (1 - Q) of a skew Q (..., b, b): Cayley's map."""
    one = torch.eye(skew.shape[-1], device=skew.device)
    return (one + skew) @ torch.linalg.inv(one - skew)


def _series(skew: Tensor, terms: int) -> Tensor:
    """The same by 1 + 2 Q + 2 Q^2 + ..., whose last term counts once: PEFT's way, which is no exact rotation."""
    turn = torch.eye(skew.shape[-1], device=skew.device).expand_as(skew)
    power = turn
    last = terms - 1 if terms < 3 else max(terms, 4) - 1  # three terms are four in PEFT
    for number in range(1, last + 1):
        power = power @ skew
        turn = turn + (1 if number == last and terms > 2 else 2) * power
    return turn


def _skew(above: Tensor) -> Tensor:
    """(n, b (b - 1) / 2) -> (n, b, b)."""
    side = (1 + math.isqrt(1 + 8 * above.shape[1])) // 2
    skew = above.new_zeros((above.shape[0], side, side))
    rows, columns = torch.triu_indices(side, side, 1)
    skew[:, rows, columns] = above
    return skew - skew.mT


def _bounded(skew: Tensor, alpha: Tensor | None, outputs: int) -> Tensor:
    """Q no longer than alpha times the outputs; an alpha of 0, or none, sets no bound."""
    most = float(alpha) * outputs if alpha is not None else 0.0
    length = float(skew.norm()) + 1e-8
    return skew * (most / length) if 0 < most < length else skew
