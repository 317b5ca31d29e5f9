"""Texts from other machines name models that may not be here: what paints instead, and a sentence for each."""

from collections.abc import Collection
from typing import Any

from danqing.base.errors import DanqingError, ModelError
from danqing.base.order import Order
from danqing.base.protocols import Catalog, ModelKind
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.painting.plan import LATENT_UPSCALERS, PIXEL_UPSCALERS
from danqing.painting.upscaling import find_upscaler
from danqing.prompt.tags import Tag, drop_tags

KINDS: dict[str, ModelKind] = {"lora": "lora", "lyco": "lora", "hypernet": "hypernet"}
SPOKEN: dict[str, str] = {"lora": "LoRA", "hypernet": "hypernetwork"}


def with_what_is_here(order: Order, catalog: Catalog, *, said: Collection[str] = ()) -> tuple[Order, tuple[str, ...]]:
    """The order with models that the catalog has, and a sentence for each that it hasn't.

    Another checkpoint of that name or else the default one takes its place; a VAE, refiner or LoRA is left out, as
    A1111 does. Fields named in `said` are left as they are. Raises ModelError when there is no checkpoint at all.
    """
    notes: list[str] = []
    recipe = order.recipe
    changes: dict[str, Any] = {}
    if recipe.model and "model" not in said:
        changes["model"] = _checkpoint(recipe.model, catalog, notes)
    if recipe.vae and "vae" not in said and not _has(catalog, recipe.vae, "vae"):
        changes["vae"] = ModelRef()
        notes.append(f"the VAE {_title(recipe.vae)} isn't here: the checkpoint's own decodes instead")
    changes |= _second_models(recipe, catalog, notes) | _networks(recipe, catalog, notes)
    if recipe.controls:
        changes["controls"] = ()
        notes.append("ControlNet can't be used yet: it is left out, so the picture is another one")
    kept = {name: value for name, value in changes.items() if value != getattr(recipe, name)}
    if not kept:
        return order, ()
    return order.but(recipe=recipe.but(**kept), left_to_model=order.left_to_model), tuple(dict.fromkeys(notes))


def _checkpoint(wanted: ModelRef, catalog: Catalog, notes: list[str]) -> ModelRef:
    if _has(catalog, wanted, "checkpoint"):
        return wanted
    same_name = ModelRef(name=wanted.name)
    other = same_name if wanted.name and _has(catalog, same_name, "checkpoint") else ModelRef()
    here = catalog.find(other).ref
    notes.append(f"the model {_title(wanted)} isn't here: {_title(here)} paints instead, so the picture is another one")
    return other


def _second_models(recipe: Recipe, catalog: Catalog, notes: list[str]) -> dict[str, Any]:
    hires, refiner = recipe.hires, recipe.refiner
    if hires is not None and hires.model and not _has(catalog, hires.model, "checkpoint"):
        notes.append(f"the hires checkpoint {_title(hires.model)} isn't here: the first one goes on")
        hires = hires.but(model=ModelRef())
    if hires is not None and not _can_enlarge(hires.upscaler, catalog):
        notes.append(
            f"the hires upscaler {hires.upscaler!r} isn't here: Lanczos enlarges instead, so the picture is another one"
        )
        hires = hires.but(upscaler=PIXEL_UPSCALERS[0])
    if refiner is not None and not _has(catalog, refiner.model, "checkpoint"):
        notes.append(f"the refiner {_title(refiner.model)} isn't here: it is left out")
        refiner = None
    return {"hires": hires, "refiner": refiner}


def _networks(recipe: Recipe, catalog: Catalog, notes: list[str]) -> dict[str, Any]:
    def missing(tag: Tag) -> bool:
        return tag.kind in KINDS and not _stays(ModelRef(name=tag.name), KINDS[tag.kind], catalog, notes)

    return {
        "prompt": drop_tags(recipe.prompt, missing),
        "loras": tuple(use for use in recipe.loras if _stays(use.model, "lora", catalog, notes)),
        "hypernets": tuple(use for use in recipe.hypernets if _stays(use.model, "hypernet", catalog, notes)),
    }


def _stays(ref: ModelRef, kind: ModelKind, catalog: Catalog, notes: list[str]) -> bool:
    if _has(catalog, ref, kind):
        return True
    notes.append(f"the {SPOKEN[kind]} {_title(ref)} isn't here: it is left out")
    return False


def _has(catalog: Catalog, ref: ModelRef, kind: ModelKind) -> bool:
    try:
        catalog.find(ref, kind)
    except ModelError:
        return False
    return True


def _can_enlarge(name: str, catalog: Catalog) -> bool:
    if name in LATENT_UPSCALERS:
        return True
    try:
        find_upscaler(name, catalog)
    except DanqingError:
        return False
    return True


def _title(ref: ModelRef) -> str:
    return f"{ref.name!r} [{ref.sha256[:10]}]" if ref.sha256 else repr(ref.name)
