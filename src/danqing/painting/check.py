"""What is wrong with an order, said before anything is queued. Pure: asks the catalog, opens no weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from danqing.base.errors import DanqingError
from danqing.base.order import Order
from danqing.base.protocols import Catalog, ModelFile
from danqing.base.recipe import Recipe
from danqing.painting.expand import resolve
from danqing.painting.plan import LATENT_UPSCALERS, PIXEL_UPSCALERS, plan

SCALE_LIMIT = 3.0
"""Above this many times a model's own side a picture repeats its subject; hires is the remedy."""

NOT_YET = MappingProxyType(
    {
        "sd1_inpaint": "an SD 1.x inpainting model",
        "sd1_pix2pix": "an InstructPix2Pix model",
        "sd2_inpaint": "an SD 2.x inpainting model",
        "sdxl": "an SDXL model",
        "sdxl_inpaint": "an SDXL inpainting model",
        "refiner": "an SDXL refiner",
    }
)
"""Families whose networks want more than text and noise: a mask, a picture, sizes."""


@dataclass(frozen=True)
class Complaint:
    """What is wrong and what to do. `fatal` ones refuse the order; others are advice."""

    message: str
    fatal: bool = True


def check(order: Order, catalog: Catalog) -> tuple[Complaint, ...]:
    """All complaints about an order, fatal ones first."""
    found = [complaint for test in _TESTS for complaint in test(order, catalog)]
    return tuple(sorted(found, key=lambda complaint: not complaint.fatal))


def _names_exist(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    recipe = order.recipe
    lookups: list[Callable[[], object]] = [lambda: plan(recipe), lambda: catalog.find(recipe.model)]
    if recipe.vae:
        lookups.append(lambda: catalog.find(recipe.vae, "vae"))
    lookups.append(lambda: resolve(recipe, catalog))
    said: set[str] = set()
    for look in lookups:
        try:
            look()
        except DanqingError as problem:
            if str(problem) not in said:
                said.add(str(problem))
                yield Complaint(str(problem))


def _hires_is_possible(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    hires = order.recipe.hires
    if hires is None:
        return
    known = [*LATENT_UPSCALERS, *PIXEL_UPSCALERS]
    if hires.upscaler not in known:
        yield Complaint(f"no hires upscaler named {hires.upscaler!r}; possible: {', '.join(known)}")


def _parts_are_built(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    recipe = order.recipe
    missing = {
        "init (img2img)": recipe.init is not None,
        "inpaint": recipe.inpaint is not None,
        "refiner": recipe.refiner is not None,
        "controls (ControlNet)": bool(recipe.controls),
        "tiling": recipe.tiling,
        "patches": bool(recipe.patches),
        "finishers": bool(recipe.finishers),
        "speed": recipe.speed != type(recipe.speed)(),
        "hires.model": recipe.hires is not None and bool(recipe.hires.model),
    }
    for part, asked in missing.items():
        if asked:
            yield Complaint(f"this danqing can't paint with {part} yet; leave it out")


def _family_is_built(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    try:
        file = catalog.find(order.recipe.model)
    except DanqingError:
        return  # named already
    if file.family in NOT_YET:
        yield Complaint(
            f"{file.name} is {NOT_YET[file.family]}, which this danqing loads but can't paint with yet; choose an SD 1.x or 2.x model"
        )


def _size_suits_the_model(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    recipe = order.recipe
    try:
        file = catalog.find(recipe.model)
    except DanqingError:
        return  # named already
    for side, usual in (
        (_side(order, recipe, "width"), _usual(file, "width")),
        (_side(order, recipe, "height"), _usual(file, "height")),
    ):
        if usual and side is not None and side > SCALE_LIMIT * usual:
            yield Complaint(
                f"{file.name} was trained at {usual} pixels; at {side} it repeats its subject: paint smaller and enlarge with hires",
                fatal=False,
            )
            return


def _side(order: Order, recipe: Recipe, name: str) -> int | None:
    return None if name in order.left_to_model else int(getattr(recipe, name))


def _usual(file: ModelFile, name: str) -> int:
    value = file.usual.get(name, 0)
    return int(value)


_TESTS = (_names_exist, _family_is_built, _hires_is_possible, _parts_are_built, _size_suits_the_model)
