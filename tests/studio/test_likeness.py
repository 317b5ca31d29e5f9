"""The perceptual hash against what it must survive and what it must tell apart; the search for pairs against trying them all."""

import io
import random

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from danqing.studio.likeness import NEAREST, distances, likeness_of, near_pairs, packed_vector, unpacked_vectors


def drawing(seed: int, size: int = 256) -> Image.Image:
    """A few large shapes, other ones for each seed."""
    chance = random.Random(seed)
    image = Image.new("RGB", (size, size), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = chance.randrange(size), chance.randrange(size)
        far = chance.randrange(size // 8, size // 2)
        draw.ellipse((x, y, x + far, y + far), fill=tuple(chance.randrange(256) for _ in range(3)))
    return image


def apart(one: Image.Image, other: Image.Image) -> int:
    return int(distances(likeness_of(np.array(one)), [likeness_of(np.array(other))])[0])


@pytest.mark.parametrize("seed", range(8))
def test_small_changes_leave_the_hash_nearly_as_it_is(seed: int) -> None:
    image = drawing(seed)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=60)
    brighter = Image.fromarray(np.clip(np.array(image).astype(int) * 0.9 + 12, 0, 255).astype(np.uint8))
    for changed in (Image.open(stream), image.resize((100, 100)), brighter):
        assert apart(image, changed) <= NEAREST


def test_other_pictures_have_other_hashes() -> None:
    images = [drawing(seed) for seed in range(12)]
    far = [apart(one, other) for number, one in enumerate(images) for other in images[:number]]
    assert min(far) > NEAREST
    assert 24 < sum(far) / len(far) < 40  # unrelated bits differ in 32 of 64


def test_the_hash_is_that_of_the_cosine_transform() -> None:
    scipy = pytest.importorskip("scipy.fft")
    grey = np.asarray(drawing(3, 32).convert("L"))
    low = scipy.dctn(grey.astype(float), type=2)[:8, :8].ravel()
    bits = low > np.median(low)
    expected = int("".join("1" if bit else "0" for bit in bits), 2)
    assert likeness_of(np.stack([grey] * 3, axis=2)) % 2**64 == expected


def test_what_is_see_through_counts_as_white() -> None:
    solid = np.array(drawing(1).convert("RGBA"))
    seen = solid.copy()
    seen[:128, :, 3] = 0
    white = solid[:, :, :3].copy()
    white[:128] = 255
    assert likeness_of(seen) == likeness_of(white)


def bits_apart(hashes: list[int], most: int) -> list[tuple[int, int]]:
    mask = 2**64 - 1
    return [
        (i, j)
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if ((hashes[i] ^ hashes[j]) & mask).bit_count() <= most
    ]


@pytest.mark.parametrize("most", [0, 3, 7])
def test_no_near_pair_is_missed_and_none_is_made_up(most: int) -> None:
    chance = random.Random(most)
    hashes = [chance.getrandbits(64) - 2**63 for _ in range(60)]
    for _ in range(100):  # neighbours of some, up to ten bits away
        one = chance.choice(hashes)
        for bit in chance.sample(range(64), chance.randrange(11)):
            one ^= 1 << bit if bit < 63 else -(1 << 63)
        hashes.append(one)
    assert list(near_pairs(hashes, most)) == bits_apart(hashes, most)


def test_more_bits_than_the_search_covers_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 7 bits"):
        near_pairs([1, 2], 8)
    assert list(near_pairs([], 7)) == []


def test_vectors_come_back_with_length_1() -> None:
    vector: NDArray[np.float32] = np.arange(1, 513, dtype=np.float32)
    back = unpacked_vectors([packed_vector(vector), packed_vector(-vector)])
    assert back.shape == (2, 512)
    assert np.allclose(np.linalg.norm(back, axis=1), 1, atol=1e-3)
    assert np.allclose(back[0], vector / np.linalg.norm(vector), atol=1e-3)
    for bad in ([0.0, 0.0], [float("nan"), 1.0]):
        with pytest.raises(ValueError, match="finite numbers"):
            packed_vector(bad)
