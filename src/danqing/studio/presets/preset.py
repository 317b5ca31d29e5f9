"""What a preset is: settings, a function that makes something with them, and a check that measures what was made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from danqing.studio.presets.desk import Desk
from danqing.studio.presets.pieces import Finding, Made, PresetSettings

S = TypeVar("S", bound=PresetSettings)
M = TypeVar("M", bound=Made)


@dataclass(frozen=True)
class Preset(Generic[S, M]):
    """`make` raises as painting does, and PresetStopped where the watch said so; `check` only measures."""

    settings: type[S]
    make: Callable[[Desk, S], M]
    check: Callable[[M, S], tuple[Finding, ...]]
