"""Short memory, played by networks that refuse what is too large: work goes on in smaller parts, and the notes say so."""

import weakref
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from danqing.base.errors import HardwareError
from danqing.painting.memory import (
    decode_tiled,
    decode_within_memory,
    encode_tiled,
    encode_within_memory,
    in_parts_that_fit,
    is_out_of_memory,
    spans,
)
from danqing.weights.assets import embedded_model
from danqing.weights.loading import load_model
from danqing.weights.place import Place

SHORT = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def fits(most: int) -> Callable[[Sequence[int]], list[int]]:
    """Work that doubles numbers, and has memory for so many at once."""

    def work(items: Sequence[int]) -> list[int]:
        if len(items) > most:
            raise SHORT
        return [2 * item for item in items]

    return work


@pytest.mark.parametrize(
    "problem",
    [
        SHORT,
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate memory: you tried to ..."
        ),
        RuntimeError("[enforce fail at alloc_cpu.cpp:84] data. DefaultCPUAllocator: not enough memory: you tried ..."),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)"),
        RuntimeError("Invalid buffer size: 16.00 GB"),
        RuntimeError("could not create a memory object"),
    ],
)
def test_every_way_to_say_that_memory_ran_out_is_known(problem: BaseException) -> None:
    assert is_out_of_memory(problem)


@pytest.mark.parametrize(
    "problem", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory"), KeyError("x")]
)
def test_other_faults_are_no_lack_of_memory(problem: BaseException) -> None:
    assert not is_out_of_memory(problem)


def test_torchs_own_refusal_is_known() -> None:
    with pytest.raises(RuntimeError) as refusal:
        torch.empty(2**55, dtype=torch.uint8)
    assert is_out_of_memory(refusal.value)


def test_what_fits_is_done_at_once_and_without_a_note() -> None:
    assert list(in_parts_that_fit(fits(4), [1, 2, 3, 4], "a picture")) == [([1, 2, 3, 4], [2, 4, 6, 8], ())]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 6])
def test_a_batch_that_is_too_large_is_done_in_parts_in_its_order(most: int) -> None:
    parts = list(in_parts_that_fit(fits(most), [1, 2, 3, 4, 5, 6, 7], "a picture"))
    assert [item for _, done, _ in parts for item in done] == [2, 4, 6, 8, 10, 12, 14]
    assert all(len(part) <= most for part, _, _ in parts)
    assert all(f"batch of 7: painted in a batch of {len(part)}" in notes[0] for part, _, notes in parts)


def test_what_has_failed_once_isnt_tried_again_as_large() -> None:
    seen: list[int] = []

    def work(items: Sequence[int]) -> None:
        seen.append(len(items))
        if len(items) > 2:
            raise SHORT

    list(in_parts_that_fit(work, list(range(8)), "a picture"))
    assert seen == [8, 4, 2, 2, 2, 2]


def test_parts_are_given_as_soon_as_they_are_done() -> None:
    done: list[int] = []

    def work(items: Sequence[int]) -> None:
        if len(items) > 1:
            raise SHORT
        done.append(items[0])

    first, *_ = next(in_parts_that_fit(work, [1, 2], "a picture"))
    assert (first, done) == ([1], [1])


def test_where_not_even_one_fits_it_is_said_for_what() -> None:
    with pytest.raises(HardwareError, match="not enough memory for a picture of 512x512; paint it smaller"):
        list(in_parts_that_fit(fits(0), [1, 2], "a picture of 512x512"))


def test_another_fault_goes_through() -> None:
    def work(items: Sequence[int]) -> None:
        raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        list(in_parts_that_fit(work, [1, 2], "a picture"))


def test_a_failed_try_holds_no_memory_when_the_next_one_begins() -> None:
    class Large:
        pass

    held: list[weakref.ref[Large]] = []

    def work(items: Sequence[int]) -> list[bool]:
        still_there = [one() is not None for one in held]
        large = Large()
        held.append(weakref.ref(large))
        if len(items) > 1:
            raise torch.OutOfMemoryError("out of memory")
        return still_there

    assert [done for _, done, _ in in_parts_that_fit(work, [1, 2], "a picture")] == [[False], [False, False]]


@pytest.mark.parametrize("length", [1, 16, 17, 20, 28, 29, 40, 41, 64, 100, 257])
def test_tiles_cover_a_side_with_room_to_pass_over(length: int) -> None:
    tiles = spans(length, 16, 4)
    assert (tiles[0][0], tiles[-1][1]) == (0, length)
    assert all(end - start == min(16, length) for start, end in tiles)
    assert all(end - start >= 4 for (_, end), (start, _) in pairwise(tiles))


def enlarged(latents: Tensor) -> Tensor:
    """A decoder that looks at one point at a time: tiles can't change what it gives."""
    return F.interpolate(latents, scale_factor=8.0, mode="nearest")


def shrunk(pictures: Tensor) -> Tensor:
    return F.avg_pool2d(pictures, 8)


@pytest.mark.parametrize("size", [(16, 16), (29, 17), (40, 41), (57, 100)])
def test_shares_of_all_tiles_add_up_to_one(size: tuple[int, int]) -> None:
    latents = torch.randn(2, 4, *size, generator=torch.Generator().manual_seed(0))
    whole = enlarged(latents)
    assert torch.allclose(decode_tiled(enlarged, latents, 8, tile=16), whole, atol=1e-5)
    assert torch.allclose(encode_tiled(shrunk, whole, 8, tile=16), shrunk(whole), atol=1e-5)


def test_no_tile_is_larger_than_asked() -> None:
    seen: list[tuple[int, ...]] = []

    def decode(latents: Tensor) -> Tensor:
        seen.append(tuple(latents.shape[2:]))
        return enlarged(latents)

    decode_tiled(decode, torch.zeros(1, 4, 50, 20), 8, tile=16)
    assert set(seen) == {(16, 16)}


def test_a_picture_too_large_to_decode_is_decoded_in_tiles() -> None:
    tried: list[int] = []

    def decode(latents: Tensor) -> Tensor:
        tried.append(latents.shape[-1])
        if latents.shape[-1] > 40:
            raise SHORT
        return enlarged(latents)

    latents = torch.randn(1, 4, 80, 80)
    picture, notes = decode_within_memory(decode, latents, 8)
    assert torch.allclose(picture, enlarged(latents), atol=1e-5)
    assert notes == ("memory was short: decoded in tiles of 256 pixels",)
    assert tried[:2] == [80, 64]


def test_a_picture_too_large_to_encode_is_encoded_in_tiles() -> None:
    def encode(pictures: Tensor) -> Tensor:
        if pictures.shape[-1] > 512:
            raise SHORT
        return shrunk(pictures)

    pictures = torch.randn(1, 3, 640, 640)
    latents, notes = encode_within_memory(encode, pictures, 8)
    assert torch.allclose(latents, shrunk(pictures), atol=1e-5)
    assert notes == ("memory was short: encoded in tiles of 512 pixels",)


def test_what_fits_is_decoded_whole() -> None:
    latents = torch.randn(1, 4, 8, 8)
    picture, notes = decode_within_memory(enlarged, latents, 8)
    assert torch.equal(picture, enlarged(latents))
    assert notes == ()


def test_where_not_even_tiles_fit_a_smaller_picture_is_advised() -> None:
    def decode(latents: Tensor) -> Tensor:
        raise MemoryError

    with pytest.raises(HardwareError, match="paint a smaller picture"):
        decode_within_memory(decode, torch.zeros(1, 4, 8, 8), 8)


def test_tiles_of_the_embedded_decoder_can_hardly_be_told_from_the_whole() -> None:
    model = load_model(embedded_model(), Place())
    vae: Any = model.vae
    smooth = torch.randn(1, model.latent.channels, 6, 6, generator=torch.Generator().manual_seed(0))
    latents = F.interpolate(smooth, size=(48, 48), mode="bicubic") / model.latent.scale

    def decode(latents: Tensor) -> Tensor:
        return vae.decode(latents, return_dict=False)[0]

    with torch.inference_mode():
        error = (decode_tiled(decode, latents, 8, tile=32) - decode(latents)).square().mean()
    assert float(10 * torch.log10(4 / error)) > 40
