"""A1111's scripts that begin with a picture, as orders."""

from typing import Any

import numpy as np
import pytest

from danqing.base.errors import DanqingError
from danqing.base.order import Order
from danqing.base.picture import Pixels
from danqing.base.refs import ImageRef
from danqing.web.problems import Refused
from danqing.web.sdapi.requests import ImageToImage
from danqing.web.sdapi.scripts import asked_of
from danqing.web.sdapi.translate import Around

PHOTO = ImageRef(sha256="a" * 64, name="photo")


class Store:
    """Pictures in memory, one to begin with: 40 wide, 24 high."""

    def __init__(self) -> None:
        self.kept: dict[ImageRef, Pixels] = {PHOTO: np.full((24, 40, 3), 90, np.uint8)}

    def open(self, ref: ImageRef) -> Pixels:
        return self.kept[ref]

    def keep(self, pixels: Pixels, name: str = "") -> ImageRef:
        ref = ImageRef(sha256=f"{len(self.kept):064x}", name=name)
        self.kept[ref] = pixels
        return ref


def order(name: str, *arguments: Any, store: Store | None = None, **body: Any) -> Order:
    request = ImageToImage.model_validate({"seed": 7, "script_name": name, "script_args": list(arguments), **body})
    around = Around({}, lambda: 1, lambda name: True, (PHOTO,), store=store or Store())
    (one,) = asked_of(request, around).orders
    return one


def test_loopback_is_a_sequence_from_the_picture() -> None:
    found = order("loopback", 3, 0.2, "Lazy", "None", denoising_strength=0.6, n_iter=2)
    assert found.follow is not None
    assert found.follow.name == "loopback"
    assert found.follow.settings == {"loops": 3, "final_denoising_strength": 0.2, "curve": "Lazy"}
    assert (found.count, found.batch_size) == (2, 1)


def test_sd_upscale_paints_the_enlarged_picture_in_tiles_of_the_size_asked_for() -> None:
    recipe = order("SD upscale", "", 8, "Lanczos", 2.0, width=32, height=16).recipe
    assert (recipe.width, recipe.height) == (80, 48)
    assert recipe.init is not None
    assert recipe.init.upscaler == "Lanczos"
    assert recipe.tiled is not None
    assert (recipe.tiled.width, recipe.tiled.height, recipe.tiled.overlap) == (32, 16, 8)


def test_outpainting_mk2_extends_the_sides_asked_for_with_noise() -> None:
    store = Store()
    recipe = order("outpainting mk2", "", 16, 8, ["left", "down"], 1.5, 0.1, store=store, denoising_strength=0.8).recipe
    assert (recipe.width, recipe.height) == (56, 40)
    assert recipe.init is not None
    assert recipe.inpaint is not None
    assert recipe.init.denoising_strength == 0.8
    canvas, mask = store.open(recipe.init.image), store.open(recipe.inpaint.mask)
    assert (canvas[:24, 16:] == 90).all()
    assert not mask[:24, 16:].any()
    assert (mask[:, :16] == 255).all()


@pytest.mark.parametrize(
    ("number", "content"), [(0, "fill"), (1, "original"), (2, "latent noise"), (3, "latent nothing")]
)
def test_poor_mans_outpainting_has_a_masked_content(number: int, content: str) -> None:
    recipe = order("poor man's outpainting", 16, 4, number, ["up"]).recipe
    assert recipe.inpaint is not None
    assert (recipe.height, recipe.inpaint.content) == (40, content)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("loopback", [0]),
        ("loopback", [3, 0.5, "Steep"]),
        ("outpainting mk2", ["", 16, 8, ["sideways"]]),
        ("outpainting mk2", ["", 0, 8, ["left"]]),
        ("poor man's outpainting", [16, 4, 9, ["left"]]),
    ],
)
def test_arguments_that_mean_nothing_are_refused(name: str, arguments: list[Any]) -> None:
    with pytest.raises(DanqingError):
        order(name, *arguments)


def test_without_a_picture_there_is_nothing_to_begin_with() -> None:
    request = ImageToImage(script_name="sd upscale", script_args=["", 8, "Lanczos", 2.0])
    with pytest.raises(Refused):
        asked_of(request, Around({}, lambda: 1, lambda name: True, store=Store()))
