"""The texts that picture files carry: PNG text chunks, EXIF comments, GIF comments. Only texts; what they mean is for `base.infotext`."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
LONGEST_TEXT = 16 * 2**20
"""Bytes of one text; a compressed chunk that unpacks to more is left alone."""
MOST_TEXT = 64 * 2**20
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise on damaged files."""
EXIF_NAMES = {
    ExifTags.Base.ImageDescription: "ImageDescription",
    ExifTags.Base.Make: "Make",
    ExifTags.Base.Model: "Model",
    ExifTags.Base.Software: "Software",
    ExifTags.Base.Artist: "Artist",
}


def png_texts(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    """(keyword, text) of every tEXt, zTXt and iTXt chunk, without decoding pixels; ends quietly where a cut file ends."""
    if stream.read(8) != PNG_SIGNATURE:
        return
    budget = MOST_TEXT
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND" or length > 2**31 - 1:
            return
        if kind in (b"tEXt", b"zTXt", b"iTXt") and length <= LONGEST_TEXT:
            found = _text_of(kind, stream.read(length))
            stream.seek(4, 1)  # the checksum: a text with one wrong byte is still worth reading
            if found is not None:
                budget -= len(found[1])
                if budget < 0:
                    return
                yield found
        else:
            stream.seek(length + 4, 1)


def _text_of(kind: bytes, body: bytes) -> tuple[str, str] | None:
    keyword, separator, rest = body.partition(b"\0")
    if not separator:
        return None
    name = keyword.decode("latin-1")
    if kind == b"tEXt":
        return name, _latin_or_utf8(rest)
    if kind == b"zTXt":
        unpacked = _unpacked(rest[1:])
        return None if unpacked is None else (name, _latin_or_utf8(unpacked))
    if len(rest) < 2:
        return None
    packed, parts = rest[0] == 1, rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return None
    text = _unpacked(parts[2]) if packed else parts[2]
    return None if text is None else (name, text.decode("utf-8", "replace"))


def _latin_or_utf8(data: bytes) -> str:
    """tEXt is Latin-1 by its standard, but several tools write UTF-8 into it; valid UTF-8 is hardly ever Latin-1 by chance."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _unpacked(data: bytes) -> bytes | None:
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, LONGEST_TEXT)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail else text


def exif_texts(image: Image.Image) -> dict[str, str]:
    """The texts in a picture's EXIF block by their tag's name; ComfyUI's `prompt:{...}` and `workflow:{...}` by theirs."""
    if image.format == "PNG" and not {"exif", "Raw profile type exif"} & set(image.info):
        return {}  # asked for its EXIF, Pillow would decode the whole picture to look behind the pixels
    try:
        return _exif_texts(image.getexif())
    except BROKEN:  # a damaged block of remarks is no reason to refuse the picture
        return {}


def _exif_texts(exif: Image.Exif) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag, name in EXIF_NAMES.items():
        value = exif.get(tag)
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if not isinstance(text, str) or not text.strip("\0 "):
            continue
        text = text.rstrip("\0")
        label, colon, rest = text.partition(":")
        if colon and label.lower() in ("prompt", "workflow", "danqing"):
            found[label.lower()] = rest
        else:
            found[name] = text
    comment = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.UserComment)
    if isinstance(comment, str):
        comment = comment.encode("utf-8", "replace")
    if isinstance(comment, bytes) and (text := user_comment(comment)):
        found["UserComment"] = text
    return found


def user_comment(data: bytes) -> str:
    """The text of an EXIF UserComment, whatever its eight bytes of encoding say and whichever byte order was used."""
    label, body = data[:8], data[8:]
    if label == b"UNICODE\0":
        # Letters of ASCII have their zero byte first in big-endian. A1111 always writes that; others follow the block's own order.
        big = body[0::2].count(0) >= body[1::2].count(0)
        return body.decode("utf-16-be" if big else "utf-16-le", "replace").lstrip("\ufeff").rstrip("\0")
    if label in (b"ASCII\0\0\0", b"\0" * 8, b"JIS\0\0\0\0\0"):
        return body.decode("utf-8", "replace").rstrip("\0")
    return data.decode("utf-8", "replace").rstrip("\0")


def texts_of(path: Path, formats: tuple[str, ...]) -> tuple[dict[str, str], tuple[int, int], bool]:
    """(every text in a picture file by its name, its width and height, whether its pixels may hide more).

    Raises what Pillow raises for files that are no pictures.
    """
    found: dict[str, str] = {}
    with path.open("rb") as stream:
        for name, text in png_texts(stream):
            found.setdefault(name, text)
        stream.seek(0)
        with Image.open(stream, formats=formats) as image:
            found.update({name: text for name, text in exif_texts(image).items() if name not in found})
            comment = image.info.get("comment")
            if isinstance(comment, bytes) and comment:
                found.setdefault("comment", comment.decode("utf-8", "replace"))
            # Only pictures without loss keep what is hidden in their lowest bits.
            return found, image.size, image.format in ("PNG", "WEBP") and image.mode in ("RGB", "RGBA")
