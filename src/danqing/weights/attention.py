"""Attention on processors that compute bfloat16 without tiles (AVX-512, no AMX): plain matrix products, block by block.

There torch's own fused attention has no quick way in bfloat16: at SD1's size it is 42 % of a UNet's call, and this one takes half as long
(measured: 4096 tokens 0.31 s instead of 0.65, 1024 tokens 0.028 instead of 0.068). With AMX torch's is the quicker by far.
"""

from typing import Any

import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

ROWS = 512
"""Queries a block: its scores against 4096 keys stay near the core's own memory."""
WHOLE = 256 * 256
"""Scores of one head below which all heads are done at once."""


def wants_blocks(device: str, dtype: torch.dtype) -> bool:
    """Whether attention there is quicker in blocks than torch's own."""
    bf16 = torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported()
    return device == "cpu" and dtype == torch.bfloat16 and bf16


def attend_in_blocks(unet: UNet2DConditionModel) -> None:
    """Has a UNet compute its attention so."""
    unet.set_attn_processor(BlockAttention())  # pyright: ignore[reportArgumentType]


def in_blocks(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(q k / sqrt(D)) v of query (B, S, H, D), key and value (B, T, H, D), in the shape of the query.

    Scores are rounded to the type of the query. That they stay small, the keys' mean is taken off first: a softmax doesn't see it.
    """
    scale = query.shape[-1] ** -0.5
    key = key.float()
    key = ((key - key.mean(dim=1, keepdim=True)) * scale).to(query.dtype)
    if query.shape[1] * key.shape[1] <= WHOLE:
        heads = (query.transpose(1, 2), key.permute(0, 2, 3, 1), value.transpose(1, 2))
        return (torch.softmax(heads[0] @ heads[1], dim=-1) @ heads[2]).transpose(1, 2)
    result = torch.empty_like(query)
    for picture in range(query.shape[0]):
        for head in range(query.shape[2]):
            keys, values = key[picture, :, head].T, value[picture, :, head]
            for start in range(0, query.shape[1], ROWS):
                scores = query[picture, start : start + ROWS, head] @ keys
                result[picture, start : start + ROWS, head] = torch.softmax(scores, dim=-1) @ values
    return result


class BlockAttention(AttnProcessor2_0):
    """diffusers' processor for plain attention in bfloat16; whatever is more than that goes its usual way."""

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *more: Any,
        **words: Any,
    ) -> Tensor:
        """hidden_states (B, S, C) -> (B, S, C)."""
        plain = attention_mask is None and not torch.is_grad_enabled() and hidden_states.dtype == torch.bfloat16
        if not plain or hidden_states.ndim != 3 or not _is_plain(attn):
            return super().__call__(attn, hidden_states, encoder_hidden_states, attention_mask, *more, **words)
        layer: Any = attn
        text = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        projections: list[Tensor] = [layer.to_q(hidden_states), layer.to_k(text), layer.to_v(text)]
        query, key, value = (one.unflatten(2, (attn.heads, -1)) for one in projections)
        return layer.to_out[0](in_blocks(query, key, value).flatten(2))


def _is_plain(attn: Any) -> bool:
    """Whether a layer is no more than projections and attention."""
    extras = (attn.spatial_norm, attn.group_norm, attn.norm_cross, attn.norm_q, attn.norm_k)
    return not any(extras) and not attn.residual_connection and attn.rescale_output_factor == 1
