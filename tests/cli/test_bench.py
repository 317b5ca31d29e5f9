import sys
from types import ModuleType

import pytest

from tests.cli.conftest import Danqing


def test_the_benchs_words_reach_it_as_they_are(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[list[str]] = []
    stand_in = ModuleType("danqing.studio.bench")

    def measure(words: list[str]) -> int:
        heard.append(words)
        return 3

    vars(stand_in)["main"] = measure
    monkeypatch.setitem(sys.modules, "danqing.studio.bench", stand_in)
    assert danqing("bench", "--pairs", "5", "quick", "--help").code == 3
    assert heard == [["--pairs", "5", "quick", "--help"]]
