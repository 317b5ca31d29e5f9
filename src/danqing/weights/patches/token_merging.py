"""Token merging in self-attention. Bolya & Hoffman 2023 (Token Merging for Fast Stable Diffusion), arXiv:2303.17604.

As A1111 has it: self-attention only, at the finest level that has attention, in 2x2 neighbourhoods, without chance: a neighbourhood's
first token stays, and of all the others the most alike ones are averaged into the stayers that they resemble most.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn

from danqing.weights.model import DiffusionModel
from danqing.weights.patches.patch import Removable
from danqing.weights.patches.settings import TokenMerging

STRIDE = 2
"""Side of a neighbourhood: at most 3 of its 4 tokens can be merged."""


@dataclass(frozen=True, eq=False)
class Merging:
    """Which tokens go where, for a batch of B. `stay` (d,), `others` (s,): places in the picture; `kept` (B, s - r), `merged` (B, r): places
    in `others`; `into` (B, r): places in `stay`."""

    stay: Tensor
    others: Tensor
    kept: Tensor
    merged: Tensor
    into: Tensor

    def merge(self, tokens: Tensor) -> Tensor:
        """tokens (B, n, C) -> (B, n - r, C): those that were kept, then the stayers with what was averaged into them."""
        others, stay = tokens[:, self.others], tokens[:, self.stay]
        incoming = _rows(others, self.merged)
        stay = stay.scatter_reduce(1, _wide(self.into, stay), incoming, reduce="mean")
        return torch.cat([_rows(others, self.kept), stay], dim=1)

    def part(self, tokens: Tensor) -> Tensor:
        """The way back: (B, n - r, C) -> (B, n, C); merged tokens get what their stayer has."""
        count = self.kept.shape[1]
        kept, stay = tokens[:, :count], tokens[:, count:]
        others = tokens.new_empty((tokens.shape[0], len(self.others), tokens.shape[2]))
        others.scatter_(1, _wide(self.kept, kept), kept)
        others.scatter_(1, _wide(self.merged, stay), _rows(stay, self.into))
        whole = tokens.new_empty((tokens.shape[0], len(self.stay) + len(self.others), tokens.shape[2]))
        whole[:, self.stay] = stay
        whole[:, self.others] = others
        return whole


def merging_of(tokens: Tensor, height: int, width: int, ratio: float) -> Merging:
    """What is merged in tokens (B, height * width, C), row after row, by how alike (cosine) they are."""
    stay, others = _places(height, width, tokens.device)
    count = min(int(height * width * ratio), len(others))
    directions = F.normalize(tokens, dim=-1)
    alike = directions[:, others] @ directions[:, stay].transpose(1, 2)  # (B, s, d)
    best, nearest = alike.max(dim=2)
    order = best.argsort(dim=1, descending=True, stable=True)
    merged = order[:, :count]
    return Merging(stay, others, order[:, count:], merged, nearest.gather(1, merged))


def install_token_merging(settings: TokenMerging, model: DiffusionModel) -> list[Removable]:
    """Hooks it into the UNet's finest transformers."""
    return [hook for network in _finest(model.unet) for hook in _hooked(network, settings.ratio)]


def _hooked(network: Transformer2DModel, ratio: float) -> Iterator[Removable]:
    size: list[int] = [0, 0]

    def see_size(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        size[:] = arguments[0].shape[2:]

    yield network.register_forward_pre_hook(see_size)
    for block in network.transformer_blocks:
        if isinstance(block, BasicTransformerBlock) and not block.only_cross_attention:
            yield from _hooked_block(block, size, ratio)


def _hooked_block(block: BasicTransformerBlock, size: list[int], ratio: float) -> Iterator[Removable]:
    now: list[Merging] = []

    def look(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        now[:] = [merging_of(arguments[0], size[0], size[1], ratio)]

    def merge(_: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (now[0].merge(arguments[0]), *arguments[1:])

    def part(_: nn.Module, arguments: Any, result: Tensor) -> Tensor:
        return now.pop().part(result)

    yield block.register_forward_pre_hook(look)
    yield block.attn1.register_forward_pre_hook(merge)
    yield block.attn1.register_forward_hook(part)


def _finest(unet: nn.Module) -> Iterator[Transformer2DModel]:
    """The transformers of the finest level that has any."""
    down: Any = unet.down_blocks
    up: Any = unet.up_blocks
    for fine, fine_again in zip(down, reversed(up), strict=True):
        found = [one for block in (fine, fine_again) for one in block.modules() if isinstance(one, Transformer2DModel)]
        if found:
            yield from found
            return


def _places(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Places of the tokens that stay, and of the others. What is left over of an odd side has no neighbourhood: it belongs to the others."""
    first = torch.zeros(height, width, dtype=torch.bool, device=device)
    first[: height // STRIDE * STRIDE : STRIDE, : width // STRIDE * STRIDE : STRIDE] = True
    flat = first.flatten()
    return flat.nonzero()[:, 0], (~flat).nonzero()[:, 0]


def _rows(tokens: Tensor, places: Tensor) -> Tensor:
    return tokens.gather(1, _wide(places, tokens))


def _wide(places: Tensor, like: Tensor) -> Tensor:
    return places.unsqueeze(2).expand(-1, -1, like.shape[2])
