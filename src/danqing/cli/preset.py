"""`danqing preset`: what people come for, one command each; the commands are drawn from the preset files."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer
from typer.core import TyperGroup

from danqing.base.errors import DanqingError, FileWriteError
from danqing.base.knobs import KnobField, knobs
from danqing.base.refs import ImageRef, ModelRef
from danqing.cli.bar import progress_bar
from danqing.cli.interrupt import stopped_by_ctrl_c
from danqing.cli.knob_options import path_of, with_options_of
from danqing.cli.leaving import Left
from danqing.cli.options import WHERE, HomeOption, JsonOption
from danqing.cli.run_options import RunOptions, with_options
from danqing.studio.home import Home, default_home
from danqing.studio.presets.desk import PAINTED
from danqing.studio.presets.files import find_preset, preset_paths, read_preset_file
from danqing.studio.presets.pieces import PresetStopped
from danqing.studio.presets.preset_file import PresetFile
from danqing.studio.presets.table import PRESETS

if TYPE_CHECKING:
    from danqing.studio.presets.run import PresetDone
    from danqing.studio.studio import Studio

ABOUT = """
Make what people come for, one command each. What was made is measured, and what is not good is said.

danqing preset sticker --prompt "red apple" --seed 7

danqing preset restoration --picture old.jpg --by 2

Preset files of your own go into the folder presets of your home; each is a command too.
"""


PictureOption = Annotated[
    list[Path] | None,
    typer.Option("--picture", "-i", metavar="FILE", help="A picture of yours; may be given several times."),
]
FolderOption = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="A folder to write to.", rich_help_panel=WHERE)
]


class _Presets(TyperGroup):
    """Commands that stand in files: a preset's is made when it is called, for the home that the words name."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        ctx.obj = _home_in(args)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        known = super().get_command(ctx, cmd_name)
        home = ctx.obj if isinstance(ctx.obj, Home) else _home_in(())
        return known or (_command(cmd_name, home) if cmd_name in preset_paths(home) else None)

    def list_commands(self, ctx: Any) -> list[str]:
        names = [name for name, file in _files(_home_in(())).items() if isinstance(file, PresetFile)]
        return [*super().list_commands(ctx), *names]


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    presets = typer.Typer(name=name, help=ABOUT, short_help=help, cls=_Presets, no_args_is_help=True)
    presets.callback()(_nothing_before)
    presets.command("list", help="List the presets there are.")(list_presets)
    app.add_typer(presets, name=name)


def _nothing_before() -> None:
    """What stands before every preset."""


def list_presets(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """A line a preset, danqing's own and those in the home; a file that can't be used says why."""
    files = _files(_home(home))
    rows = [
        {"name": name, "preset": file.preset, "about": file.about, "error": ""}
        if isinstance(file, PresetFile)
        else {"name": name, "preset": "", "about": "", "error": file}
        for name, file in files.items()
    ]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        print(f"{row['name'].ljust(width)}  {row['about'] or (row['error'] and 'can not be used: ' + row['error'])}")


def _command(name: str, home: Home) -> Any:
    """The command of a preset: its options are its settings, with what is usual in its file."""
    file = find_preset(name, home)

    def preset(run: RunOptions, picture: PictureOption = None, out: FolderOption = None, **said: Any) -> None:
        _run(file, run, picture or (), out, {path_of(word): value for word, value in said.items() if value is not None})

    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command(name, help=file.about)(with_options_of(_fields(file), with_options(RunOptions)(preset)))
    return typer.main.get_command(app)


def _run(
    file: PresetFile, run: RunOptions, pictures: Sequence[Path], out: Path | None, said: dict[str, object]
) -> None:
    from danqing.studio.presets.run import run_preset

    studio = run.studio()
    with contextlib.suppress(FileWriteError):  # a home that can't be written to still writes to --out
        studio.home.make_folders()
    words = _meant(studio, file, said)
    if pictures:
        words["pictures"] = [studio.images.put(path) for path in pictures]
    try:
        with stopped_by_ctrl_c() as stop, progress_bar("painting", run.silent) as watch:
            done = run_preset(studio, file, words, stop.watching(watch), to=out)
    except PresetStopped as stopped:
        raise Left(130, f"stopped: {stopped}; what is painted is kept", {"stopped": True}) from None
    _tell(done, run)


def _fields(file: PresetFile) -> Iterator[KnobField]:
    for field in knobs(PRESETS.find(file.preset).settings):
        yield replace(field, default=file.settings.get(field.path, field.default))


def _meant(studio: "Studio", file: PresetFile, said: Mapping[str, object]) -> dict[str, Any]:
    """What was typed as the settings want it: a picture by its hash, a model by its name, a choice in any capitals."""
    known = {field.path: field for field in _fields(file)}
    words: dict[str, Any] = {}
    for path, value in said.items():
        field = known[path]
        if ImageRef in get_args(field.annotation):
            words[path] = studio.images.put(Path(str(value)))
        elif field.annotation is ModelRef:
            words[path] = {"name": value}
        elif path == "seed" and str(value).casefold() == "random":
            words[path] = -1
        else:
            by_fold = {choice.casefold(): choice for choice in field.choices}
            words[path] = by_fold.get(str(value).casefold(), value)
    return words


def _tell(done: "PresetDone", run: RunOptions) -> None:
    if run.as_json:
        print(json.dumps(_data(done), ensure_ascii=False, indent=2))
        return
    for kept in done.results:
        print(kept.path)
        if not run.quiet and kept.size != (0, 0):
            print(f"  {kept.size[0]}x{kept.size[1]}")
    if run.quiet:
        return
    seed = f"seed {done.settings.seed}, " if (done.folder / PAINTED).is_dir() else ""
    print(f"{seed}{done.seconds:.1f} s; checked:")
    for finding in done.findings:
        print(f"  {'good' if finding.good else 'NOT GOOD'}  {finding.sentence}")


def _data(done: "PresetDone") -> dict[str, object]:
    return {
        "folder": str(done.folder),
        "results": [{"path": str(one.path), "width": one.size[0], "height": one.size[1]} for one in done.results],
        "settings": done.settings.sparse(),
        "seed": done.settings.seed,
        "good": done.good,
        "findings": [asdict(finding) for finding in done.findings],
        "seconds": done.seconds,
    }


def _files(home: Home) -> dict[str, PresetFile | str]:
    """Every preset's file by name, or what is wrong with it."""
    found: dict[str, PresetFile | str] = {}
    for name, path in preset_paths(home).items():
        try:
            found[name] = read_preset_file(path)
        except DanqingError as problem:
            found[name] = str(problem)
    return found


def _home(named: Path | None) -> Home:
    return Home((named.expanduser() if named else default_home(os.environ)).absolute())


def _home_in(words: Sequence[str]) -> Home:
    """The home that a command line names, read before its options are: they depend on it."""
    for place, word in enumerate(words):
        if word == "--home" and place + 1 < len(words):
            return _home(Path(words[place + 1]))
        if word.startswith("--home="):
            return _home(Path(word.removeprefix("--home=")))
    return _home(None)
