"""Where preset files lie: danqing's own, and those that users put into their home."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from danqing.base.errors import DanqingError, RecipeError, SettingsError
from danqing.base.table import did_you_mean
from danqing.studio.home import Home
from danqing.studio.presets.pieces import PresetSettings
from danqing.studio.presets.preset_file import PresetFile
from danqing.studio.presets.table import PRESETS
from danqing.weights.assets import asset

MOST_BYTES = 1_000_000


def preset_paths(home: Home) -> dict[str, Path]:
    """The files of all presets by name, danqing's own first; one of the user's takes the place of danqing's own of that name."""
    folders = (asset("presets"), home.presets)
    return {path.stem: path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*.toml"))}


def find_preset(name: str, home: Home) -> PresetFile:
    """A preset by its name. Raises RecipeError where there is none, SettingsError where its file is wrong."""
    paths = preset_paths(home)
    if name not in paths:
        raise RecipeError(f"no preset named {name!r}{did_you_mean(name, list(paths))}")
    return read_preset_file(paths[name])


def read_preset_file(path: Path) -> PresetFile:
    """The preset in a file. Raises SettingsError for one that can't be read, or that can't be meant."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path.name} is larger than a preset can be ({MOST_BYTES // 1_000_000} MB)")
        fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise SettingsError(f"{path} can't be read ({problem.strerror})") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise SettingsError(f"{path.name} is no TOML: {problem}") from problem
    try:
        found = PresetFile.model_validate({"preset": path.stem, **fields, "name": path.stem})
        settings_of(found, {})
    except DanqingError as problem:
        raise SettingsError(f"{path.name}: {problem}") from problem
    return found


def settings_of(file: PresetFile, said: Mapping[str, object]) -> PresetSettings:
    """The settings that were said, over the file's usual ones. Raises RecipeError."""
    return PRESETS.find(file.preset).settings.model_validate({**file.settings, **said})
