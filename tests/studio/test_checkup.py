from pathlib import Path

import pytest

from danqing.studio import checkup as module
from danqing.studio.checkup import checkup
from danqing.studio.studio import Studio


def findings_of(studio: Studio) -> dict[str, list[module.Finding]]:
    found: dict[str, list[module.Finding]] = {}
    for finding in checkup(studio):
        found.setdefault(finding.about, []).append(finding)
    return found


def test_a_look_that_fails_does_not_stop_the_others(toy_home: Path) -> None:
    found = findings_of(Studio(toy_home, settings={"device": "cuda:99"}, environment={}))
    assert found["device"][0].state == "bad"
    assert found["embedded model"][0].state == "good"


def test_a_missing_embedded_model_hinders(toy_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "embedded_model", lambda: tmp_path / "none")
    found = findings_of(Studio(toy_home, settings={"device": "cpu"}, environment={}))
    assert found["embedded model"][0].state == "bad"


def test_a_missing_library_hinders(toy_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIBRARIES", ("torch", "no-such-library"))
    found = findings_of(Studio(toy_home, settings={"device": "cpu"}, environment={}))
    assert [finding.state for finding in found["libraries"]] == ["good", "bad"]


def test_damaged_models_are_named(toy_home: Path) -> None:
    (toy_home / "models" / "Stable-diffusion" / "broken.safetensors").write_bytes(b"")
    notes = [finding.found for finding in findings_of(Studio(toy_home, environment={}))["models"]]
    assert any("broken.safetensors" in note and "empty" in note for note in notes)


def test_a_home_that_is_not_there_yet_is_no_hindrance(tmp_path: Path) -> None:
    found = findings_of(Studio(tmp_path / "new" / "home", settings={"device": "cpu"}, environment={}))
    assert "made at the first picture" in found["home"][0].found
    assert [name for name, each in found.items() for one in each if one.state == "bad"] == []
    assert not (tmp_path / "new" / "home" / "outputs").exists()
