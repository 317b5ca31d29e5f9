"""A picture is pixels with the whole story of how they came about."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from danqing.base.recipe import Recipe
from danqing.base.refs import Use
from danqing.base.value import Value

Pixels = NDArray[np.uint8]
"""(H, W, 3) RGB or (H, W, 4) RGBA."""


class ExecutionFacts(Value):
    """What is not in the recipe and may still move a pixel's last bit. `replay` uses it again."""

    atomic: ClassVar[bool] = True
    device: str = "cpu"
    dtype: str = "float32"
    vae_dtype: str = "float32"
    attention: str = "sdpa"
    packed: bool = False
    compiled: bool = False
    low_memory: str = "off"
    batch_size: int = 1
    batch_index: int = 0
    threads: int = 0
    notes: tuple[str, ...] = ()
    """What had to be done differently, as sentences: a decode repeated in float32, a batch split for memory."""


class Provenance(Value):
    """Where a picture comes from: enough to paint it again and to say why if it differs."""

    recipe: Recipe
    order_digest: str = ""
    index: int = 0
    facts: ExecutionFacts = ExecutionFacts()
    hashes: dict[str, str] = Field(default_factory=dict)
    """sha256 by model name, of everything that was used."""
    versions: dict[str, str] = Field(default_factory=dict)
    seconds: float = 0.0
    interrupted: bool = False
    follows: str = ""
    """Digest of the picture before it in an open sequence."""
    after: tuple[Use, ...] = ()
    """What was done to it once it was painted, in order; the recipe knows nothing of that."""


@dataclass(frozen=True)
class Picture:
    """Pixels (H, W, 3|4) uint8 and their provenance."""

    pixels: Pixels
    provenance: Provenance
    extras: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def recipe(self) -> Recipe:
        """The recipe that painted it."""
        return self.provenance.recipe

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]
