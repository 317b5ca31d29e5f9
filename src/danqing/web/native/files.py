"""Files to the outside: only pictures that the studio itself has kept, and small ones made of them."""

from pathlib import Path

from starlette.responses import Response

from danqing.pixels.files import encode_picture, read_picture
from danqing.pixels.resize import resize
from danqing.web.context import Context
from danqing.web.live import run
from danqing.web.problems import NOT_FOUND, Refused

MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
"""What is given out; a record may name a file of another kind that somebody brought in, and that isn't."""
THUMBNAIL_QUALITY = 85


async def file_answer(context: Context, path: Path) -> Response:
    """The file as it lies there. Raises Refused with 404 when it has gone, or is no picture."""
    data = await run(_read, path)
    # `sandbox`: should a browser ever take it for a page, it runs nothing.
    headers = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff", "Cache-Control": "private"}
    return Response(data, media_type=MEDIA[path.suffix.lower()], headers=headers)


async def thumbnail_answer(context: Context, path: Path, side: int) -> Response:
    """A small WebP whose longer side has so many pixels."""
    data = await run(_thumbnail, path, side)
    return Response(data, media_type="image/webp", headers={"Cache-Control": "private, max-age=86400"})


def _read(path: Path) -> bytes:
    if path.suffix.lower() not in MEDIA:
        raise Refused(NOT_FOUND, f"{path.suffix or 'this'} is no kind of picture that is given out")
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Refused(NOT_FOUND, "the picture's file has gone", problem) from problem


def _thumbnail(path: Path, side: int) -> bytes:
    pixels = read_picture(_read(path))
    height, width = pixels.shape[:2]
    factor = min(1.0, side / max(height, width))
    small = resize(pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    data, _ = encode_picture(small, "WEBP", quality=THUMBNAIL_QUALITY)
    return data
