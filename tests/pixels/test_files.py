"""Picture files: their story survives every format, others read it, and hostile files end in one sentence."""

import errno
import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sd_parsers import ParserManager

from danqing.base.errors import FileWriteError, ImageError
from danqing.base.infotext import write_infotext
from danqing.base.recipe import Recipe
from danqing.pixels.files import read_metadata, read_picture, write_picture
from danqing.pixels.writing import write_aside

RAMP = np.stack([np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))] * 3, axis=-1)
STORY = "a cat, 红发, 사과 🐧\nNegative prompt: b\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x48"
JSON = '{"recipe":{"prompt":"红发","recipe":1}}'


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_infotext_and_json_survive(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    write_picture(path, RAMP, infotext=STORY, recipe_json=JSON)
    found = read_metadata(path)
    assert found.infotext == STORY
    assert found.recipe_json is not None
    assert "红发" in found.recipe_json or "\\u7ea2\\u53d1" in found.recipe_json


def test_png_pixels_survive_with_and_without_alpha(tmp_path: Path) -> None:
    alpha = np.dstack([RAMP, RAMP[..., 0]])
    for name, pixels in (("rgb", RAMP), ("rgba", alpha)):
        write_picture(tmp_path / f"{name}.png", pixels)
        assert np.array_equal(read_picture(tmp_path / f"{name}.png"), pixels)


def test_the_png_chunk_is_the_one_that_a1111_reads(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", RAMP, infotext=STORY)
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["parameters"] == STORY


def test_other_peoples_reader_understands_our_png(tmp_path: Path) -> None:
    recipe = Recipe(
        prompt="a cat",
        negative_prompt="a dog",
        steps=17,
        sampler="Euler a",
        cfg_scale=5.5,
        seed=99,
        width=64,
        height=48,
    )
    write_picture(tmp_path / "a.png", RAMP, infotext=write_infotext(recipe, hashes={}, version="0.1.0"))
    info = ParserManager().parse(str(tmp_path / "a.png"))
    assert info is not None
    assert [prompt.value for prompt in info.prompts] == ["a cat"]
    assert [prompt.value for prompt in info.negative_prompts] == ["a dog"]
    (sampler,) = info.samplers
    assert (sampler.name, sampler.parameters["steps"], sampler.parameters["cfg_scale"]) == ("Euler a", "17", "5.5")
    assert str(sampler.parameters["seed"]) == "99"


def test_a_story_too_long_for_a_jpeg_is_named_and_the_picture_kept(tmp_path: Path) -> None:
    left_out = write_picture(tmp_path / "a.jpg", RAMP, infotext="x" * 40_000, recipe_json="{}")
    assert left_out
    assert read_picture(tmp_path / "a.jpg").shape == RAMP.shape


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def photo() -> Image.Image:
    return Image.fromarray(RAMP)


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    return saved(photo(), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: saved(photo().convert("CMYK"), "JPEG"), (48, 64, 3)),
        (lambda: saved(photo().convert("P"), "PNG"), (48, 64, 3)),
        (lambda: saved(photo().convert("L"), "PNG"), (48, 64, 3)),
        (lambda: saved(photo().convert("1"), "PNG"), (48, 64, 3)),
        (lambda: saved(photo().convert("LA"), "PNG"), (48, 64, 4)),
        (lambda: saved(Image.fromarray(RAMP[..., 0].astype(np.uint16) * 257), "PNG"), (48, 64, 3)),
        (lambda: saved(photo(), "GIF", save_all=True, append_images=[photo()]), (48, 64, 3)),
        (rotated, (64, 48, 3)),
    ],
    ids=["cmyk", "palette", "grey", "bilevel", "grey alpha", "16 bit", "animated", "exif rotated"],
)
def test_unusual_pictures_come_in_as_eight_bits(
    make: Callable[[], bytes], shape: tuple[int, ...], tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(make())
    pixels = read_picture(tmp_path / "in")
    assert pixels.dtype == np.uint8
    assert pixels.shape == shape
    assert pixels[..., 0].std() > 20


def test_sixteen_bits_keep_their_brightness(tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(saved(Image.fromarray(RAMP[..., 0].astype(np.uint16) * 257), "PNG"))
    assert np.abs(read_picture(tmp_path / "in.png")[..., 0].astype(int) - RAMP[..., 0]).max() <= 1


def bomb(side: int) -> bytes:
    """A PNG that claims to be side x side and holds nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (bomb(20_000), "too many pixels"),
        (b"", "no picture"),
        (b"this is text", "no picture"),
        (saved(photo().resize((640, 480)), "PNG")[:-400], "damaged"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 64, ""),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    ],
    ids=["bomb", "empty", "text", "truncated", "garbage", "postscript"],
)
def test_what_cannot_be_read_is_one_sentence(data: bytes, word: str, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_picture(tmp_path / "in.png")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"", b"text", bomb(20_000), saved(photo(), "PNG")[:60]], ids=["empty", "text", "bomb", "cut"]
)
def test_metadata_of_anything_at_all_never_crashes(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(data)
    try:
        found = read_metadata(tmp_path / "in.png")
    except ImageError:
        return
    assert found.infotext is None


def test_a_text_chunk_bomb_is_not_unpacked(tmp_path: Path) -> None:
    body = b"parameters\0\0" + zlib.compress(b"x" * 300_000_000, 1)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body + struct.pack(">I", zlib.crc32(b"zTXt" + body))
    plain = saved(photo(), "PNG")
    (tmp_path / "in.png").write_bytes(plain[:33] + chunk + plain[33:])
    try:
        found = read_metadata(tmp_path / "in.png")
    except ImageError:
        return
    assert len(found.infotext or "") < 100_000_000


@pytest.mark.parametrize(
    ("code", "word"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "only be read"), (errno.EACCES, "no right")]
)
def test_when_writing_fails_what_stood_there_still_stands(
    code: int, word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"before")

    def failing(handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(FileWriteError, match=word):
        write_aside(path, b"after")
    assert path.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


def test_an_interruption_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_aside(tmp_path / "a.png", b"after")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileWriteError, match="written as"):
        write_picture(tmp_path / "a.bmp", RAMP)
