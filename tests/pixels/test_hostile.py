"""Damaged and strange picture files: each is read or refused with one sentence, nothing else."""

import io
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.pixels.files import MOST_PIXELS, encode_picture, read_metadata, read_picture

NOISE: Pixels = np.random.default_rng(1).integers(0, 256, (48, 40, 4), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **how)
    return stream.getvalue()


def samples() -> dict[str, bytes]:
    rgb, grey = Image.fromarray(NOISE[..., :3]), Image.fromarray(NOISE[..., 0])
    return {
        "png": encode_picture(NOISE, "PNG", infotext="a 红\nSteps: 1", recipe_json="{}")[0],
        "jpeg": encode_picture(NOISE, "JPEG", infotext="a 红\nSteps: 1", recipe_json="{}")[0],
        "webp": encode_picture(NOISE, "WEBP", infotext="a 红\nSteps: 1", recipe_json="{}")[0],
        "gif": saved(rgb.convert("P"), "GIF", save_all=True, append_images=[grey.convert("P")], comment=b"x"),
        "bmp": saved(rgb, "BMP"),
        "tiff": saved(rgb, "TIFF", compression="tiff_lzw"),
        "16 bit": saved(Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257), "TIFF"),
        "ppm": saved(rgb, "PPM"),
        "progressive": saved(rgb.convert("CMYK"), "JPEG", progressive=True),
    }


SAMPLES = samples()


def refusals(data: bytes, path: Path) -> list[str]:
    """The sentences with which a file is refused by both readers. Any other error is let through."""
    path.write_bytes(data)
    found: list[str] = []
    for read in (read_picture, read_metadata):
        try:
            read(path)
        except ImageError as problem:
            found.append(str(problem))
    return found


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("seed", range(40))
def test_changed_bytes_are_survived(kind: str, seed: int, tmp_path: Path) -> None:
    random, data = np.random.default_rng(seed), bytearray(SAMPLES[kind])
    head = min(len(data), 300) if seed % 2 else len(data)
    for place in random.integers(0, head, 1 + seed % 7):
        data[place] = random.integers(0, 256)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow also warns of what it mends by itself
        assert all("\n" not in sentence for sentence in refusals(bytes(data), tmp_path / "in.png"))


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_file_cut_anywhere_is_survived(kind: str, tmp_path: Path) -> None:
    data = SAMPLES[kind]
    for length in range(0, len(data), max(1, len(data) // 25)):
        assert all("\n" not in sentence for sentence in refusals(data[:length], tmp_path / "in.png"))


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_half_a_picture_is_refused_and_said_to_be_cut_short(kind: str) -> None:
    data = SAMPLES[kind]
    with pytest.raises(ImageError, match="cut short"):
        read_picture(data[: len(data) // 2])


@pytest.mark.parametrize("kind", SAMPLES)
def test_bytes_are_read_as_files_are(kind: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(SAMPLES[kind])
    assert np.array_equal(read_picture(SAMPLES[kind]), read_picture(tmp_path / "in"))
    assert read_picture(SAMPLES[kind]).shape[:2] == (48, 40)


def test_a_picture_above_the_limit_is_refused_before_it_is_decoded() -> None:
    data = SAMPLES["png"]
    claimed = data[:16] + struct.pack(">II", 9500, 9400) + data[24:]  # the checksum is wrong too: so little was read
    with pytest.raises(ImageError):
        read_picture(claimed)
    with pytest.raises(ImageError, match="40x48 pixels; at most 1,000"):
        read_picture(data, most_pixels=1000)
    assert MOST_PIXELS < Image.MAX_IMAGE_PIXELS  # pyright: ignore[reportOperatorIssue]


def test_palettes_with_holes_keep_them() -> None:
    image = Image.fromarray(NOISE[..., :3]).convert("P")
    found = read_picture(saved(image, "PNG", transparency=3))
    assert found.shape == (48, 40, 4)
    assert set(np.unique(found[..., 3])) <= {0, 255}
    assert 0 in found[..., 3] or 3 not in np.array(image)


def test_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("#ff0000", "#00ff00")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(read_picture(data)[0, 0].astype(int) - (255, 0, 0)).max() <= 1, kind  # WebP rounds


def test_a_phones_double_picture_is_read() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("#ff0000", "#00ff00")]
    data = saved(frames[0], "MPO", save_all=True, append_images=frames[1:])
    assert read_picture(data)[0, 0, 0] > 200


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for read in (read_picture, read_metadata):
        with pytest.raises(ImageError, match=r"no file .*gone\.png"):
            read(tmp_path / "gone.png")
        with pytest.raises(ImageError):
            read(tmp_path)
