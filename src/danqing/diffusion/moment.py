"""Where a sampler stands when it asks for a prediction, and the shape of what it asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor


@dataclass(frozen=True)
class Moment:
    """One call of the denoiser. All counts begin at 0.

    `call` counts the calls of this sampler run, which is what prompts over time switch on; `step` is the round of its
    loop, out of `steps` (None where the sampler finds its own step sizes). `sigma` is the noise level of the x that is
    passed; `sigma_next` the level at which the step ends. (A second call within a step may stand at it, or below it.)
    """

    call: int
    step: int
    steps: int | None
    sigma: float
    sigma_next: float


Denoiser: TypeAlias = Callable[[Tensor, Moment], Tensor]
"""(x, moment) -> x0. x and x0 (B, C, h, w); x = x0 + sigma * noise ("VE" scale), whatever scale the network itself
works in."""
