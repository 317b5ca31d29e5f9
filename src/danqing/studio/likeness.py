"""How alike two pictures look: a hash of 64 bits that small changes leave nearly as it is, and vectors that somebody else made."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from danqing.base.picture import Pixels

SIDE = 32
"""Pixels that a picture is shrunk to before the transform."""
KEPT = 8
"""Frequencies a side that make the hash."""
NEAREST = 7
"""Bits by which near-duplicates may differ at most: within that the search below misses none."""
BANDS = 8

Hashes = NDArray[np.uint64]


def likeness_of(pixels: Pixels) -> int:
    """The perceptual hash as a signed 64-bit number. pixels (H, W, 3|4); what is see-through counts as white.

    The signs of the lowest 8x8 frequencies of a 32x32 cosine transform against their median.
    """
    image = Image.fromarray(pixels)
    if image.mode == "RGBA":
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image)
        image = paper
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float64)
    waves = _cosines()
    low = (waves @ grey @ waves.T)[:KEPT, :KEPT].ravel()
    bits = low > np.median(low)
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)


def _cosines() -> NDArray[np.float64]:
    """The first KEPT rows of the cosine transform (type II), (8, 32)."""
    frequency, place = np.arange(KEPT)[:, None], np.arange(SIDE)[None, :]
    return np.cos(np.pi * frequency * (2 * place + 1) / (2 * SIDE))


def distances(one: int, others: Sequence[int]) -> NDArray[np.int64]:
    """How many of the 64 bits differ, for each of the others."""
    return np.bitwise_count(_unsigned(others) ^ _unsigned([one])[0]).astype(np.int64)


def near_pairs(hashes: Sequence[int], most: int = NEAREST) -> Iterable[tuple[int, int]]:
    """Places (i, j), i < j, whose hashes differ by at most `most` bits (7 or fewer), each pair once.

    Two such hashes agree in at least one of their eight bytes, so only those that share a byte are compared.
    """
    if most > NEAREST:
        raise ValueError(f"at most {NEAREST} bits, found {most}")
    all_of_them = _unsigned(hashes)
    seen: set[tuple[int, int]] = set()
    for band in range(BANDS):
        byte = (all_of_them >> np.uint64(8 * band)) & np.uint64(0xFF)
        order = np.argsort(byte, kind="stable")
        edges = np.flatnonzero(np.diff(byte[order])) + 1
        for bucket in np.split(order, edges):
            seen.update(_near_within(all_of_them, bucket, most))
    return sorted(seen)


def _near_within(hashes: Hashes, bucket: NDArray[np.intp], most: int) -> Iterable[tuple[int, int]]:
    for number, place in enumerate(bucket[:-1]):
        rest = bucket[number + 1 :]
        close = rest[np.bitwise_count(hashes[rest] ^ hashes[place]) <= most]
        yield from ((min(int(place), int(other)), max(int(place), int(other))) for other in close)


def _unsigned(hashes: Sequence[int]) -> Hashes:
    return np.array(list(hashes), dtype=np.int64).view(np.uint64)


def packed_vector(vector: Sequence[float] | NDArray[np.float32]) -> bytes:
    """A vector of length 1 as float16, little-endian. Raises ValueError for one of zeros or without numbers."""
    numbers = np.asarray(vector, dtype=np.float32).ravel()
    length = float(np.linalg.norm(numbers))
    if not np.isfinite(length) or length == 0:
        raise ValueError("a vector needs finite numbers that are not all zero")
    return (numbers / length).astype("<f2").tobytes()


def unpacked_vectors(packed: Sequence[bytes]) -> NDArray[np.float32]:
    """(N, D) float32 of vectors that were packed alike."""
    return np.frombuffer(b"".join(packed), dtype="<f2").reshape(len(packed), -1).astype(np.float32)
