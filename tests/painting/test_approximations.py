"""What a recipe may switch on for speed and for endless patterns, seen in whole pictures: what it changes, how far, and that nothing remains."""

from pathlib import Path

import numpy as np
import pytest

from danqing.base.parts import Speed
from danqing.base.picture_parts import Hires
from danqing.base.protocols import ModelFile
from danqing.base.recipe import Recipe
from danqing.base.refs import Use
from danqing.painting.engine import Engine
from danqing.studio.bench.task import OneModel
from danqing.weights.assets import embedded_model
from danqing.weights.place import Place
from tests.toy.fixtures import TOY_REF, FolderCatalog

TOY = Recipe(prompt="a red apple", model=TOY_REF, width=64, height=64, steps=6, sampler="Euler", seed=3, cfg_scale=4)
GIRL = Recipe(prompt="1girl, long green hair, glasses, orange background", width=128, height=128, steps=12, seed=7)
ACROSS = (Use(name="Tiling", settings={"y": False}),)


@pytest.fixture(scope="module")
def toy_engine(toy_catalog: FolderCatalog) -> Engine:
    return Engine(toy_catalog, Place())


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The embedded model's."""
    folder: Path = embedded_model()
    return Engine(OneModel(ModelFile(folder.name, folder, "checkpoint", "mini", "0" * 64)), Place())


def pixels(engine: Engine, recipe: Recipe) -> np.ndarray:
    return next(engine.paint([recipe])).pixels.astype(int)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(one - other).mean()))


def steepest(picture: np.ndarray, axis: int) -> tuple[float, float]:
    """How steep (mean over a line) a picture is where its two ends meet, and where it is steepest inside."""
    lines = np.abs(picture - np.roll(picture, 1, axis)).mean(axis=(1 - axis, 2))
    return float(lines[0]), float(lines[1:].max())


@pytest.mark.parametrize("speed", [Speed(step_cache=1), Speed(token_merging_hires=0.5)], ids=str)
def test_what_is_switched_on_without_effect_changes_no_pixel(toy_engine: Engine, speed: Speed) -> None:
    assert np.array_equal(pixels(toy_engine, TOY.but(speed=speed)), pixels(toy_engine, TOY))


@pytest.mark.parametrize(
    "changes",
    [
        {"speed": Speed(step_cache=3)},
        {"speed": Speed(token_merging=0.5)},
        {"speed": Speed(step_cache=2, token_merging=0.3)},
        {"tiling": True},
        {"patches": (Use(name="FreeU"),)},
        {"patches": ACROSS},
    ],
    ids=str,
)
def test_a_part_of_the_recipe_acts_and_leaves_nothing_behind(toy_engine: Engine, changes: dict[str, object]) -> None:
    plain = pixels(toy_engine, TOY)
    changed = pixels(toy_engine, TOY.but(**changes))
    assert not np.array_equal(changed, plain)
    assert np.array_equal(pixels(toy_engine, TOY.but(**changes)), changed)
    assert np.array_equal(pixels(toy_engine, TOY), plain)


@pytest.mark.parametrize("sampler", ["DPM++ SDE", "Heun", "Restart", "DPM++ 2M", "UniPC", "LMS", "Euler a"])
def test_every_kind_of_sampler_can_be_cached(toy_engine: Engine, sampler: str) -> None:
    recipe = TOY.but(sampler=sampler, steps=8, hires=Hires(upscale=1.5, steps=4))
    exact, cached = (pixels(toy_engine, recipe.but(speed=Speed(step_cache=n))) for n in (0, 2))
    assert exact.shape == cached.shape == (96, 96, 3)
    assert 8 < psnr(cached, exact) < 60


@pytest.mark.parametrize(
    ("speed", "bound"), [(Speed(step_cache=2), 17), (Speed(step_cache=3), 16), (Speed(token_merging=0.3), 13)], ids=str
)
def test_the_embedded_models_picture_stays_recognisable(engine: Engine, speed: Speed, bound: float) -> None:
    assert psnr(pixels(engine, GIRL.but(speed=speed)), pixels(engine, GIRL)) > bound


@pytest.mark.parametrize("axis", [0, 1])
def test_a_tiled_picture_has_no_seam(engine: Engine, axis: int) -> None:
    """Where its ends meet it is no steeper than it is somewhere inside; an untiled one of this prompt is."""
    seam, inside = steepest(pixels(engine, GIRL.but(tiling=True, prompt="green stripes", steps=8)), axis)
    assert seam <= inside


def test_a_picture_may_be_endless_in_one_direction_only(engine: Engine) -> None:
    seam, inside = steepest(pixels(engine, GIRL.but(patches=ACROSS)), 1)
    assert seam <= inside


def test_untiled_pictures_have_seams_or_the_tests_above_show_nothing(engine: Engine) -> None:
    seams = {
        tiling: [steepest(pixels(engine, GIRL.but(seed=seed, tiling=tiling)), 0)[0] for seed in (1, 2, 3)]
        for tiling in (True, False)
    }
    assert sum(seams[False]) > 1.5 * sum(seams[True])
