import pytest

from tests.cli.conftest import Danqing


def test_a_sound_machine_gets_a_clean_bill(danqing: Danqing) -> None:
    ran = danqing("doctor", "--device", "cpu", "--json")
    assert ran.code == 0, ran
    about = {finding["about"]: finding for finding in ran.json["findings"]}
    assert {"processor", "memory", "device", "number format", "outputs", "models", "embedded model"} <= set(about)
    assert about["device"]["found"].startswith("cpu, ")
    assert about["default model"]["found"].startswith("toy [")
    assert ran.json["good"] is True


def test_what_hinders_is_marked_and_the_rest_still_told(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    (danqing.home / "outputs").write_text("a file", encoding="utf-8")
    ran = danqing("doctor", "--device", "cuda:99")
    assert ran.code == 2
    marked = [line for line in ran.out.splitlines() if line.startswith("! ")]
    assert any("cuda:99" in line for line in marked)
    assert any("outputs" in line for line in marked)
    assert "embedded model" in ran.out


def test_what_was_said_to_a_setting_in_vain_is_told(danqing: Danqing) -> None:
    (danqing.home / "settings.json").write_text('{"devicee": "cpu"}', encoding="utf-8")
    ran = danqing("doctor", "--json")
    assert "did you mean device?" in " ".join(finding["found"] for finding in ran.json["findings"])


def test_the_doctor_leaves_nothing_behind(danqing: Danqing) -> None:
    before = sorted(danqing.home.rglob("*"))
    danqing("doctor", "--device", "cpu")
    assert [path for path in sorted(danqing.home.rglob("*")) if path not in before and "cache" not in path.parts] == []
