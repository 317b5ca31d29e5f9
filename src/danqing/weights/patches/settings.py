"""What may be laid over a model's networks while they run, as values with names: token merging, tiling, FreeU. Free of torch, for doors check."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.recipe import Recipe
from danqing.base.refs import Use
from danqing.base.table import Table
from danqing.base.value import Value


class TokenMerging(Value):
    """Self-attention at the finest level with fewer tokens: alike neighbours are averaged before it and parted after it."""

    ratio: Annotated[float, Knob("Ratio", "Share of tokens merged; above 0.75 nothing more is.", 0, 0.9, 0.05)] = 0.5


class Tiling(Value):
    """The picture continues over its edges: convolutions see the opposite side where they would see nothing."""

    x: Annotated[bool, Knob("Left and right", "The right edge continues on the left.")] = True
    y: Annotated[bool, Knob("Top and bottom", "The lower edge continues above.")] = True


class FreeU(Value):
    """Backbone amplified (b), low frequencies of skip connections damped (s), on the two coarsest levels. Si et al. 2023, arXiv:2309.11497."""

    b1: Annotated[float, Knob("Backbone 1", "Factor on the coarsest level.", 0.1, 3, 0.01)] = 1.5
    b2: Annotated[float, Knob("Backbone 2", "Factor on the level above it.", 0.1, 3, 0.01)] = 1.6
    s1: Annotated[float, Knob("Skip 1", "Low frequencies of skips on the coarsest level.", 0.01, 3, 0.01)] = 0.9
    s2: Annotated[float, Knob("Skip 2", "Low frequencies of skips on the level above it.", 0.01, 3, 0.01)] = 0.2


NetworkPatch = TokenMerging | Tiling | FreeU

PATCHES: Table[type[NetworkPatch]] = Table(
    "patch",
    MappingProxyType({"FreeU": FreeU, "Tiling": Tiling, "Token merging": TokenMerging}),
    MappingProxyType({"seamless": "Tiling", "tome": "Token merging"}),
)
"""By the names that a recipe's `patches` use."""


def patch_of(use: Use) -> NetworkPatch:
    """The patch that a recipe asks for. Raises RecipeError for an unknown name or a setting that it doesn't have."""
    name = PATCHES.name_of(use.name)
    settings: Mapping[str, object] = use.settings
    try:
        return PATCHES.find(name).model_validate(settings)
    except RecipeError as problem:
        raise RecipeError(f"patch {name}: {problem}") from problem


def network_patches(recipe: Recipe, *, hires: bool = False) -> tuple[NetworkPatch, ...]:
    """Everything that acts on the networks of a recipe's pass. In the hires pass a token merging of 0 means: as in the first (A1111's rule)."""
    speed = recipe.speed
    ratio = (hires and speed.token_merging_hires) or speed.token_merging
    asked: list[NetworkPatch] = [patch_of(use) for use in recipe.patches]
    if ratio > 0:
        asked.append(TokenMerging(ratio=ratio))
    if recipe.tiling:
        asked.append(Tiling())
    return tuple(patch for patch in asked if not (isinstance(patch, TokenMerging) and patch.ratio == 0))
