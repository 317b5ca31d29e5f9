"""The credits name whoever drew what the model learns from, as the packages themselves do."""

import json

import pytest

from danqing.training.mini.world import load_world
from danqing.weights.assets import asset

NOTICE = asset("NOTICE.md").read_text(encoding="utf-8")
PACKAGES = json.loads(asset("training", "mini", "package.json").read_text(encoding="utf-8"))["dependencies"]
STANDARD = {"CC0-1.0": "CC0 1.0", "CC-BY-4.0": "CC BY 4.0"}


@pytest.mark.parametrize("style", load_world().styles.values(), ids=lambda style: style["collection"])
def test_every_avatar_style_has_a_standard_licence_and_its_artist_is_named(style: dict[str, object]) -> None:
    line = next(
        line for line in NOTICE.splitlines() if str(style["author"]) in line and STANDARD[str(style["licence"])] in line
    )
    assert "@dicebear/" in line


def test_every_set_of_drawings_and_its_version_is_named() -> None:
    drawn = {
        name: version for name, version in PACKAGES.items() if name.startswith(("@iconify", "@lobehub", "emojibase"))
    }
    assert len(drawn) == 5
    for name, version in drawn.items():
        assert f"`{name}` {version}" in NOTICE
