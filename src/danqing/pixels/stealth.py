"""Texts hidden in the lowest bits of pixels, which survive sites that strip everything else (NovelAI, SwarmUI, an extension of A1111)."""

import json
import zlib
from typing import cast

import numpy as np

from danqing.base.picture import Pixels
from danqing.pixels.embedded import LONGEST_TEXT

MARK_BYTES = 15
MARKS = {b"stealth_pnginfo": False, b"stealth_pngcomp": True, b"stealth_rgbinfo": False, b"stealth_rgbcomp": True}
"""The mark at the beginning, and whether what follows is packed with gzip."""


def stealth_texts(pixels: Pixels) -> dict[str, str]:
    """The hidden texts by name; an infotext under "parameters". pixels (H, W, 3|4). Empty where nothing is hidden."""
    places = [pixels[:, :, 3:], pixels[:, :, :3]] if pixels.shape[2] == 4 else [pixels]
    return next((found for place in places if (found := _named(_read(place)))), {})


def _read(place: Pixels) -> str:
    """Mark, length in bits (32 bits, high end first), text."""
    head = _bytes_of(place, 0, MARK_BYTES + 4)
    mark, length = head[:MARK_BYTES], int.from_bytes(head[MARK_BYTES:], "big") // 8
    if len(head) < MARK_BYTES + 4 or mark not in MARKS or length > LONGEST_TEXT:
        return ""
    body = _bytes_of(place, MARK_BYTES + 4, length)
    if MARKS[mark]:
        body = _unzipped(body)
    elif len(body) < length:  # the picture was cropped
        return ""
    return body.decode("utf-8", "replace")


def _unzipped(body: bytes) -> bytes:
    """What was packed, or nothing where it is damaged, cut off or too much."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        text = unpacker.decompress(body, LONGEST_TEXT)
    except zlib.error:
        return b""
    return text if unpacker.eof else b""


def _bytes_of(place: Pixels, start: int, count: int) -> bytes:
    """Bytes of lowest bits, column by column. place (H, W, channels); only the columns that are needed are copied."""
    height, _, channels = place.shape
    columns = -(-8 * (start + count) // (height * channels))
    bits = place[:, :columns].transpose(1, 0, 2).reshape(-1)[8 * start : 8 * (start + count)] & 1
    return np.packbits(bits).tobytes()


def _named(text: str) -> dict[str, str]:
    """NovelAI hides an object of texts, as its PNG chunks hold them; others the infotext alone."""
    if not text.startswith("{"):
        return {"parameters": text} if text.strip() else {}
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError):
        return {"parameters": text}
    fields = cast("dict[str, object]", data)
    if "sui_image_params" in fields:
        return {"parameters": text}
    return {name: value for name, value in fields.items() if isinstance(value, str)}
