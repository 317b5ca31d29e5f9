"""Preset files: danqing's own can all be meant, a user's stands beside or before them, a wrong one says what is wrong."""

from pathlib import Path

import pytest

from danqing.base.errors import RecipeError, SettingsError
from danqing.studio.home import Home
from danqing.studio.presets.files import find_preset, preset_paths, read_preset_file, settings_of
from danqing.studio.presets.preset_file import filled_in
from danqing.studio.presets.sticker import StickerSettings
from danqing.studio.presets.table import PRESETS
from danqing.weights.assets import asset


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def write(home: Home, name: str, text: str) -> Path:
    home.presets.mkdir(exist_ok=True)
    path = home.presets / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_preset_has_its_file_and_the_other_way_round(home: Home) -> None:
    assert set(preset_paths(home)) == set(PRESETS.names())


@pytest.mark.parametrize("name", PRESETS.names())
def test_a_file_of_danqings_own_can_be_meant(name: str, home: Home) -> None:
    file = find_preset(name, home)
    assert file.preset == name
    assert file.about.endswith(".")
    assert "{prompt}" in file.prompt
    settings_of(file, {})


def test_a_users_file_has_its_own_words_and_settings(home: Home) -> None:
    write(home, "pins", 'preset = "sticker"\nprompt = "pin of {prompt}"\n[settings]\nborder = 9\n')
    file = find_preset("pins", home)
    settings = settings_of(file, {"side": 128})
    assert isinstance(settings, StickerSettings)
    assert (file.name, file.prompt, settings.border, settings.side) == ("pins", "pin of {prompt}", 9, 128)


def test_a_users_file_takes_the_place_of_danqings_own(home: Home) -> None:
    assert preset_paths(home)["sticker"] == asset("presets", "sticker.toml")
    path = write(home, "sticker", "[settings]\nborder = 9\n")
    assert preset_paths(home)["sticker"] == path
    assert find_preset("sticker", home).settings == {"border": 9}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("preset = ", "x.toml is no TOML"),
        ('preset = "stiker"', "did you mean sticker"),
        ('preset = "sticker"\npromt = "a"', "no field 'promt'; did you mean prompt"),
        ('preset = "sticker"\n[settings]\nborder = 99', "border must be at most 20"),
        ('preset = "sticker"\n[settings]\nboarder = 9', "did you mean border"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(text: str, said: str, home: Home) -> None:
    with pytest.raises(SettingsError, match=said):
        read_preset_file(write(home, "x", text))


def test_a_file_that_is_no_text_or_far_too_large_is_refused(home: Home) -> None:
    path = write(home, "x", "a = 1\n" * 200_000)
    with pytest.raises(SettingsError, match="larger than a preset"):
        read_preset_file(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="no TOML"):
        read_preset_file(path)
    with pytest.raises(SettingsError, match="can't be read"):
        read_preset_file(home.presets / "absent.toml")


def test_a_name_that_is_not_there_is_refused_with_the_nearest(home: Home) -> None:
    with pytest.raises(RecipeError, match="did you mean sticker"):
        find_preset("stickers", home)


@pytest.mark.parametrize("name", ["../sticker", "/etc/passwd", ""])
def test_a_name_is_no_path(name: str, home: Home) -> None:
    with pytest.raises(RecipeError, match="no preset named"):
        find_preset(name, home)


@pytest.mark.parametrize(
    ("template", "words", "text"),
    [
        ("{prompt}, blue", {"prompt": "a cat"}, "a cat, blue"),
        ("{prompt}, {scene}, blue", {"prompt": "", "scene": ""}, "blue"),
        ("{prompt}, {scene}", {"prompt": "a cat", "scene": ""}, "a cat"),
        ("a, {scene}, b", {"scene": ""}, "a, b"),
        ("{red|blue} {prompt}", {"prompt": "{a|b} {scene}", "scene": "x"}, "{red|blue} {a|b} {scene}"),
        ("{unknown}", {}, "{unknown}"),
    ],
)
def test_words_stand_in_a_template(template: str, words: dict[str, str], text: str) -> None:
    assert filled_in(template, words) == text
