"""What one run of the bench was asked for."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchSettings:
    """`only` names the cases to run, all when empty. `cache` keeps the model of SD1's size for the next run; without, it is thrown away."""

    only: tuple[str, ...] = ()
    rounds: int = 5
    big_rounds: int = 2
    big_steps: int = 3
    side: int = 512
    cache: Path | None = None
