"""When memory runs out: how that is told from other faults, batches in parts that fit, decoding and encoding in tiles."""

import gc
import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import torch
from torch import Tensor

from danqing.base.errors import HardwareError

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")
Network = Callable[[Tensor], Tensor]

TILES = (64, 32)
"""Sides of the tiles that are tried, in latent points: 512 pixels, which every card that paints can decode, then a quarter of that area."""
OVERLAP = 0.25
"""Share of a tile that it has in common with the next one, over which they pass into each other."""

WORDS = (
    "out of memory",  # CUDA, MPS and XPU in their own words
    "can't allocate memory",  # torch's allocator on the processor
    "not enough memory",  # the same on Windows, and oneDNN
    "could not create a memory object",  # oneDNN
    "invalid buffer size",  # Metal, for a tensor larger than it can hold
)


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether a fault says that a device or the machine has no memory left."""
    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(problem).casefold()
    return isinstance(problem, RuntimeError) and any(words in said for words in WORDS)


def free_memory() -> None:
    """Gives back what nobody holds any more, to the device too."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


def in_parts_that_fit(
    work: Callable[[Sequence[T]], R], items: Sequence[T], subject: str
) -> Iterator[tuple[Sequence[T], R, tuple[str, ...]]]:
    """(part, what `work` made of it, notes) for all the items: at once where that fits, else in halves, and halves of halves.

    Raises HardwareError, naming the `subject` ("a picture of 512x512"), when not even a single item fits.
    """
    pending: list[Sequence[T]] = [items]
    while pending:
        part = pending.pop(0)
        done = _tried(work, part)
        if done is not None:
            short = f"memory was short for a batch of {len(items)}: painted in a batch of {len(part)}"
            yield part, done[0], (short,) if len(part) < len(items) else ()
            continue
        if len(part) <= 1:
            raise HardwareError(f"there is not enough memory for {subject}; paint it smaller, or with a smaller model")
        most = (len(part) + 1) // 2
        log.warning("memory is short for a batch of %d; going on in batches of %d", len(part), most)
        pending = [piece for waiting in (part, *pending) for piece in _pieces(waiting, most)]


def decode_within_memory(decode: Network, latents: Tensor, factor: int) -> tuple[Tensor, tuple[str, ...]]:
    """(pictures (B, 3, factor h, factor w), notes) of latents (B, C, h, w): whole where that fits, else in tiles. Raises HardwareError."""
    return _within_memory(decode, latents, lambda tile: decode_tiled(decode, latents, factor, tile), "decoded", factor)


def encode_within_memory(encode: Network, pictures: Tensor, factor: int) -> tuple[Tensor, tuple[str, ...]]:
    """(latents (B, C, H / factor, W / factor), notes) of pictures (B, 3, H, W): whole where that fits, else in tiles. Raises HardwareError."""
    return _within_memory(
        encode, pictures, lambda tile: encode_tiled(encode, pictures, factor, tile), "encoded", factor
    )


def decode_tiled(decode: Network, latents: Tensor, factor: int, tile: int = TILES[0]) -> Tensor:
    """Pictures (B, 3, factor h, factor w) of latents (B, C, h, w), never more than `tile` latent points a side at once.

    Tiles pass into each other linearly. Norms and attention see one tile at a time, so the picture isn't quite the one decoded whole.
    """
    return _tiled(lambda top, left, tall, wide: decode(latents[..., top:tall, left:wide]), latents.shape, tile, factor)


def encode_tiled(encode: Network, pictures: Tensor, factor: int, tile: int = TILES[0]) -> Tensor:
    """Latents (B, C, h, w) of pictures (B, 3, factor h, factor w), never more than factor * `tile` pixels a side at once."""

    def part(top: int, left: int, tall: int, wide: int) -> Tensor:
        return encode(pictures[..., factor * top : factor * tall, factor * left : factor * wide])

    height, width = pictures.shape[2] // factor, pictures.shape[3] // factor
    return _tiled(part, (*pictures.shape[:2], height, width), tile, 1)


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """(from, to) of tiles over a side, as few as may be and evenly spread, each having at least `overlap` in common with the next."""
    if length <= tile:
        return [(0, length)]
    count = -(-(length - overlap) // (tile - overlap))
    return [(start, start + tile) for start in (round(i * (length - tile) / (count - 1)) for i in range(count))]


def _tiled(part: Callable[[int, int, int, int], Tensor], shape: Sequence[int], tile: int, factor: int) -> Tensor:
    """Puts together what `part` gives for (top, left, bottom, right) in latent points; its results are `factor` times as large."""
    overlap = int(tile * OVERLAP)
    rows, columns = (spans(side, tile, overlap) for side in shape[-2:])
    whole: Tensor | None = None
    for (top, bottom), down in zip(rows, _ramps(rows, factor, overlap), strict=True):
        for (left, right), across in zip(columns, _ramps(columns, factor, overlap), strict=True):
            piece = part(top, left, bottom, right).float()
            if whole is None:
                whole = piece.new_zeros((*piece.shape[:2], shape[-2] * factor, shape[-1] * factor))
            piece *= (down[:, None] * across).to(piece.device)
            whole[..., factor * top : factor * bottom, factor * left : factor * right] += piece
    if whole is None:
        raise AssertionError("a side has at least one tile")
    return whole


def _ramps(tiles: Sequence[tuple[int, int]], factor: int, overlap: int) -> list[Tensor]:
    """How much each tile counts along its side; neighbours pass over in the middle of what they have in common, their shares adding up to 1."""
    ramps = [torch.ones((end - start) * factor) for start, end in tiles]
    for number, ((_, end), (start, _)) in enumerate(pairwise(tiles)):
        common = (end - start) * factor
        # No wider than the overlap that was asked for: with much in common a third tile would lie in it.
        rising = ((torch.arange(common) + 0.5 - common / 2) / (overlap * factor) + 0.5).clamp(0, 1)
        ramps[number][-common:] *= 1 - rising
        ramps[number + 1][:common] *= rising
    return ramps


def _within_memory(
    whole: Network, x: Tensor, tiled: Callable[[int], Tensor], did: str, factor: int
) -> tuple[Tensor, tuple[str, ...]]:
    done = _tried(whole, x)
    if done is not None:
        return done[0], ()
    for tile in TILES:
        log.warning("memory is short; trying tiles of %d pixels", factor * tile)
        done = _tried(tiled, tile)
        if done is not None:
            return done[0], (f"memory was short: {did} in tiles of {factor * tile} pixels",)
    raise HardwareError("there is not enough memory to go between latents and pixels; paint a smaller picture")


def _tried(work: Callable[[T], R], given: T) -> tuple[R] | None:
    """What the work gives, or None where memory ran out: then everything that it held has been given back."""
    try:
        return (work(given),)
    except (RuntimeError, MemoryError) as problem:
        if not is_out_of_memory(problem):
            raise
    free_memory()  # only here, where the fault and with it the frames that hold tensors are gone
    return None


def _pieces(items: Sequence[T], most: int) -> list[Sequence[T]]:
    return [items[start : start + most] for start in range(0, len(items), most)]
