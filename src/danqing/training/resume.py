"""The state of a training run on disk: everything that the next step needs, in one file, written aside and renamed."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from danqing.base.errors import TrainingError


@dataclass(frozen=True)
class State:
    """After `step` steps. network, average and optimizer are state dicts; seconds of training so far."""

    step: int
    seconds: float
    network: dict[str, Any]
    average: dict[str, Any]
    optimizer: dict[str, Any]


def write_state(path: Path, state: State) -> None:
    """Replaces the state at once or not at all, also when the machine dies meanwhile."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as out:
        torch.save(vars(state), out)
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


def read_state(path: Path) -> State | None:
    """The state that stands there, or None."""
    if not path.exists():
        return None
    try:
        return State(**torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, TypeError, EOFError, ValueError) as error:
        raise TrainingError(
            f"{path.name} is no training state or is damaged ({error}); move it away to begin anew"
        ) from error
