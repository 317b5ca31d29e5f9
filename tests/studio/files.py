"""Small model files for tests: headers that say what real ones say, with a few bytes behind them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

LORA = {
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (4, 768),
    "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_up.weight": (320, 4),
}
EMBEDDING = {"emb_params": (2, 768)}


def write_safetensors(
    path: Path, shapes: Mapping[str, tuple[int, ...]], metadata: Mapping[str, str] | None = None
) -> Path:
    """Zeros in float16 under these names; other metadata gives another hash."""
    header: dict[str, object] = {"__metadata__": dict(metadata or {})}
    place = 0
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [place, place + size]}
        place += size
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(place))
    return path
