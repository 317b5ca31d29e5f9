"""Noise of single pictures: generators, subseeds, resized seeds, batches."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from danqing.diffusion.noise import PictureNoise, SeedPlan, brownian_noise, centred, fresh_noise, slerp, starting_noise
from danqing.diffusion.philox import philox_normal

PHILOX: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "golden" / "philox_nv_randn.json").read_text("utf-8")
)
SHAPE = (4, 6, 8)


@pytest.mark.parametrize("case", PHILOX, ids=lambda case: str(case["seed"]))
def test_nv_noise_is_that_of_an_nvidia_gpu_to_the_bit(case: dict[str, Any]) -> None:
    picture = PictureNoise(case["seed"], "NV")
    assert torch.equal(picture.draw((3, 4)), torch.tensor(case["first_3x4"]))
    assert torch.equal(picture.draw((2, 2)), torch.tensor(case["second_2x2"]))


def test_nv_noise_is_normal() -> None:
    drawn = torch.from_numpy(philox_normal(7, 0, 200_000)).double()
    assert abs(float(drawn.mean())) < 0.01
    assert abs(float(drawn.std()) - 1) < 0.01
    assert abs(float((drawn**4).mean()) - 3) < 0.1


def test_cpu_noise_is_torchs_own() -> None:
    picture = PictureNoise(42)
    generator = torch.Generator().manual_seed(42)
    assert torch.equal(picture.draw(SHAPE), torch.randn(SHAPE, generator=generator))
    assert torch.equal(picture.draw(SHAPE), torch.randn(SHAPE, generator=generator))


def test_drawing_leaves_torchs_global_generator_alone() -> None:
    before = torch.get_rng_state()
    starting_noise(SeedPlan(1, subseed=2, subseed_strength=0.3, resize_from=(3, 3), ensd=5), SHAPE)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_starting_noise_is_the_first_draw_and_hands_its_generator_on(source: Any) -> None:
    noise, generator = starting_noise(SeedPlan(9, source), SHAPE)
    picture = PictureNoise(9, source)
    assert torch.equal(noise, picture.draw(SHAPE))
    assert torch.equal(generator.draw(SHAPE), picture.draw(SHAPE))


def test_a_subseed_of_strength_1_is_the_other_picture_but_keeps_its_own_later_noise() -> None:
    noise, generator = starting_noise(SeedPlan(9, subseed=10, subseed_strength=1.0), SHAPE)
    torch.testing.assert_close(noise, PictureNoise(10).draw(SHAPE))
    own = PictureNoise(9)
    own.draw(SHAPE)
    assert torch.equal(generator.draw(SHAPE), own.draw(SHAPE))


def test_slerp_goes_along_the_sphere_column_by_column() -> None:
    low = torch.tensor([1.0, 0.0]).view(1, 2, 1)
    high = torch.tensor([0.0, 1.0]).view(1, 2, 1)
    torch.testing.assert_close(slerp(low, high, 0.5).flatten(), torch.full((2,), 0.5**0.5))
    torch.testing.assert_close(slerp(low, high, 1 / 3).flatten(), torch.tensor([0.75**0.5, 0.5]))


def test_slerp_keeps_the_variance_where_a_straight_mixture_would_halve_it() -> None:
    low, high = PictureNoise(1).draw((4, 64, 64)), PictureNoise(2).draw((4, 64, 64))
    assert abs(float(slerp(low, high, 0.5).std()) - 1) < 0.02
    assert float(low.lerp(high, 0.5).std()) < 0.75


def test_a_subseed_equal_to_the_seed_changes_nothing() -> None:
    noise, _ = starting_noise(SeedPlan(9, subseed=9, subseed_strength=0.4), SHAPE)
    torch.testing.assert_close(noise, PictureNoise(9).draw(SHAPE))


def test_a_seed_resized_from_a_smaller_picture_keeps_its_noise_in_the_middle() -> None:
    noise, generator = starting_noise(SeedPlan(9, resize_from=(4, 4)), SHAPE)
    around, inner = PictureNoise(9), PictureNoise(9).draw((4, 4, 4))
    expected = around.draw(SHAPE)
    expected[:, 1:5, 2:6] = inner
    assert torch.equal(noise, expected)
    assert torch.equal(generator.draw(SHAPE), around.draw(SHAPE))


def test_a_seed_resized_from_a_larger_picture_is_its_middle() -> None:
    noise, _ = starting_noise(SeedPlan(9, resize_from=(8, 12)), SHAPE)
    assert torch.equal(noise, PictureNoise(9).draw((4, 8, 12))[:, 1:7, 2:10])


@pytest.mark.parametrize("inner", [(1, 7, 7), (1, 3, 9), (1, 9, 3), (1, 5, 5), (1, 12, 1)])
def test_odd_differences_are_centred_as_in_a1111(inner: tuple[int, int, int]) -> None:
    # The same written as A1111's documentation of the geometry has it: floor of half the difference, both ways.
    small, large = PictureNoise(1).draw(inner), PictureNoise(2).draw((1, 6, 6))
    expected = large.clone()
    top, left = (6 - inner[1]) // 2, (6 - inner[2]) // 2
    rows = inner[1] if top >= 0 else inner[1] + 2 * top
    columns = inner[2] if left >= 0 else inner[2] + 2 * left
    for row in range(rows):
        for column in range(columns):
            source = small[:, row + max(-top, 0), column + max(-left, 0)]
            expected[:, row + max(top, 0), column + max(left, 0)] = source
    assert torch.equal(centred(small, large), expected)


def test_a_seed_resized_from_its_own_size_is_the_seed() -> None:
    assert torch.equal(starting_noise(SeedPlan(9, resize_from=(6, 8)), SHAPE)[0], PictureNoise(9).draw(SHAPE))


def test_ensd_changes_the_later_noise_only() -> None:
    noise, generator = starting_noise(SeedPlan(9, ensd=31337), SHAPE)
    assert torch.equal(noise, PictureNoise(9).draw(SHAPE))
    assert torch.equal(generator.draw(SHAPE), PictureNoise(9 + 31337).draw(SHAPE))


def test_fresh_noise_stacks_the_draws_of_single_pictures() -> None:
    like = torch.empty(2, *SHAPE, dtype=torch.float64)
    noise = fresh_noise([PictureNoise(1), PictureNoise(2)], like)
    first, second = noise(3.0, 2.0), noise(2.0, 1.0)
    alone = PictureNoise(2)
    assert first.dtype == torch.float64
    assert torch.equal(first[1].float(), alone.draw(SHAPE))
    assert torch.equal(second[1].float(), alone.draw(SHAPE))


@pytest.mark.parametrize("source", ["CPU", "NV"])
def test_brownian_noise_has_unit_variance_and_belongs_to_its_picture(source: Any) -> None:
    like = torch.empty(2, 4, 32, 32)

    def drawn(seeds: list[int]) -> Tensor:
        return brownian_noise(seeds, like[: len(seeds)], 14.6, 0.03, source)(3.0, 2.4)

    assert torch.equal(drawn([5, 6])[1], drawn([6])[0])
    assert not torch.equal(drawn([5])[0], drawn([6])[0])
    assert abs(float(drawn([5, 6]).std()) - 1) < 0.03
