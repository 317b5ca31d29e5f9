"""Hires by way of pictures: any upscaler, brought to the very size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from danqing.base.errors import RecipeError
from danqing.base.picture import Pixels
from danqing.base.picture_parts import Hires
from danqing.base.recipe import Recipe
from danqing.painting.engine import Engine
from danqing.painting.enlarge import enlarged
from danqing.painting.plan import Pass, plan
from danqing.painting.upscale import Upscalers
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from tests.painting.upscaler_files import catalog_of, write_repeater
from tests.toy.fixtures import TOY_REF, FolderCatalog


def latents(count: int = 1) -> Tensor:
    return torch.randn(count, 4, 8, 8, generator=torch.Generator().manual_seed(0))


def hires_pass(**fields: object) -> Pass:
    recipe = Recipe(width=64, height=64, hires=Hires.model_validate({"upscaler": "Lanczos", **fields}))
    return plan(recipe).passes[1]


@pytest.mark.parametrize("name", ["Lanczos", "Nearest"])
def test_a_picture_upscaler_gives_latents_of_the_pass(name: str, toy_model: DiffusionModel) -> None:
    made = enlarged(latents(2), toy_model, toy_model, hires_pass(upscaler=name, upscale=1.5))
    assert made.shape == (2, 4, 12, 12)


def test_the_upscaler_gets_the_picture_its_name_and_the_size(toy_model: DiffusionModel) -> None:
    asked: list[tuple[tuple[int, ...], str, tuple[int, int]]] = []

    def enlarge(pixels: Pixels, name: str, size: tuple[int, int]) -> Pixels:
        asked.append((pixels.shape, name, size))
        return np.zeros((size[1], size[0], 3), np.uint8)

    enlarged(latents(), toy_model, toy_model, hires_pass(upscaler="R-ESRGAN 4x+", upscale=2), enlarge)
    assert asked == [((64, 64, 3), "R-ESRGAN 4x+", (128, 128))]


def test_a_picture_that_does_not_grow_is_resampled_whatever_the_upscaler(toy_model: DiffusionModel) -> None:
    made = enlarged(latents(), toy_model, toy_model, hires_pass(upscaler="R-ESRGAN 4x+", upscale=1))
    assert made.shape == (1, 4, 8, 8)


def test_a_size_of_another_shape_is_cut_out_of_the_middle(toy_model: DiffusionModel) -> None:
    seen: list[Pixels] = []

    def enlarge(pixels: Pixels, name: str, size: tuple[int, int]) -> Pixels:
        x = np.arange(size[0])[None, :, None] // 8
        seen.append(np.broadcast_to(x, (size[1], size[0], 3)).astype(np.uint8))
        return seen[-1]

    made = enlarged(latents(), toy_model, toy_model, hires_pass(upscaler="any", width=96, height=128), enlarge)
    assert seen[0].shape == (128, 128, 3)
    assert made.shape == (1, 4, 16, 12)


def test_an_upscaler_that_needs_a_file_is_refused_where_there_are_none(toy_model: DiffusionModel) -> None:
    with pytest.raises(RecipeError, match="no resampling named 'ESRGAN_4x'"):
        enlarged(latents(), toy_model, toy_model, hires_pass(upscaler="ESRGAN_4x"))


def test_upscalers_serve_as_they_are(tmp_path: Path, toy_model: DiffusionModel) -> None:
    upscalers = Upscalers(catalog_of(tmp_path, fourfold=4), Place())
    by_network = enlarged(latents(), toy_model, toy_model, hires_pass(upscaler="fourfold"), upscalers.enlarge)
    by_lanczos = enlarged(latents(), toy_model, toy_model, hires_pass(), upscalers.enlarge)
    assert by_network.shape == by_lanczos.shape
    assert not torch.allclose(by_network, by_lanczos)


def test_the_engine_paints_hires_with_a_users_upscaler(tmp_path: Path, toy_folder: Path) -> None:
    (tmp_path / "toy").symlink_to(toy_folder, target_is_directory=True)
    write_repeater(tmp_path / "plain.safetensors", 4)
    write_repeater(tmp_path / "bright.safetensors", 4, brighter=0.5)
    recipe = Recipe(model=TOY_REF, width=64, height=64, steps=2, seed=1)
    engine = Engine(FolderCatalog(tmp_path), Place())
    made = [
        next(engine.paint([recipe.but(hires=Hires(upscaler=name, denoising_strength=0))])).pixels
        for name in ("plain", "bright")
    ]
    assert made[0].shape == (128, 128, 3)
    assert np.abs(made[1].astype(int) - made[0]).mean() > 1
