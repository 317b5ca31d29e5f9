"""What is wrong with an order, said before anything is queued. Pure: asks the catalog, opens no weights."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.order import Order
from danqing.base.protocols import Catalog, Images, ModelFile
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.base.table import did_you_mean
from danqing.painting.axes import turned
from danqing.painting.expand import resolve
from danqing.painting.following import sequence_of
from danqing.painting.plan import LATENT_UPSCALERS, plan
from danqing.painting.upscaling import FETCH, find_upscaler, upscaler_names
from danqing.weights.families import FAMILIES, Family

SCALE_LIMIT = 3.0
"""Above this many times a model's own side a picture repeats its subject; hires is the remedy."""


@dataclass(frozen=True)
class Complaint:
    """What is wrong and what to do. `fatal` ones refuse the order; others are advice."""

    message: str
    fatal: bool = True


def check(order: Order, catalog: Catalog, images: Images | None = None) -> tuple[Complaint, ...]:
    """All complaints about an order, fatal ones first; those about its input pictures where a store of them is given."""
    found = [complaint for test in _TESTS for complaint in test(order, catalog)]
    if images is not None:
        found.extend(_pictures_open(order.recipe, images))
    return tuple(sorted(found, key=lambda complaint: not complaint.fatal))


def _names_exist(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    recipe = order.recipe
    lookups: list[Callable[[], object]] = [lambda: plan(recipe), lambda: catalog.find(recipe.model)]
    if recipe.vae:
        lookups.append(lambda: catalog.find(recipe.vae, "vae"))
    if recipe.refiner and not recipe.refiner.model:
        yield Complaint("there is a refiner without a model; give refiner.model, or leave it out")
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
    if hires is None or hires.upscaler in LATENT_UPSCALERS:
        return
    try:
        find_upscaler(hires.upscaler, catalog)
    except RecipeError:
        near = did_you_mean(hires.upscaler, [*LATENT_UPSCALERS, *upscaler_names(catalog)])
        joint = "" if near.endswith("?") else ";"
        yield Complaint(f"no hires upscaler named {hires.upscaler!r}{near}{joint} {FETCH}")
    except DanqingError as problem:
        yield Complaint(str(problem))


def _parts_are_built(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    recipe = order.recipe
    missing = {
        "controls (ControlNet)": bool(recipe.controls),
        "finishers": bool(recipe.finishers),
    }
    for part, asked in missing.items():
        if asked:
            yield Complaint(f"this danqing can't paint with {part} yet; leave it out")


def _parts_go_together(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    recipe = order.recipe
    if recipe.init is not None and recipe.init.blend and recipe.inpaint is not None:
        yield Complaint("pictures can't be blended under a mask; blend them first, then inpaint the result")
    if order.follow is not None:
        try:
            sequence_of(order.follow)
        except DanqingError as problem:
            yield Complaint(str(problem))
    if recipe.inpaint is not None and recipe.init is None:
        yield Complaint("there is a mask (inpaint) but no picture to paint into; give one as init.image")
    if recipe.inpaint is not None and recipe.hires is not None:
        yield Complaint(
            "hires can't follow inpainting, whose result is laid back into the picture; enlarge it afterwards"
        )
    family = _family(catalog, recipe.model)
    if recipe.init is not None and recipe.init.upscaler:
        try:
            find_upscaler(recipe.init.upscaler, catalog)
        except DanqingError as problem:
            yield Complaint(str(problem))
    if family is None:
        return
    if family.edits and recipe.init is None:
        yield Complaint(f"{family.title} edits a picture: give one as init.image")
    if family.edits and recipe.hires is not None:
        yield Complaint(f"{family.title} edits a picture in one pass; leave out hires")
    refiner = _family(catalog, recipe.refiner.model) if recipe.refiner and recipe.refiner.model else None
    painted = _family(catalog, recipe.hires.model) if recipe.hires and recipe.hires.model else family
    if refiner is not None and painted is not None and refiner.latent != painted.latent:
        yield Complaint(
            f"a refiner of family {refiner.title} can't take over from {painted.title} within a pass: their latents differ; "
            "use it as hires.model with a picture upscaler"
        )


def _axes_are_possible(order: Order, catalog: Catalog) -> Iterator[Complaint]:
    said: set[str] = set()
    for axis in order.axes:
        for value in axis.values:
            try:
                resolve(turned(order.but(axes=()), axis, value).recipe, catalog)
            except DanqingError as problem:
                if str(problem) not in said:
                    said.add(str(problem))
                    yield Complaint(str(problem))


def _pictures_open(recipe: Recipe, images: Images) -> Iterator[Complaint]:
    init, inpaint = recipe.init, recipe.inpaint
    given = [init.image, *(one.image for one in init.blend)] if init else []
    if inpaint:
        given.append(inpaint.mask)
    for ref in dict.fromkeys(given):
        try:
            images.open(ref)
        except DanqingError as problem:
            yield Complaint(str(problem))


def _family(catalog: Catalog, ref: ModelRef) -> Family | None:
    try:
        name = catalog.find(ref).family
    except DanqingError:
        return None  # named already
    return next((family for family in FAMILIES if family.name == name), None)


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


_TESTS = (
    _names_exist,
    _parts_go_together,
    _hires_is_possible,
    _parts_are_built,
    _size_suits_the_model,
    _axes_are_possible,
)
