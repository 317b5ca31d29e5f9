"""Seeds: which seed picture number i of an order gets."""

from typing import Literal

MAX_SEED = 2**64 - 1
RANDOM_SEEDS = 2**32 - 2
"""A1111 draws a random seed below this."""

SeedPolicy = Literal["increasing", "random", "same"]


def picture_seeds(seed: int, variation_seed: int, index: int, policy: SeedPolicy, varied: bool) -> tuple[int, int]:
    """(seed, variation seed) of picture `index`. With a variation all pictures share the seed and the variation seed counts up (A1111's rule)."""
    if policy == "same":
        return seed, variation_seed
    if varied:
        return seed, (variation_seed + index) % (MAX_SEED + 1)
    return (seed + index) % (MAX_SEED + 1), variation_seed
