"""Token merging against tomesd, the authors' own code, and by its properties."""

import pytest
import torch
from torch import Tensor

from danqing.weights.patches.settings import TokenMerging
from danqing.weights.patches.token_merging import merging_of
from danqing.weights.shelf import Shelf
from tests.weights.acting import answer, call_of, distance, toy


def tokens(height: int, width: int, rows: int = 2) -> Tensor:
    return torch.randn(rows, height * width, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("ratio", [0.1, 0.5, 0.75, 0.9])
@pytest.mark.parametrize("size", [(8, 8), (6, 10), (7, 9)])
def test_tokens_are_merged_and_parted_as_the_authors_do(size: tuple[int, int], ratio: float) -> None:
    oracle = pytest.importorskip("tomesd.merge", reason="tomesd, the authors' code, isn't installed")
    height, width = size
    x, values = tokens(height, width), tokens(height, width).flip(1)
    merge, part = oracle.bipartite_soft_matching_random2d(
        x, width, height, 2, 2, int(height * width * ratio), no_rand=True
    )
    ours = merging_of(x, height, width, ratio)
    assert ours.merge(values).shape == merge(values).shape
    assert torch.allclose(ours.part(ours.merge(values)), part(merge(values)), atol=1e-6)


def test_what_is_merged_is_averaged_with_the_token_most_like_it() -> None:
    x = torch.zeros(1, 4, 2)
    x[0] = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [-1.0, 0.0]])  # a neighbourhood of four
    merging = merging_of(x, 2, 2, 0.25)
    merged = merging.merge(x)
    assert torch.allclose(merged[0, -1], torch.tensor([1.0, 0.05]))
    back = merging.part(merged)
    assert torch.equal(back[0, 2:], x[0, 2:])
    assert torch.equal(back[0, 0], back[0, 1])


def test_alike_tokens_come_back_as_they_were() -> None:
    x = tokens(1, 4).repeat_interleave(2, 1).view(2, 1, 8, 12).expand(2, 2, 8, 12).reshape(2, 16, 12)
    merging = merging_of(x, 2, 8, 0.75)
    assert torch.allclose(merging.part(merging.merge(x)), x, atol=1e-6)


def test_a_row_is_merged_without_regard_to_its_neighbours() -> None:
    x = tokens(8, 8, rows=3)
    whole = merging_of(x, 8, 8, 0.5)
    alone = merging_of(x[1:2], 8, 8, 0.5)
    assert torch.equal(whole.part(whole.merge(x))[1:2], alone.part(alone.merge(x[1:2])))


def test_the_same_call_gives_the_same_bits(toy_shelf: Shelf) -> None:
    model = toy(toy_shelf, TokenMerging(ratio=0.5))
    call = call_of(model)
    assert torch.equal(answer(model, call), answer(model, call))


def test_the_more_is_merged_the_further_the_answer_is_from_the_exact_one(toy_shelf: Shelf) -> None:
    call = call_of(toy(toy_shelf))
    exact = answer(toy(toy_shelf), call)
    errors = [distance(answer(toy(toy_shelf, TokenMerging(ratio=ratio)), call), exact) for ratio in (0.05, 0.25, 0.75)]
    assert errors == sorted(errors)
    assert errors[0] < 0.05 < errors[-1] < 0.4


def test_pictures_of_odd_sides_can_be_merged(toy_shelf: Shelf) -> None:
    model = toy(toy_shelf, TokenMerging(ratio=0.5))
    assert answer(model, call_of(model, (20, 12))).shape == (2, 4, 20, 12)
