"""Pictures into files with their story inside (A1111's infotext and danqing's own JSON) and hostile files into pixels."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import ExifTags, Image, ImageOps, PngImagePlugin

from danqing.base.errors import FileWriteError, ImageError
from danqing.base.picture import Pixels
from danqing.pixels.embedded import BROKEN, texts_of
from danqing.pixels.stealth import stealth_texts
from danqing.pixels.writing import write_aside

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""What pictures are written as, by suffix."""
READABLE = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""Pillow knows more, some of which start other programs (EPS) or are rarely tested: those stay shut."""
MOST_PIXELS = 89_000_000
"""Read before anything is decoded; Pillow's own warning about decompression bombs begins just above."""
JPEG_EXIF_ROOM = 65_500
"""A JPEG segment holds 65,533 bytes with its header."""
LONGEST_SIDE = {"JPEG": 65_500, "WEBP": 16_383, "PNG": 2**31 - 1}
JSON_KEY = "danqing"
NO_TEXTS: Mapping[str, str] = MappingProxyType({})
INFOTEXT_NAMES = ("parameters", "UserComment", "comment")
"""Where A1111's text stands: PNG chunk, EXIF, GIF comment. Fooocus and SwarmUI put JSON there, which is no infotext."""


@dataclass(frozen=True)
class PictureMetadata:
    """What a picture file says about itself: A1111's text, danqing's JSON, and every text by its name in the file."""

    infotext: str | None = None
    recipe_json: str | None = None
    raw: Mapping[str, str] = field(default_factory=dict[str, str])
    size: tuple[int, int] = (0, 0)
    """Width and height as the file has them, before it is turned upright."""


def write_picture(
    path: Path,
    pixels: Pixels,
    *,
    infotext: str = "",
    recipe_json: str = "",
    quality: int = 95,
    texts: Mapping[str, str] = NO_TEXTS,
) -> tuple[str, ...]:
    """Written aside and renamed. Returns what the format had no room for, as sentences.

    PNG: text chunk `parameters`, which A1111 reads, and `danqing`; other `texts` by their names. JPEG and WebP: EXIF
    UserComment, the JSON as ImageDescription, no other texts. `quality` 1 to 100 for JPEG and WebP; WebP at 100 is lossless. Raises FileWriteError.
    """
    if path.suffix.lower() not in FORMATS:
        raise FileWriteError(f"can't write {path.name}: pictures are written as {', '.join(FORMATS)}")
    kind = FORMATS[path.suffix.lower()]
    data, left_out = encode_picture(
        pixels, kind, infotext=infotext, recipe_json=recipe_json, quality=quality, texts=texts
    )
    write_aside(path, data)
    return left_out


def encode_picture(
    pixels: Pixels,
    kind: str,
    *,
    infotext: str = "",
    recipe_json: str = "",
    quality: int = 95,
    texts: Mapping[str, str] = NO_TEXTS,
) -> tuple[bytes, tuple[str, ...]]:
    """(the bytes of a PNG, JPEG or WEBP file, what it had no room for). pixels (H, W, 3|4) uint8."""
    height, width = pixels.shape[:2]
    if max(height, width) > LONGEST_SIDE[kind]:
        raise FileWriteError(
            f"{width}x{height} is too large for {kind}, whose sides end at {LONGEST_SIDE[kind]}; write PNG"
        )
    image = Image.fromarray(np.ascontiguousarray(pixels))
    stream = io.BytesIO()
    infotext, recipe_json = _plain(infotext), _escaped(recipe_json)
    if kind == "PNG":
        image.save(stream, "PNG", pnginfo=_png_text(infotext, recipe_json, texts))
        return stream.getvalue(), ()
    exif, left_out = _exif(infotext, recipe_json, JPEG_EXIF_ROOM if kind == "JPEG" else 2**31)
    if kind == "JPEG":
        flat = image if image.mode == "RGB" else _on_white(image)
        flat.save(stream, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2, exif=exif)
    else:
        image.save(stream, "WEBP", quality=quality, lossless=quality >= 100, exact=quality >= 100, exif=exif)
    return stream.getvalue(), left_out


def read_picture(source: Path | bytes, *, most_pixels: int = MOST_PIXELS) -> Pixels:
    """(H, W, 3) RGB, or (H, W, 4) where the file has transparency; upright, first frame, 8 bits. Raises ImageError."""
    name = source.name if isinstance(source, Path) else "the picture"
    try:
        with Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=READABLE) as image:
            width, height = image.size
            if width * height > most_pixels:
                raise ImageError(
                    f"{name} has {width}x{height} pixels; at most {most_pixels:,} are opened: make it smaller first"
                )
            image.seek(0)
            upright = ImageOps.exif_transpose(image)
            return _eight_bits(upright)
    except FileNotFoundError as problem:
        raise ImageError(f"there is no file {source}") from problem
    except PermissionError as problem:
        raise ImageError(f"no right to read {source}") from problem
    except Image.DecompressionBombError as problem:
        raise ImageError(
            f"{name} has too many pixels; at most {most_pixels:,} are opened: make it smaller first"
        ) from problem
    except Image.UnidentifiedImageError as problem:
        raise ImageError(f"{name} is no picture that danqing can read; possible: {', '.join(READABLE)}") from problem
    except MemoryError as problem:
        raise ImageError(f"{name} needs more memory than there is: make it smaller first") from problem
    except BROKEN as problem:
        raise ImageError(f"{name} is damaged or cut short ({str(problem)[:80]}); fetch it again") from problem


def read_metadata(path: Path) -> PictureMetadata:
    """The texts in a picture file, also where it was cut short: pixels are looked at only when it has no text at all.

    Raises ImageError.
    """
    try:
        raw, size, may_hide = texts_of(path, READABLE)
    except FileNotFoundError as problem:
        raise ImageError(f"there is no file {path}") from problem
    except PermissionError as problem:
        raise ImageError(f"no right to read {path}") from problem
    except Image.DecompressionBombError as problem:
        raise ImageError(f"{path.name} has too many pixels to be a picture of ours: make it smaller first") from problem
    except Image.UnidentifiedImageError as problem:
        raise ImageError(
            f"{path.name} is no picture that danqing can read; possible: {', '.join(READABLE)}"
        ) from problem
    except BROKEN as problem:
        raise ImageError(f"{path.name} is damaged ({str(problem)[:80]}); fetch it again") from problem
    if not raw and may_hide and size[0] * size[1] <= MOST_PIXELS:
        raw = _hidden_texts(path)
    texts = (raw.get(name, "") for name in INFOTEXT_NAMES)
    infotext = next((text for text in texts if text.strip() and not text.lstrip().startswith("{")), None)
    return PictureMetadata(infotext, raw.get(JSON_KEY), raw, size)


def _hidden_texts(path: Path) -> dict[str, str]:
    try:
        return stealth_texts(read_picture(path))
    except ImageError:
        return {}


def _eight_bits(image: Image.Image) -> Pixels:
    """RGB or RGBA, whatever the mode: palette, grey, 16 bits, CMYK, with or without transparency."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        deep = np.asarray(image, dtype=np.float64)
        most = 65535.0 if image.mode != "F" else (1.0 if float(deep.max(initial=0)) <= 1 else 255.0)
        grey = np.clip(np.nan_to_num(deep) / most * 255 + 0.5, 0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    see_through = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    return np.array(image.convert("RGBA" if see_through else "RGB"), dtype=np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    background = Image.new("RGBA", image.size, "white")
    background.alpha_composite(image.convert("RGBA"))
    return background.convert("RGB")


def _png_text(infotext: str, recipe_json: str, texts: Mapping[str, str]) -> PngImagePlugin.PngInfo:
    chunks = PngImagePlugin.PngInfo()
    for name, text in {"parameters": infotext, **texts}.items():
        add = chunks.add_text if text.isascii() else chunks.add_itxt  # as tEXt, Latin-1 and UTF-8 are confused
        if text:
            add(name, _plain(text))
    if recipe_json:
        chunks.add_itxt(JSON_KEY, recipe_json)
    return chunks


def _exif(infotext: str, recipe_json: str, room: int) -> tuple[bytes, tuple[str, ...]]:
    """(EXIF block, what was left out). The infotext comes first when there isn't room for both."""
    both = _exif_block(infotext, recipe_json)
    if len(both) <= room:
        return both, ()
    no_json = "the recipe's JSON did not fit into this JPEG; write PNG to keep it"
    short = _exif_block(infotext, "")
    if len(short) <= room:
        return short, (no_json,)
    return b"", (no_json, "the infotext did not fit into this JPEG; write PNG to keep it")


def _exif_block(infotext: str, recipe_json: str) -> bytes:
    exif = Image.Exif()
    if recipe_json:  # ASCII only: JSON escapes the rest
        exif[ExifTags.Base.ImageDescription] = f"{JSON_KEY}:{_ascii_json(recipe_json)}"
    if infotext:
        # Big-endian whatever the block's own byte order: so A1111 (by way of piexif) writes and reads it.
        comment = b"UNICODE\0" + infotext.encode("utf-16-be")
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = comment
    return exif.tobytes() if recipe_json or infotext else b""


def _plain(text: str) -> str:
    """The text without what no text chunk can hold: nul, and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(recipe_json: str) -> str:
    """The same JSON with halves of surrogate pairs as escapes, so that UTF-8 can hold it."""
    if any("\ud800" <= letter <= "\udfff" for letter in recipe_json):
        return _ascii_json(recipe_json)
    return recipe_json


def _ascii_json(recipe_json: str) -> str:
    return "".join(letter if letter < "\x7f" else json.dumps(letter)[1:-1] for letter in recipe_json)
