"""Texts in picture files, wherever other tools put them, and what becomes of strange ones."""

import gzip
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from sd_parsers import Eagerness, ParserManager

from danqing.base.foreign import read_texts
from danqing.base.picture import Pixels
from danqing.pixels.embedded import png_texts, user_comment
from danqing.pixels.files import read_metadata, write_picture
from danqing.pixels.stealth import stealth_texts

NOISE: Pixels = np.random.default_rng(0).integers(0, 256, (40, 64, 4), dtype=np.uint8)
STORY = "a cat, 红发 🐧\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 64x48"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*chunks: bytes, after: bytes = b"") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(NOISE[..., :3]).save(stream, "PNG")
    data = stream.getvalue()
    return data[:33] + b"".join(chunks) + data[33:-12] + after + data[-12:]


@pytest.mark.parametrize(
    "body",
    [
        chunk(b"tEXt", b"parameters\0" + STORY.encode()),
        chunk(b"zTXt", b"parameters\0\0" + zlib.compress(STORY.encode())),
        chunk(b"iTXt", b"parameters\0\0\0en\0\0" + STORY.encode()),
        chunk(b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(STORY.encode())),
    ],
    ids=["utf-8 as tEXt", "zTXt", "iTXt", "packed iTXt"],
)
def test_every_kind_of_text_chunk_is_read_before_and_after_the_pixels(body: bytes, tmp_path: Path) -> None:
    for name, data in (("before.png", png(body)), ("after.png", png(after=body))):
        (tmp_path / name).write_bytes(data)
        assert read_metadata(tmp_path / name).infotext == STORY


def test_a_picture_that_was_cut_short_still_tells(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", NOISE, infotext=STORY, recipe_json="{}")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    found = read_metadata(tmp_path / "a.png")
    assert (found.infotext, found.recipe_json) == (STORY, "{}")


@pytest.mark.parametrize("text", ["plain", "café", "CafÃ©", "红发 🐧", "a\nb\tc", "nul \0 inside", "half \ud83d pair"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_any_text_survives_every_format(text: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    write_picture(path, NOISE[..., :3], infotext=text, recipe_json=json.dumps({"prompt": text}))
    found = read_metadata(path)
    assert found.infotext == text.replace("\0", "\ufffd").replace("\ud83d", "\ufffd")
    assert json.loads(found.recipe_json or "") == {"prompt": text}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_other_peoples_reader_reads_every_format(suffix: str, tmp_path: Path) -> None:
    write_picture(tmp_path / f"a{suffix}", NOISE[..., :3], infotext=STORY, recipe_json='{"recipe":1}')
    info = ParserManager().parse(str(tmp_path / f"a{suffix}"))
    assert info is not None
    (sampler,) = info.samplers
    assert (sampler.name, sampler.parameters["seed"]) == ("Euler a", "1")
    assert [prompt.value for prompt in info.prompts] == ["a cat, 红发 🐧"]


@pytest.mark.parametrize(
    "data",
    [
        b"UNICODE\0" + STORY.encode("utf-16-be"),
        b"UNICODE\0" + STORY.encode("utf-16-le"),
        b"UNICODE\0" + STORY.encode("utf-16"),
        b"ASCII\0\0\0" + STORY.encode(),
        b"\0" * 8 + STORY.encode() + b"\0\0",
        STORY.encode(),
    ],
    ids=["big", "little", "marked", "ascii", "unnamed", "bare"],
)
def test_user_comments_are_read_in_any_encoding(data: bytes) -> None:
    assert user_comment(data) == STORY


def test_the_size_is_told(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", NOISE)
    assert read_metadata(tmp_path / "a.png").size == (64, 40)


def test_json_in_the_place_of_an_infotext_is_none(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", '{"sui_image_params": {"prompt": "a cat", "steps": 9}}')
    Image.fromarray(NOISE).save(tmp_path / "a.png", pnginfo=info)
    found = read_metadata(tmp_path / "a.png")
    assert found.infotext is None
    order = read_texts(found.raw, found.size)
    assert order is not None
    assert (order.order.recipe.steps, order.order.recipe.width) == (9, 64)


def test_comfyuis_graph_is_found_in_webp(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0110] = 'prompt:{"3": {"class_type": "KSampler", "inputs": {"steps": 12}}}'
    exif[0x010F] = 'workflow:{"nodes": []}'
    Image.fromarray(NOISE).save(tmp_path / "a.webp", exif=exif)
    found = read_metadata(tmp_path / "a.webp")
    assert set(found.raw) == {"prompt", "workflow"}
    order = read_texts(found.raw)
    assert order is not None
    assert order.order.recipe.steps == 12


def test_a_gifs_comment_is_an_infotext(tmp_path: Path) -> None:
    Image.fromarray(NOISE[..., 0]).save(tmp_path / "a.gif", comment=STORY.encode())
    assert read_metadata(tmp_path / "a.gif").infotext == STORY


def hidden(pixels: Pixels, mark: bytes, text: str) -> Pixels:
    """The picture with a text in its lowest bits, one after the other, column by column."""
    body = gzip.compress(text.encode()) if mark.endswith(b"comp") else text.encode()
    stream = mark + struct.pack(">I", 8 * len(body)) + body
    bits = [byte >> place & 1 for byte in stream for place in range(7, -1, -1)]
    pixels = pixels.copy()
    places = [3] if b"png" in mark else [0, 1, 2]
    at = ((y, x, c) for x in range(pixels.shape[1]) for y in range(pixels.shape[0]) for c in places)
    for bit, (y, x, c) in zip(bits, at, strict=False):
        pixels[y, x, c] = pixels[y, x, c] & 254 | bit
    return pixels


@pytest.mark.parametrize("mark", [b"stealth_pnginfo", b"stealth_pngcomp", b"stealth_rgbinfo", b"stealth_rgbcomp"])
def test_hidden_texts_are_found_when_there_is_no_other(mark: bytes, tmp_path: Path) -> None:
    pixels = hidden(NOISE, mark, STORY)
    assert stealth_texts(pixels) == {"parameters": STORY}
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert read_metadata(tmp_path / "a.png").infotext == STORY


def test_hidden_texts_of_novelai_are_those_that_others_find(tmp_path: Path) -> None:
    comment = {"steps": 28, "sampler": "k_euler", "seed": 4, "scale": 11.0, "uc": "lowres"}
    texts = {"Description": "a girl", "Software": "NovelAI", "Source": "X 12AB", "Comment": json.dumps(comment)}
    Image.fromarray(hidden(NOISE, b"stealth_pngcomp", json.dumps(texts))).save(tmp_path / "a.png")
    found = read_metadata(tmp_path / "a.png")
    assert found.raw == texts
    info = ParserManager(eagerness=Eagerness.EAGER).parse(str(tmp_path / "a.png"))
    order = read_texts(found.raw)
    assert info is not None
    assert order is not None
    assert order.order.recipe.prompt == info.prompts[0].value
    assert order.order.recipe.steps == 28


def test_pixels_that_hide_nothing_give_nothing() -> None:
    assert stealth_texts(NOISE) == {}
    assert stealth_texts(NOISE[:1, :1]) == {}
    assert stealth_texts(hidden(NOISE, b"stealth_pngcomp", STORY)[:, :20]) == {}


@pytest.mark.parametrize("seed", range(30))
def test_damaged_chunks_end_quietly(seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(png(chunk(b"iTXt", b"parameters\0\0\0\0\0" + STORY.encode())))
    for place in random.integers(8, 400, 20):
        data[place] = random.integers(0, 256)
    for name, text in png_texts(io.BytesIO(bytes(data))):
        assert isinstance(name + text, str)
