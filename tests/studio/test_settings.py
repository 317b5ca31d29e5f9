import json
import os
from pathlib import Path

import pytest

from danqing.base.errors import SettingsError
from danqing.studio.settings import Settings, help_of_settings, load_settings, read_settings_file, save_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def write(file: Path, **values: object) -> None:
    file.write_text(json.dumps(values), encoding="utf-8")


def test_without_any_layer_the_defaults_hold(file: Path) -> None:
    loaded = load_settings(file, {})
    assert loaded.settings == Settings()
    assert dict(loaded.sources) == {}
    assert not file.exists()


def test_each_layer_lies_over_the_one_below(file: Path) -> None:
    write(file, device="cpu", dtype="float16", outputs="of the file")
    loaded = load_settings(
        file, {"DANQING_DTYPE": "bfloat16", "DANQING_OUTPUTS": "of the variable"}, {"outputs": "said"}
    )
    assert (loaded.settings.device, loaded.settings.dtype, loaded.settings.outputs) == ("cpu", "bfloat16", "said")
    assert dict(loaded.sources) == {"device": "settings.json", "dtype": "DANQING_DTYPE", "outputs": "command line"}


def test_a_bad_value_in_the_file_is_named_and_the_rest_holds(file: Path) -> None:
    write(file, quality="much", device="cpu")
    loaded = load_settings(file, {})
    assert loaded.settings.device == "cpu"
    assert loaded.settings.quality == Settings().quality
    assert len(loaded.notes) == 1
    assert "quality must be a whole number" in loaded.notes[0]


def test_an_unknown_setting_is_named_with_its_neighbour(file: Path) -> None:
    write(file, devicee="cpu")
    assert "did you mean device?" in load_settings(file, {}).notes[0]


def test_an_unknown_variable_is_named_with_its_neighbour(file: Path) -> None:
    loaded = load_settings(file, {"DANQING_DEVISE": "cpu", "DANQING_HOME": "somewhere", "OTHER": "x"})
    assert len(loaded.notes) == 1
    assert "DANQING_DEVICE" in loaded.notes[0]


def test_an_empty_variable_says_nothing(file: Path) -> None:
    assert load_settings(file, {"DANQING_DEVICE": ""}).settings.device == "auto"


def test_a_bad_variable_is_refused_by_its_name(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"DANQING_QUALITY.*at most 100"):
        load_settings(file, {"DANQING_QUALITY": "101"})


def test_a_bad_value_on_the_command_line_is_refused(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"dtype must be one of"):
        load_settings(file, {}, {"dtype": "float8"})


def test_several_folders_come_as_in_path(file: Path) -> None:
    loaded = load_settings(file, {"DANQING_MODELS_FROM": os.pathsep.join(["one", "two"])})
    assert loaded.settings.models_from == ("one", "two")


def test_a_file_with_a_byte_order_mark_is_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + b'{"device": "cpu"}')
    assert load_settings(file, {}).settings.device == "cpu"


@pytest.mark.parametrize(
    "text", ['{"device": "cpu", "quality": 80,, "dtype"', "[1, 2]", "\x00\x00\x00", "", "{" * 100000]
)
def test_a_damaged_file_is_set_aside_whole(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"set aside as settings.damaged-1.json"):
        load_settings(file, {})
    assert file.with_name("settings.damaged-1.json").read_text(encoding="utf-8") == text
    load_settings(file, {})


def test_what_can_be_read_of_a_damaged_file_is_saved(file: Path) -> None:
    file.write_text(
        '{\n  "device": "cpu",\n  "quality": 500,\n  "outputs": "~/art"\n  "models_from": ["a", "b"],\n', "utf-8"
    )
    with pytest.raises(SettingsError, match=r"outputs"):
        load_settings(file, {})
    settings = load_settings(file, {}).settings
    assert (settings.device, settings.outputs, settings.models_from) == ("cpu", "~/art", ("a", "b"))
    assert settings.quality == Settings().quality


def test_a_second_damaged_file_does_not_replace_the_first(file: Path) -> None:
    for text in ("first {", "second {"):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError):
            load_settings(file, {})
    assert file.with_name("settings.damaged-1.json").read_text(encoding="utf-8") == "first {"
    assert file.with_name("settings.damaged-2.json").read_text(encoding="utf-8") == "second {"


def test_saving_one_setting_keeps_the_others_and_what_a_later_version_wrote(file: Path) -> None:
    write(file, device="cpu", of_the_future=[1, 2])
    save_settings(file, {"quality": "80"})
    assert read_settings_file(file) == {"device": "cpu", "of_the_future": [1, 2], "quality": 80}


def test_none_takes_a_setting_away(file: Path) -> None:
    write(file, device="cpu", quality=80)
    save_settings(file, {"device": None})
    assert read_settings_file(file) == {"quality": 80}


@pytest.mark.parametrize("changes", [{"devicee": "cpu"}, {"devicee": None}, {"quality": 0}])
def test_saving_refuses_what_reading_would(file: Path, changes: dict[str, object]) -> None:
    write(file, device="cpu")
    before = file.read_bytes()
    with pytest.raises(SettingsError):
        save_settings(file, changes)
    assert file.read_bytes() == before


def test_saving_leaves_nothing_beside_the_file(file: Path) -> None:
    save_settings(file, {"device": "cpu"})
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]


def test_every_setting_helps() -> None:
    helps = dict(help_of_settings())
    assert set(helps) == set(Settings.model_fields)
    assert [name for name, knob in helps.items() if not knob.label or not knob.help.endswith((".", "..."))] == []
