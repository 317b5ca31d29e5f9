"""Large pictures in tiles: each tile is predicted by itself and all are laid together, at every call. Bar-Tal et al. 2023, arXiv:2302.08113."""

from collections.abc import Callable

import torch
from torch import Tensor

from danqing.base.parts import Tiled
from danqing.painting.memory import spans
from danqing.weights.model import DiffusionModel

Window = tuple[slice, slice]
"""Rows and columns of a latent."""


def windows(tiled: Tiled | None, model: DiffusionModel, size: tuple[int, int]) -> list[Window]:
    """The tiles of a latent of `size` (width, height) for a model: one that holds all where nothing is to be divided."""
    if tiled is None:
        return [(slice(None), slice(None))]
    factor = model.latent.factor
    sides = (tiled.width or model.family.width, tiled.height or model.family.height)
    columns, rows = (
        spans(whole, side // factor, min(side // 2, tiled.overlap or side // 4) // factor)
        for whole, side in zip(size, sides, strict=True)
    )
    return [(slice(*row), slice(*column)) for row in rows for column in columns]


def laid_together(x: Tensor, tiles: list[Window], predict: Callable[[Window], Tensor]) -> Tensor:
    """What `predict` says of every tile (R, C, h, w), as one (R, C, H, W): where tiles lie over each other the nearer middle counts more.

    x (B, C, H, W) is what the tiles are cut from.
    """
    if len(tiles) == 1:
        return predict(tiles[0])
    whole: Tensor | None = None
    shares = torch.zeros(x.shape[2:], device=x.device)
    for window in tiles:
        part = predict(window)
        if whole is None:
            whole = part.new_zeros((*part.shape[:2], *x.shape[2:]))
        share = hill(part.shape[2], part.shape[3]).to(x.device)
        whole[..., window[0], window[1]] += part * share
        shares[window] += share
    if whole is None:
        raise AssertionError("there is at least one tile")
    return whole / shares


def hill(height: int, width: int) -> Tensor:
    """(height, width): how much each place of a tile counts, highest in the middle and above 0 everywhere."""
    sides = [1 - ((torch.arange(side) + 0.5) / side * 2 - 1).abs() * 0.98 for side in (height, width)]
    return sides[0][:, None] * sides[1]
