import json

import pytest

from tests.cli.conftest import Danqing


def test_settings_are_shown_with_where_they_come_from(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    (danqing.home / "settings.json").write_text('{"quality": 80}', encoding="utf-8")
    monkeypatch.setenv("DANQING_DEVICE", "cpu")
    told = danqing("settings", "--json").json
    assert told["settings"]["quality"] == 80
    assert told["from"] == {"quality": "settings.json", "device": "DANQING_DEVICE"}
    out = danqing("settings").out
    assert "quality = 80  (settings.json)" in out
    assert 'device = "cpu"  (DANQING_DEVICE)' in out
    assert 'dtype = "auto"  (default)' in out


def test_a_setting_is_set_and_unset(danqing: Danqing) -> None:
    assert danqing("settings", "set", "quality", "80").out == "quality = 80  (settings.json)\n"
    assert json.loads((danqing.home / "settings.json").read_text("utf-8")) == {"quality": 80}
    assert danqing("settings", "unset", "quality").out == "quality = 95  (default)\n"
    assert json.loads((danqing.home / "settings.json").read_text("utf-8")) == {}


def test_several_folders_are_set_as_json(danqing: Danqing, tmp_path: object) -> None:
    ran = danqing("settings", "set", "models_from", json.dumps([str(tmp_path)]), "--json")
    assert ran.json == {"name": "models_from", "value": [str(tmp_path)], "from": "settings.json"}
    assert danqing("settings", "set", "models_from", "[oops").code == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("qualty", "80"), "did you mean quality?"),
        (("quality", "800"), "at most 100"),
        (("dtype", "int3"), "must be one of"),
    ],
)
def test_a_bad_setting_is_refused_and_nothing_written(danqing: Danqing, words: tuple[str, str], sentence: str) -> None:
    ran = danqing("settings", "set", *words)
    assert ran.code == 2
    assert sentence in ran.err
    assert not (danqing.home / "settings.json").exists()


def test_a_variable_that_lies_over_a_setting_is_told(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANQING_QUALITY", "50")
    assert danqing("settings", "set", "quality", "80").out == "quality = 50  (DANQING_QUALITY)\n"
