"""A studio's settings in layers: defaults, the home's settings.json, DANQING_* variables, the command line.

None of them changes a pixel: what does is a recipe field.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import BeforeValidator

from danqing.base.errors import DanqingError, SettingsError
from danqing.base.knobs import Knob, knob_of
from danqing.base.table import did_you_mean
from danqing.base.value import Value
from danqing.pixels.writing import write_aside
from danqing.studio.salvage import salvage
from danqing.studio.writable import said_plainly

PREFIX = "DANQING_"
COMMAND_LINE = "command line"
OTHER_VARIABLES = ("DANQING_HOME", "DANQING_API_AUTH", "DANQING_API_KEY")
"""Variables with the prefix that are no settings."""


def _paths(value: object) -> object:
    """A text becomes a list of paths, as in PATH."""
    if isinstance(value, str):
        return tuple(part for part in value.split(os.pathsep) if part.strip())
    return value


def _words(value: object) -> object:
    """A text becomes a list of words, parted by commas."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


class Settings(Value):
    """What a studio remembers. Flat on purpose: one line of settings.json, one variable and one option each."""

    error: ClassVar[type[DanqingError]] = SettingsError

    models_from: Annotated[
        tuple[str, ...],
        BeforeValidator(_paths),
        Knob("Models from", "Existing A1111 or ComfyUI installs whose model files are used too, where they lie."),
    ] = ()
    default_model: Annotated[
        str, Knob("Default model", "Checkpoint for orders that name none; empty takes the first.")
    ] = ""
    outputs: Annotated[str, Knob("Outputs", "Folder of finished pictures; a relative one lies in the home folder.")] = (
        "outputs"
    )
    folder_pattern: Annotated[
        str, Knob("Folder pattern", "Folders within outputs, as A1111 writes them; empty is none.")
    ] = "[date]"
    file_pattern: Annotated[str, Knob("File pattern", "A1111's words: [seed], [prompt_spaces], [model_name] ...")] = (
        "[seed]"
    )
    number_files: Annotated[bool, Knob("Number files", "Begin every name with the next free number, 00000-.")] = True
    picture_format: Annotated[
        Literal["png", "jpeg", "webp"], Knob("Picture format", "png keeps every pixel; replay needs that.")
    ] = "png"
    quality: Annotated[int, Knob("Quality", "Of jpeg and webp; webp keeps every pixel at 100.", 1, 100, 1)] = 95
    device: Annotated[str, Knob("Device", "auto, cpu, cuda, cuda:1, mps.")] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"],
        Knob("Number format", "What networks compute in; auto is the quickest that holds."),
    ] = "auto"
    low_memory: Annotated[
        Literal["auto", "off", "model", "sequential"],
        Knob("Low memory", "Whether a card holds a part of the model at a time; auto looks at what is free."),
    ] = "auto"
    compile: Annotated[bool, Knob("Compile", "torch.compile on a card: slow to begin, faster afterwards.")] = False
    memory_budget: Annotated[
        float, Knob("Memory budget", "GB for live models; 0 takes what the machine can spare.", 0, 4096, 0.5)
    ] = 0.0
    workers: Annotated[
        tuple[str, ...],
        BeforeValidator(_words),
        Knob("Workers", "Devices that the server paints on, a process each; empty is that of `device`."),
    ] = ()
    database: Annotated[
        str, Knob("Database", "URL of a PostgreSQL database for queue and library; empty is SQLite in the home folder.")
    ] = ""
    preview_every: Annotated[
        float, Knob("Preview every", "Seconds between two previews of a running job; 0 is none.", 0, 60, 0.1)
    ] = 0.5
    webhook_hosts: Annotated[
        tuple[str, ...],
        BeforeValidator(_words),
        Knob("Webhook hosts", "Hosts, or host:port, that may be told of a job's end; none without this."),
    ] = ()


@dataclass(frozen=True)
class LoadedSettings:
    """Settings, where each value that isn't a default came from, and sentences about what could not be used."""

    settings: Settings
    sources: Mapping[str, str]
    notes: tuple[str, ...] = ()


def load_settings(
    file: Path, environment: Mapping[str, str], said: Mapping[str, object] = MappingProxyType({})
) -> LoadedSettings:
    """All layers over each other; `said` is the command line's. A bad value in the file is noted, its default taken.

    Raises SettingsError for a bad value in the environment or on the command line, and for a file that is no JSON:
    that one is set aside first, and what could be read of it stands in a new one.
    """
    layers: dict[str, object] = {}
    sources: dict[str, str] = {}
    notes: list[str] = []
    for name, value in read_settings_file(file).items():
        note = _complaint(name, value)
        if note:
            notes.append(f"{file}: {note}; it is passed over")
        else:
            layers[name], sources[name] = value, file.name
    for variable, name in _variables(environment, notes):
        layers[name], sources[name] = environment[variable], variable
        problem = _complaint(name, environment[variable])
        if problem:
            raise SettingsError(f"{variable}: {problem}")
    for name, value in said.items():
        layers[name], sources[name] = value, COMMAND_LINE
    return LoadedSettings(Settings.model_validate(layers), MappingProxyType(sources), tuple(notes))


def read_settings_file(file: Path) -> dict[str, object]:
    """What the file says, unchecked; {} without a file. Raises SettingsError once a damaged one was set aside."""
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return {}
    except OSError as problem:
        raise SettingsError(f"{file} can't be read ({problem.strerror}); mend its rights") from problem
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise SettingsError(_set_aside(file, text, str(problem))) from problem
    if not isinstance(parsed, dict):
        raise SettingsError(_set_aside(file, text, "a JSON object {...} is needed"))
    return cast("dict[str, object]", parsed)


def save_settings(file: Path, changes: Mapping[str, object]) -> None:
    """The file with some settings changed; None takes one away, all others stay. Raises SettingsError."""
    for name, value in changes.items():
        problem = _complaint(name, value) if value is not None else _unknown(name)
        if problem:
            raise SettingsError(problem)
    merged = {**read_settings_file(file), **changes}
    kept = {name: _plain(name, value) for name, value in merged.items() if value is not None}
    write_aside(file, _text(kept))


def _plain(name: str, value: object) -> object:
    """A value as JSON holds it: "8" for a number becomes 8."""
    if _complaint(name, value):
        return value
    return Settings.model_validate({name: value}).model_dump(mode="json")[name]


def _variables(environment: Mapping[str, str], notes: list[str]) -> Iterator[tuple[str, str]]:
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES or not environment[variable].strip():
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name in Settings.model_fields:
            yield variable, name
        else:
            known = [PREFIX + field.upper() for field in Settings.model_fields]
            notes.append(f"no setting is read from {variable}{did_you_mean(variable, [*known, *OTHER_VARIABLES])}")


def _complaint(name: str, value: object) -> str:
    """What is wrong with one setting, '' when nothing is."""
    problem = _unknown(name)
    if problem:
        return problem
    try:
        Settings.model_validate({name: value})
    except SettingsError as wrong:
        return str(wrong)
    return ""


def _unknown(name: str) -> str:
    if name in Settings.model_fields:
        return ""
    return f"no setting named {name!r}{did_you_mean(name, list(Settings.model_fields))}"


def _set_aside(file: Path, text: str, why: str) -> str:
    saved = {
        name: value for name, value in salvage(text, list(Settings.model_fields)).items() if not _complaint(name, value)
    }
    number = 1
    while (aside := file.with_name(f"{file.stem}.damaged-{number}{file.suffix}")).exists():
        number += 1
    with said_plainly(aside):
        file.rename(aside)
    write_aside(file, _text(saved))
    rest = f"{', '.join(saved)} could be saved into a new one" if saved else "defaults are taken"
    return f"{file} is damaged ({why}); it was set aside as {aside.name}, {rest}: look it over and try again"


def _text(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def help_of_settings() -> Iterator[tuple[str, Knob]]:
    """Every setting with its knob, for lists and documentation."""
    for name, field in Settings.model_fields.items():
        knob = knob_of(field)
        assert knob is not None
        yield name, knob
