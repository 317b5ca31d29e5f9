"""Brownian paths: consistent, of the right variance, and torchsde's own numbers."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from danqing.diffusion.brownian import BrownianPath
from danqing.diffusion.noise import PictureNoise, brownian_noise

LEVELS = [14.6146, 9.1, 5.5, 3.2, 1.75, 0.9141, 0.447, 0.2014, 0.0819, 0.0292]


def path(seed: int, count: int = 4000, low: float = 0.0292, high: float = 14.6146) -> BrownianPath:
    """A path of `count` numbers."""
    return BrownianPath(seed, lambda node: PictureNoise(node).draw((count,)), low, high)


def correlation(a: Tensor, b: Tensor) -> float:
    """Between two sets of numbers with mean 0."""
    return float((a * b).mean() / (a.square().mean() * b.square().mean()).sqrt())


def test_neighbouring_increments_add_up() -> None:
    walk = path(1)
    for s, t, u in ((14.0, 3.0, 0.05), (1.0, 0.999, 0.5), (0.03, 7.7, 2.2)):
        torch.testing.assert_close(walk.between(s, t) + walk.between(t, u), walk.between(s, u))


@pytest.mark.parametrize(("start", "end"), [(14.6146, 0.0292), (9.0, 8.0), (0.5, 0.4), (0.031, 0.0305), (2.0, 11.0)])
def test_the_variance_of_an_increment_is_its_length(start: float, end: float) -> None:
    increments = torch.cat([path(seed, 8000).between(start, end) for seed in range(4)])
    assert float(increments.var()) == pytest.approx(abs(start - end), rel=0.05)
    assert abs(float(increments.mean())) < 4 * math.sqrt(abs(start - end) / len(increments))


def test_increments_of_separate_intervals_are_independent() -> None:
    walk = path(3, 20000)
    increments = [walk.between(s, t) for s, t in pairwise(LEVELS)]
    for place, one in enumerate(increments):
        for other in increments[place + 1 :]:
            assert abs(correlation(one, other)) < 0.035


def test_a_path_is_a_function_of_its_seed_whatever_was_asked_before() -> None:
    asked, fresh = path(4), path(4)
    for level in (3.3, 0.2, 13.0, 3.3, 7.1):
        asked.at(level)
    assert torch.equal(asked.between(5.0, 1.0), fresh.between(5.0, 1.0))


def test_paths_of_close_seeds_have_nothing_in_common() -> None:
    assert abs(correlation(path(7, 20000).between(9.0, 1.0), path(8, 20000).between(9.0, 1.0))) < 0.035


def test_a_path_stays_where_it_is_beyond_its_ends() -> None:
    walk = path(5)
    assert float(walk.at(0.0).abs().max()) == 0
    assert torch.equal(walk.at(100.0), walk.at(14.6146))


def test_the_path_is_torchsdes_brownian_tree() -> None:
    torchsde = pytest.importorskip("torchsde", reason="torchsde is the oracle for Brownian trees")
    like = torch.zeros(2, 4, 8, 8)
    noise = brownian_noise([7, 2**33 + 5], like, LEVELS[0], LEVELS[-1])
    trees = [torchsde.BrownianTree(LEVELS[-1], like[0], LEVELS[0], entropy=seed) for seed in (7, 2**33 + 5)]
    for sigma, sigma_next in pairwise(LEVELS):
        # k-diffusion asks for the interval upwards and turns its sign.
        expected = torch.stack([-tree(sigma_next, sigma) for tree in trees]) / math.sqrt(sigma - sigma_next)
        torch.testing.assert_close(noise(sigma, sigma_next), expected, rtol=0, atol=1e-5)


def test_the_path_gives_the_numbers_that_torchsde_gave() -> None:
    # torchsde 0.2.6: BrownianTree(0.0292, zeros(4), 14.6146, entropy=7)(1.0, 2.0)
    expected = torch.tensor([-0.3639484, 2.1151266, 0.6085961, 0.8634273], dtype=torch.float64)
    torch.testing.assert_close(path(7, 4).between(1.0, 2.0), expected, rtol=0, atol=1e-6)
