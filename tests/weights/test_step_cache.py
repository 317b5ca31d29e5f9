"""Step caching: exact where it must be, near elsewhere, and whole whenever a row isn't known."""

from typing import Any

import pytest
import torch
from torch import Tensor

from danqing.diffusion.moment import Moment
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from danqing.weights.shelf import Shelf
from danqing.weights.step_cache import StepCache
from tests.toy.fixtures import FolderCatalog
from tests.toy.model import TOY_FAMILIES
from tests.weights.acting import answer, call_of, distance, toy


class Counting:
    """A UNet that counts its whole calls, and a cache over it."""

    def __init__(self, model: DiffusionModel, interval: int) -> None:
        self.model, self.whole = model, 0
        self.cache = StepCache(model.unet, interval)
        self._hook = model.unet.mid_block.register_forward_pre_hook(self._count)  # pyright: ignore

    def _count(self, *_: object) -> None:
        self.whole += 1

    def __call__(self, step: int, rows: list[Any], sigma: float = 0.0, seed: int = 0, call: int = -1) -> Tensor:
        sample, timestep, text = call_of(self.model, rows=len(rows), seed=seed)
        moment = Moment(step if call < 0 else call, step, 10, sigma or 10.0 - step, 0.0)
        before = self.whole
        with torch.inference_mode():
            output = self.cache(moment, rows, sample, timestep, encoder_hidden_states=text)
        self.was_whole = self.whole > before
        return output

    def done(self) -> None:
        self._hook.remove()


@pytest.fixture
def counting(toy_shelf: Shelf) -> Any:
    made: list[Counting] = []

    def make(interval: int) -> Counting:
        made.append(Counting(toy(toy_shelf), interval))
        return made[-1]

    yield make
    for one in made:
        one.done()


@pytest.mark.parametrize("interval", [0, 1])
def test_an_interval_of_one_is_the_unet_itself(counting: Any, interval: int) -> None:
    cached = counting(interval)
    for step in range(3):
        assert torch.equal(cached(step, ["a", "b"], seed=step), answer(cached.model, call_of(cached.model, seed=step)))
    assert cached.whole >= 3


@pytest.mark.parametrize("interval", [2, 3])
def test_the_first_two_steps_and_then_every_nth_are_exact_and_whole(counting: Any, interval: int) -> None:
    cached = counting(interval)
    for step in range(8):
        output = cached(step, ["a", "b"], seed=step)
        exact = torch.equal(output, answer(cached.model, call_of(cached.model, seed=step)))
        whole = step == 0 or (step - 1) % interval == 0
        assert (exact, cached.was_whole) == (whole, whole)


def test_where_nothing_has_changed_the_shallow_way_gives_the_whole_ones_bits(counting: Any) -> None:
    cached = counting(2)
    first = cached(1, ["a", "b"])
    assert torch.equal(cached(2, ["a", "b"]), first)
    assert not cached.was_whole


def test_what_was_lent_stays_near_while_the_picture_hardly_changes(counting: Any) -> None:
    cached = counting(2)
    sample, timestep, text = call_of(cached.model)
    near = sample + 0.02 * torch.randn(sample.shape, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        cached.cache(Moment(1, 1, 3, 2.0, 1.0), ["a", "b"], sample, timestep, text)
        lent = cached.cache(Moment(2, 2, 3, 1.0, 0.0), ["a", "b"], near, timestep, text)
    assert 0 < distance(lent, answer(cached.model, (near, timestep, text))) < 0.05


def test_rows_may_come_in_another_order_and_fewer(counting: Any) -> None:
    cached = counting(2)
    first = cached(1, ["a", "b"])
    sample, timestep, text = call_of(cached.model)
    with torch.inference_mode():
        turned = cached.cache(Moment(2, 2, 3, 8.0, 0.0), ["b", "a"], sample.flip(0), timestep, text.flip(0))
        alone = cached.cache(Moment(2, 2, 3, 8.0, 0.0), ["b"], sample[1:], timestep, text[1:])
    assert distance(turned.flip(0), first) < 1e-6
    assert distance(alone, first[1:]) < 1e-6


def test_a_row_that_is_new_makes_the_call_whole(counting: Any) -> None:
    cached = counting(3)
    cached(1, ["a"])
    cached(2, ["a", "b"])
    assert cached.was_whole
    cached(3, ["a", "b"])
    assert not cached.was_whole


def test_what_was_left_out_for_too_long_is_not_lent_any_more(counting: Any) -> None:
    cached = counting(2)
    cached(1, ["a", "negative"])
    cached(2, ["a"])
    assert not cached.was_whole
    cached(3, ["a"])
    cached(4, ["a", "negative"])
    assert cached.was_whole


def test_both_calls_of_a_step_are_whole_or_both_are_lent(counting: Any) -> None:
    cached = counting(2)
    seen = []
    for step in range(1, 5):
        for half in range(2):
            cached(step, ["a"], sigma=10.0 - step - half / 2, call=2 * step + half)
            seen.append(cached.was_whole)
    assert seen == [True, True, False, False] * 2


def test_noise_that_rises_again_makes_the_call_whole(counting: Any) -> None:
    cached = counting(3)
    cached(1, ["a"], sigma=1.0)
    cached(2, ["a"], sigma=5.0)
    assert cached.was_whole


def test_packed_and_channels_last_networks_can_be_cached(toy_catalog: FolderCatalog) -> None:
    shelf = Shelf(toy_catalog, Place("cpu", torch.bfloat16, torch.float32, channels_last=True), families=TOY_FAMILIES)
    model = toy(shelf)
    sample, timestep, text = call_of(model)
    words = (sample.bfloat16(), timestep, text.bfloat16())
    cache = StepCache(model.unet, 2)
    with torch.inference_mode():
        first, second = (cache(Moment(n, n, 3, 3.0 - n, 0.0), ["a", "b"], *words) for n in (1, 2))
    assert torch.equal(first, second)
