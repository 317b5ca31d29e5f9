"""`danqing models`: the model files that danqing finds."""

import json
from pathlib import Path
from typing import Annotated, get_args

import typer

from danqing.base.errors import ModelError
from danqing.base.protocols import ModelFile, ModelKind
from danqing.base.refs import ModelRef
from danqing.base.table import did_you_mean
from danqing.cli.options import HomeOption, JsonOption, ModelsFromOption, open_studio
from danqing.studio.catalog import Listed
from danqing.weights.hashes import size_of_model

KindOption = Annotated[
    str, typer.Option("--kind", "-k", metavar="KIND", help="Only checkpoint, vae, lora, embedding, hypernet, controlnet ...")
]
KINDS = get_args(ModelKind)


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    models = typer.Typer(name=name, help=help, no_args_is_help=False, invoke_without_command=True)
    models.callback()(_list_by_default)
    models.command("list", help="List all model files with kind, family and what is known of their hashes.")(list_models)
    models.command("show", help="Show everything about one model file.")(show_model)
    models.command("hash", help="Work out the sha256 of one model file, or of all.")(hash_models)
    app.add_typer(models, name=name)


def _list_by_default(
    context: typer.Context,
    kind: KindOption = "",
    home: HomeOption = None,
    models_from: ModelsFromOption = None,
    as_json: JsonOption = False,
) -> None:
    if context.invoked_subcommand is None:
        list_models(kind, home, models_from, as_json)


def list_models(
    kind: KindOption = "",
    home: HomeOption = None,
    models_from: ModelsFromOption = None,
    as_json: JsonOption = False,
) -> None:
    """One line a file, or JSON."""
    wanted = _kind(kind)
    catalog = open_studio(home, models_from=models_from).catalog
    found = [listed for listed in catalog.listing() if not wanted or listed.file.kind == wanted]
    if as_json:
        print(json.dumps([data_of(listed) for listed in found], ensure_ascii=False, indent=2))
        return
    rows = [_row(listed) for listed in found]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]]).rstrip())


def show_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, title or hash.")],
    kind: KindOption = "",
    home: HomeOption = None,
    models_from: ModelsFromOption = None,
    as_json: JsonOption = False,
) -> None:
    """All that is known of one file, its hash included."""
    file = _find(open_studio(home, models_from=models_from).catalog, name, _kind(kind))
    data = data_of(Listed(file, "", usable=True))
    if as_json:
        print(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for word, value in data.items():
        if value not in ("", None, {}):
            print(f"{word}: {value}")


def hash_models(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One file; all without it.")] = None,
    home: HomeOption = None,
    models_from: ModelsFromOption = None,
    as_json: JsonOption = False,
) -> None:
    """sha256 and name, a line a file; what was worked out is remembered."""
    catalog = open_studio(home, models_from=models_from).catalog
    found: list[dict[str, object]] = []
    files = [_find(catalog, name, None)] if name else [listed.file for listed in catalog.listing()]
    for file in files:
        sha256 = catalog.sha256(file)
        found.append({"name": file.name, "path": str(file.path), "sha256": sha256})
        if not as_json:
            print(f"{sha256}  {file.name}", flush=True)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
