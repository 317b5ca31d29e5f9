"""Sequences and outpainting: what follows what, by whose rules, and that the picture in the middle stays as it is."""

import math

import numpy as np
import pytest

from danqing.base.errors import RecipeError
from danqing.base.order import Order
from danqing.base.picture import Picture, Pixels, Provenance
from danqing.base.picture_parts import Hires, InitImage
from danqing.base.progress import Verdict
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef, Use
from danqing.painting.engine import Engine
from danqing.painting.following import Loopback, follow_of, sequence_of
from danqing.painting.outpainting import Outpaint, outpainted
from danqing.weights.place import Place
from tests.painting.test_img2img import Pictures, smooth
from tests.toy.fixtures import TOY_REF, FolderCatalog

FIRST = Recipe(prompt="a", model=TOY_REF, width=64, height=64, steps=2, sampler="Euler", seed=5, cfg_scale=4)


class Store(Pictures):
    """A store that takes pictures in."""

    def keep(self, pixels: Pixels, name: str = "") -> ImageRef:
        ref = ImageRef(sha256=f"{len(self.kept):064x}", name=name)
        self.kept[ref] = pixels
        return ref


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def engine(toy_catalog: FolderCatalog, store: Store) -> Engine:
    return Engine(toy_catalog, Place(), images=store)


def a_picture(recipe: Recipe = FIRST, seed: int = 1) -> Picture:
    return Picture(smooth(64, 64, seed), Provenance(recipe=recipe))


@pytest.mark.parametrize(
    ("curve", "shares"),
    [
        ("Linear", [0, 1 / 3, 2 / 3, 1]),
        ("Aggressive", [0, 0.5, math.sqrt(0.75), 1]),
        ("Lazy", [0, 1 - math.sqrt(0.75), 0.5, 1]),
    ],
)
def test_strength_goes_from_the_first_to_the_last_by_its_curve(curve: str, shares: list[float], store: Store) -> None:
    loop = Loopback.model_validate({"loops": 4, "final_denoising_strength": 0.2, "curve": curve})
    first = FIRST.but(init=InitImage(image=store.keep(smooth(64, 64, 1)), denoising_strength=0.8))
    inits = [loop.next(number, first, a_picture(), store.keep).init for number in range(4)]
    assert [init.denoising_strength for init in inits if init] == pytest.approx([0.8 - 0.6 * share for share in shares])


def test_every_loop_has_the_next_seed_and_begins_with_the_picture_before(store: Store) -> None:
    follow = follow_of(Use(name="loopback", settings={"loops": 3}), FIRST.but(hires=Hires()), store.keep)
    before = a_picture()
    second = follow(0, before)
    assert second is not None
    assert (second.seed, second.hires) == (6, None)
    assert second.init is not None
    assert np.array_equal(store.open(second.init.image), before.pixels)
    assert follow(2, before) is None


def test_a_sequence_is_painted_each_picture_naming_the_one_before(engine: Engine, store: Store) -> None:
    follow = follow_of(Use(name="loopback", settings={"loops": 3}), FIRST, store.keep)
    pictures = list(engine.follow(FIRST, follow))
    assert [picture.recipe.seed for picture in pictures] == [5, 6, 7]
    assert [picture.provenance.index for picture in pictures] == [0, 1, 2]
    assert [picture.provenance.follows for picture in pictures] == ["", *(one.recipe.digest for one in pictures[:2])]
    (again,) = engine.paint([pictures[2].recipe])
    assert np.array_equal(again.pixels, pictures[2].pixels), (
        "the recipe alone is enough, while the store has the picture"
    )


def test_an_abandoned_sequence_ends(engine: Engine, store: Store) -> None:
    follow = follow_of(Use(name="loopback", settings={"loops": 3}), FIRST, store.keep)
    assert list(engine.follow(FIRST, follow, lambda _: Verdict.ABANDON)) == []


def test_zooming_out_keeps_the_picture_small_in_the_middle(engine: Engine, store: Store) -> None:
    follow = follow_of(Use(name="zoom", settings={"loops": 2, "factor": 2.0}), FIRST, store.keep)
    first, second = engine.follow(FIRST, follow)
    small = np.asarray(second.pixels[16:48, 16:48], int)
    averaged = first.pixels.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(small - averaged).mean() < 12, "the middle is the picture before, half as large"
    assert second.recipe.init is not None
    assert np.array_equal(second.pixels[16:48, 16:48], store.open(second.recipe.init.image)[16:48, 16:48])


@pytest.mark.parametrize("ground", ["edge", "soft", "mirror", "noise"])
def test_an_outpainted_picture_is_itself_byte_for_byte_in_its_place(engine: Engine, store: Store, ground: str) -> None:
    photo = smooth(64, 48, 3)
    how = Outpaint.model_validate({"left": 16, "up": 5, "right": 7, "ground": ground})
    order = outpainted(Order(recipe=FIRST), photo, how, store.keep)
    assert (order.recipe.width, order.recipe.height) == (88, 56), "both grow on to a multiple of 8"
    assert "width" not in order.left_to_model
    (picture,) = engine.paint([order.recipe])
    assert np.array_equal(picture.pixels[8:56, 16:80], photo)
    assert order.recipe.init is not None
    ground_there = store.open(order.recipe.init.image)
    assert not np.array_equal(picture.pixels[:, :16], ground_there[:, :16]), "the margin is painted"


def test_nothing_to_extend_is_said(store: Store) -> None:
    with pytest.raises(RecipeError, match="nothing to extend"):
        outpainted(Order(recipe=FIRST), smooth(64, 64, 1), Outpaint(), store.keep)


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (Use(name="lopback"), "did you mean loopback"),
        (Use(name="loopback", settings={"loops": 0}), "loops"),
        (Use(name="zoom-out", settings={"factor": 1}), "factor"),
    ],
)
def test_a_wrong_sequence_is_said(use: Use, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        sequence_of(use)
