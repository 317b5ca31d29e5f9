"""The noise of a batch: every picture has its own generator, drawn from nothing but its recipe."""

from collections.abc import Sequence

import torch
from torch import Tensor

from danqing.base.recipe import Recipe
from danqing.base.size import latent_size
from danqing.diffusion.noise import PictureNoise, SeedPlan, brownian_noise, fresh_noise, starting_noise
from danqing.diffusion.samplers import Sampler, StepNoise


def first_noise(recipes: Sequence[Recipe], shape: tuple[int, int, int]) -> tuple[Tensor, list[PictureNoise]]:
    """(noise (B, C, h, w) float32 of unit variance, the generators that go on from there). shape (C, h, w)."""
    drawn = [starting_noise(seed_plan(recipe), shape) for recipe in recipes]
    return torch.stack([noise for noise, _ in drawn]), [generator for _, generator in drawn]


def seed_plan(recipe: Recipe) -> SeedPlan:
    """All that decides a recipe's noise."""
    variation = recipe.variation
    resized = variation.from_width > 0 and variation.from_height > 0
    width, height = latent_size(variation.from_width, variation.from_height)
    return SeedPlan(
        seed=recipe.seed,
        source=recipe.noise.source,
        subseed=variation.seed,
        subseed_strength=variation.strength,
        resize_from=(height, width) if resized else None,
        ensd=recipe.noise.seed_delta,
    )


def step_noise(
    sampler: Sampler, recipes: Sequence[Recipe], generators: Sequence[PictureNoise], like: Tensor, levels: Tensor
) -> StepNoise:
    """What a sampler draws while it works. like (B, C, h, w); levels (n,) are the whole schedule's, also where only its tail is walked."""
    if sampler.noise != "brownian":
        return fresh_noise(generators, like)
    lowest = float(levels[levels > 0].min())
    seeds = [recipe.seed for recipe in recipes]
    return brownian_noise(seeds, like, float(levels.max()), lowest, recipes[0].noise.source)
