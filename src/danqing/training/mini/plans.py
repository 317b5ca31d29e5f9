"""Training plans of the embedded model as data: a TOML file of parts, each with its own settings and its pace."""

import tomllib
from dataclasses import dataclass
from typing import Any

from danqing.base.errors import TrainingError
from danqing.training.pace import Pace
from danqing.weights.assets import asset

PARTS = ("vae", "clip", "judge", "unet", "decoder", "upscaler")
"""In the order of training; vae, clip and judge don't need each other, and the upscaler makes do without any."""


@dataclass(frozen=True)
class Part:
    """One part of a plan: what its lesson is built from, and how long it is taught."""

    settings: dict[str, Any]
    pace: Pace


@dataclass(frozen=True)
class Plan:
    """A whole plan by name."""

    name: str
    parts: dict[str, Part]

    def __getitem__(self, part: str) -> Part:
        if part not in self.parts:
            raise TrainingError(f"the plan {self.name!r} has no part {part!r}; it has {', '.join(self.parts)}")
        return self.parts[part]


def read_plan(name: str) -> Plan:
    """The plan that ships under this name."""
    folder = asset("training", "mini", "plans")
    path = folder / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.toml")))
        raise TrainingError(f"no training plan named {name!r}; there are {known}")
    return plan_of(name, tomllib.loads(path.read_text(encoding="utf-8")))


def plan_of(name: str, tables: dict[str, Any]) -> Plan:
    """A plan from its tables."""
    parts = {}
    for part, table in tables.items():
        try:
            parts[part] = Part({k: v for k, v in table.items() if k != "pace"}, Pace(**table["pace"]))
        except (KeyError, TypeError) as error:
            raise TrainingError(f"plan {name!r}, part {part!r}: the pace can't be read ({error})") from error
    return Plan(name, parts)
