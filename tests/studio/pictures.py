"""Pictures for tests that need no painting."""

from typing import Any

import numpy as np

from danqing.base.picture import ExecutionFacts, Picture, Provenance
from danqing.base.recipe import Recipe

USUAL = ExecutionFacts()


def picture_of(facts: ExecutionFacts = USUAL, index: int = 0, **fields: Any) -> Picture:
    """16x8 pixels of a gradient with the recipe that the fields give."""
    pixels = np.arange(8 * 16 * 3, dtype=np.uint8).reshape(8, 16, 3)
    recipe = Recipe.model_validate({"model": {"name": "toy", "sha256": "ab" * 32}, **fields})
    return Picture(
        pixels, Provenance(recipe=recipe, facts=facts, index=index, versions={"danqing": "0.1.0"}, seconds=0.5)
    )
