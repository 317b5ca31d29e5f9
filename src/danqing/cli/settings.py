"""`danqing settings`: what the home folder's settings.json remembers, and where each value in force comes from."""

import json
from typing import Annotated

import typer

from danqing.base.errors import SettingsError
from danqing.cli.options import HomeOption, JsonOption, open_studio
from danqing.studio.settings import help_of_settings, save_settings


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    settings = typer.Typer(name=name, help=help, no_args_is_help=False, invoke_without_command=True)
    settings.callback()(_show_by_default)
    settings.command("show", help="Show every setting, its value and where that comes from.")(show)
    settings.command("set", help="Remember one setting in this home folder.")(set_one)
    settings.command("unset", help="Forget one setting, so that its default holds again.")(unset)
    app.add_typer(settings, name=name)


def _show_by_default(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    if context.invoked_subcommand is None:
        show(home, as_json)


def show(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """One setting a line, or JSON."""
    studio = open_studio(home)
    values = studio.settings.model_dump(mode="json")
    if as_json:
        told = {"file": str(studio.home.settings_file), "settings": values, "from": dict(studio.loaded.sources)}
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    print(studio.home.settings_file)
    for name, knob in help_of_settings():
        source = studio.loaded.sources.get(name, "default")
        print(f"{name} = {json.dumps(values[name], ensure_ascii=False)}  ({source}) {knob.help}")


def set_one(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Text, number, true or false; folders as JSON.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The file is written aside and renamed; all other settings in it stay."""
    _change(name, value, home, as_json)


def unset(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """All other settings in the file stay."""
    _change(name, None, home, as_json)


def _change(name: str, value: str | None, home: HomeOption, as_json: bool) -> None:
    studio = open_studio(home)
    save_settings(studio.home.settings_file, {name: value if value is None else _meant(name, value)})
    after = open_studio(home)
    shown: object = after.settings.model_dump(mode="json")[name]
    source = after.loaded.sources.get(name, "default")
    if as_json:
        print(json.dumps({"name": name, "value": shown, "from": source}, ensure_ascii=False))
    else:
        print(f"{name} = {json.dumps(shown, ensure_ascii=False)}  ({source})")


def _meant(name: str, value: str) -> object:
    """A list where JSON gives one; else the text, which the setting's own check turns into what it needs."""
    if not value.startswith("["):
        return value
    try:
        return json.loads(value)
    except ValueError as problem:
        raise SettingsError(f'{name}: a list is written as JSON, ["one", "two"]; found {value!r}') from problem
