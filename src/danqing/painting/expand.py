"""Orders to recipes: models found and hashed, tags lifted out of prompts, styles and axes laid out, seeds given. Free of torch and of chance."""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from danqing.base.errors import RecipeError
from danqing.base.order import Order
from danqing.base.protocols import Catalog
from danqing.base.recipe import Recipe
from danqing.base.refs import HypernetUse, LoraUse, ModelRef
from danqing.base.seed import picture_seeds
from danqing.diffusion.names import resolve_sampler
from danqing.painting.axes import cells, with_drawn_seeds
from danqing.prompt.styles import Style, apply_styles
from danqing.prompt.tags import Tag, extract_tags
from danqing.prompt.variants import NO_WILDCARDS, draw_variant
from danqing.prompt.wildcards import Wildcards


def settle_seed(order: Order, random_seed: Callable[[], int]) -> Order:
    """The order with its chance taken out: with policy "random" a first seed is drawn once, and the rest count up from it, as A1111's -1 does."""
    order = with_drawn_seeds(order, random_seed)
    if order.seeds != "random":
        return order
    return order.but(recipe=order.recipe.but(seed=random_seed()), seeds="increasing", left_to_model=order.left_to_model)


@dataclass(frozen=True)
class Phrases:
    """What a studio keeps of words: styles by name, and wildcards."""

    styles: Mapping[str, Style] = field(default_factory=dict[str, Style])
    wildcards: Wildcards = NO_WILDCARDS


NO_PHRASES = Phrases()


def expand(order: Order, catalog: Catalog, phrases: Phrases = NO_PHRASES) -> Iterator[Recipe]:
    """Every recipe of a settled order: cells in display order, batch by batch. Raises RecipeError or ModelError for what can't be resolved."""
    for cell in cells(order):
        if cell.seeds == "random":
            raise RecipeError("this order still has its seed to be drawn; settle_seed draws it")
        template = with_styles(cell.recipe, cell.styles, phrases.styles)
        drawn = _variant(template, 0, phrases.wildcards)
        settled = resolve(drawn, catalog, cell.left_to_model)
        varied = template.variation.strength > 0
        for index in range(order.count * order.batch_size):
            one = _variant(template, index, phrases.wildcards)
            if (one.prompt, one.negative_prompt) != (drawn.prompt, drawn.negative_prompt):
                drawn, settled = one, resolve(one, catalog, cell.left_to_model)
            seed, second = picture_seeds(template.seed, template.variation.seed, index, order.seeds, varied)
            variation = settled.variation.but(seed=second) if varied else settled.variation
            yield settled.but(seed=seed, variation=variation)


def with_styles(recipe: Recipe, names: Sequence[str], styles: Mapping[str, Style]) -> Recipe:
    """The recipe with styles laid on its prompts. Raises PromptError for a name that isn't there."""
    if not names:
        return recipe
    prompt, negative = apply_styles(recipe.prompt, recipe.negative_prompt, names, styles)
    return recipe.but(prompt=prompt, negative_prompt=negative)


def _variant(recipe: Recipe, index: int, wildcards: Wildcards) -> Recipe:
    """Picture `index` of a template with variants: drawn by seed + index, as sd-dynamic-prompts does. Other dialects have none."""
    if recipe.dialect != "danqing":
        return recipe
    chance = random.Random(recipe.seed + index)
    prompt, negative = (
        draw_variant(text, chance, wildcards, index) for text in (recipe.prompt, recipe.negative_prompt)
    )
    if (prompt, negative) == (recipe.prompt, recipe.negative_prompt):
        return recipe
    return recipe.but(prompt=prompt, negative_prompt=negative)


def resolve(recipe: Recipe, catalog: Catalog, left_to_model: tuple[str, ...] = ()) -> Recipe:
    """The recipe with nothing left open: model files hashed, the model's usual values in, sampler and schedule by name, tags lifted."""
    file = catalog.find(recipe.model)
    changes: dict[str, Any] = {"model": file.ref}
    changes |= {name: file.usual[name] for name in left_to_model if name in file.usual}
    if recipe.vae:
        changes["vae"] = catalog.find(recipe.vae, "vae").ref
    sampler = str(changes.get("sampler", recipe.sampler))
    schedule = str(changes.get("schedule", recipe.schedule))
    changes["sampler"], changes["schedule"] = resolve_sampler(sampler, schedule)
    changes |= _lifted(recipe.prompt, recipe.negative_prompt, recipe.loras, recipe.hypernets, catalog)
    if recipe.hires is not None:
        hires = recipe.hires
        other = {"model": catalog.find(hires.model).ref} if hires.model else {}
        changes["hires"] = hires.but(
            **other,
            **_lifted(hires.prompt, hires.negative_prompt, hires.loras, hires.hypernets, catalog),
        )
    if recipe.refiner is not None and recipe.refiner.model:
        changes["refiner"] = recipe.refiner.but(model=catalog.find(recipe.refiner.model).ref)
    changes["embeddings"] = _embeddings(recipe.but(**changes), catalog)
    return recipe.but(**changes)


def _embeddings(recipe: Recipe, catalog: Catalog) -> tuple[ModelRef, ...]:
    """Textual inversions that the prompts name, pinned by hash: on another machine the same word stays the same file.

    A name counts wherever it stands as a word of its own; whether its tokens really meet is the reader's affair.
    """
    hires = (recipe.hires.prompt, recipe.hires.negative_prompt) if recipe.hires else ()
    text = "\n".join((recipe.prompt, recipe.negative_prompt, *hires)).casefold()
    given = [catalog.find(ref, "embedding").ref for ref in recipe.embeddings]
    known = {ref.name for ref in given}
    named = [
        file.ref
        for file in catalog.list("embedding")
        if file.name not in known and _has_word(text, file.name.casefold())
    ]
    return (*given, *(catalog.find(ref, "embedding").ref for ref in named))


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _lifted(
    prompt: str,
    negative: str,
    loras: tuple[LoraUse, ...],
    hypernets: tuple[HypernetUse, ...],
    catalog: Catalog,
) -> dict[str, Any]:
    text, tags = extract_tags(prompt)
    negative_text, _ = extract_tags(negative)  # A1111 strips tags from the negative prompt without using them
    lifted = [_lora(tag) for tag in tags if tag.kind in ("lora", "lyco")]
    nets = [HypernetUse(model=ModelRef(name=tag.name), weight=tag.weight()) for tag in tags if tag.kind == "hypernet"]
    found = [use.but(model=catalog.find(use.model, "lora").ref) for use in (*loras, *lifted)]
    found_nets = [use.but(model=catalog.find(use.model, "hypernet").ref) for use in (*hypernets, *nets)]
    return {"prompt": text, "negative_prompt": negative_text, "loras": tuple(found), "hypernets": tuple(found_nets)}


def _lora(tag: Tag) -> LoraUse:
    text = tag.weight("te", 0, 1.0)
    return LoraUse(
        model=ModelRef(name=tag.name), text=text, unet=tag.weight("unet", 1, text), dim=int(tag.weight("dyn", 2, 0))
    )
