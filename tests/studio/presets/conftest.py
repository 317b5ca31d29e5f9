"""A studio over the toy model, and pictures that the tests drew: what a preset makes of them can be told beforehand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danqing.base.picture import Pixels
from danqing.base.refs import ImageRef
from danqing.studio.presets.files import find_preset
from danqing.studio.presets.run import PresetDone, run_preset
from danqing.studio.studio import Studio
from tests.pixels.pictures import disc
from tests.toy.model import TOY_FAMILIES


class Presets:
    """`presets("sticker", pictures=[...], border=3)` runs a preset, its results in a folder of the test's own."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio = studio
        self.folder = folder

    def put(self, pixels: Pixels) -> ImageRef:
        return self.studio.images.keep(pixels, "drawn")

    def __call__(self, name: str, *pictures: Pixels, **said: Any) -> PresetDone:
        words = {**said, "pictures": [self.put(one) for one in pictures]} if pictures else said
        return run_preset(self.studio, find_preset(name, self.studio.home), words, to=self.folder)


@pytest.fixture
def presets(toy_home: Path, tmp_path: Path) -> Presets:
    return Presets(Studio(toy_home, environment={}, families=TOY_FAMILIES), tmp_path / "results")


def apple(size: int = 96, ground: tuple[int, int, int] = (60, 90, 220), radius: float = 0.3) -> Pixels:
    """A red disc in the middle of a plain ground."""
    inside = disc(size, size * radius)[..., None] > 127
    return np.where(inside, np.array((200, 30, 20), np.uint8), np.array(ground, np.uint8)).astype(np.uint8)


def verdicts(done: PresetDone) -> dict[str, bool]:
    """Whether each kind of finding is good, all of a kind together."""
    found: dict[str, bool] = {}
    for finding in done.findings:
        found[finding.what] = found.get(finding.what, True) and finding.good
    return found
