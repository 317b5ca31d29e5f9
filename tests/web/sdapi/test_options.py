"""A1111's options in recipes and in the home's file."""

import json
from pathlib import Path

import pytest

from danqing.base.errors import SettingsError
from danqing.base.knobs import knobs
from danqing.base.recipe import Recipe
from danqing.studio.settings import Settings
from danqing.web.sdapi.options import DEFAULTS, OF_SETTINGS, OPTIONS, PAINTED, OptionFile, recipe_fields


def test_every_option_that_paints_names_a_field_of_the_recipe() -> None:
    known = {field.path for field in knobs(Recipe)}
    assert {option.path for option in PAINTED.values()} <= known


def test_the_defaults_mean_the_recipes_own() -> None:
    fields = {
        path: value for path, value in recipe_fields(DEFAULTS).items() if not path.startswith(("init.", "inpaint."))
    }
    own = {field.path: field.default for field in knobs(Recipe)}
    meant = {path: value for path, value in fields.items() if path != "vae"}
    assert meant == {path: own[path] for path in meant}
    assert fields["vae"] == own["vae"].model_dump()


def test_options_that_are_settings_are_there() -> None:
    assert set(OF_SETTINGS.values()) <= set(Settings.model_fields)


def test_what_is_set_is_read_again_and_the_rest_stays(tmp_path: Path) -> None:
    file = OptionFile(tmp_path / "options.json")
    assert file.read() == {}
    file.change({"send_seed": False})
    file.change({"CLIP_stop_at_last_layers": 2})
    assert file.read() == {"send_seed": False, "CLIP_stop_at_last_layers": 2}


def test_a_wrong_type_changes_nothing(tmp_path: Path) -> None:
    file = OptionFile(tmp_path / "options.json")
    file.change({"send_seed": False})
    for value in ("several", [1], {}, float("nan")):
        with pytest.raises(SettingsError, match="CLIP_stop_at_last_layers"):
            file.change({"send_seed": True, "CLIP_stop_at_last_layers": value})
    assert file.read() == {"send_seed": False}


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '{"send_seed": "perhaps", "no such": 1}', "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "options.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert OptionFile(path).read() == {}


def test_infinities_are_no_numbers() -> None:
    with pytest.raises(SettingsError):
        OPTIONS["s_churn"].checked("s_churn", float("inf"))


def test_all_of_it_is_json() -> None:
    assert json.loads(json.dumps(dict(DEFAULTS), allow_nan=False)) == DEFAULTS
