"""Tiled painting: tiles cover everything, agree where they overlap, and one tile is no tile at all."""

import numpy as np
import pytest
import torch

from danqing.base.parts import Tiled
from danqing.base.picture_parts import Hires
from danqing.base.recipe import Recipe
from danqing.painting.engine import Engine
from danqing.painting.tiled import Window, hill, laid_together, windows
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from tests.toy.fixtures import TOY_REF, FolderCatalog

LARGE = Recipe(prompt="a", model=TOY_REF, width=160, height=96, steps=2, sampler="Euler", seed=3, cfg_scale=4)


@pytest.fixture(scope="module")
def engine(toy_catalog: FolderCatalog) -> Engine:
    return Engine(toy_catalog, Place())


def paint(engine: Engine, recipe: Recipe) -> np.ndarray:
    (picture,) = engine.paint([recipe])
    return picture.pixels.astype(int)


@pytest.mark.parametrize("size", [(8, 8), (20, 12), (9, 30), (64, 64)])
def test_tiles_that_say_the_same_say_it_together(toy_model: DiffusionModel, size: tuple[int, int]) -> None:
    width, height = size
    x = torch.randn(2, 4, height, width)

    def cut(window: Window) -> torch.Tensor:
        return x[..., window[0], window[1]]

    tiles = windows(Tiled(), toy_model, size)
    assert all(cut(tile).shape[2] <= 8 and cut(tile).shape[3] <= 8 for tile in tiles), (
        "no tile is larger than the model's side"
    )
    torch.testing.assert_close(laid_together(x, tiles, cut), x)


def test_a_tile_counts_most_in_its_middle_and_everywhere_a_little() -> None:
    share = hill(9, 5)
    assert share.argmax() == 9 * 5 // 2
    assert share.min() > 0


def test_without_tiles_the_network_sees_the_whole(toy_model: DiffusionModel) -> None:
    assert windows(None, toy_model, (20, 12)) == [(slice(None), slice(None))]


def test_one_tile_is_the_picture_as_it_is(engine: Engine) -> None:
    whole = paint(engine, LARGE)
    assert np.array_equal(whole, paint(engine, LARGE.but(tiled=Tiled(width=160, height=96))))
    tiled = paint(engine, LARGE.but(tiled=Tiled(width=64, height=64)))
    assert tiled.shape == whole.shape
    assert not np.array_equal(whole, tiled)


def test_hires_goes_through_tiles_too(engine: Engine) -> None:
    hires = LARGE.but(width=64, height=64, hires=Hires(upscale=2, steps=2, upscaler="Lanczos"))
    assert not np.array_equal(paint(engine, hires), paint(engine, hires.but(tiled=Tiled(width=64, height=64))))
