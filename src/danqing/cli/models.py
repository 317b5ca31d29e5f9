"""`danqing models`: the model files that danqing finds."""

import json
from pathlib import Path
from typing import Annotated

import typer

from danqing.cli.kinds import kind_of
from danqing.cli.models_get import ABOUT as GET
from danqing.cli.models_get import get_model
from danqing.cli.options import HomeOption, JsonOption, ModelsFromOption, open_studio
from danqing.studio.catalog import Listed

KindOption = Annotated[
    str,
    typer.Option(
        "--kind", "-k", metavar="KIND", help="Only checkpoint, vae, lora, embedding, hypernet, controlnet ..."
    ),
]


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    models = typer.Typer(name=name, help=help, no_args_is_help=False, invoke_without_command=True)
    models.callback()(_list_by_default)
    models.command("list", help="List all model files, with kind, hash and size.")(list_models)
    models.command("show", help="Show everything about one model file.")(show_model)
    models.command("hash", help="Work out the sha256 of one model file, or of all.")(hash_models)
    models.command("get", help=GET, short_help="Fetch a model file and put it where it belongs.")(get_model)
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
    wanted = kind_of(kind)
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
    catalog = open_studio(home, models_from=models_from).catalog
    found = catalog.look_up(name, kind_of(kind))
    catalog.sha256(found.file)
    data = data_of(catalog.look_up(name, kind_of(kind)))
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
    for file in [catalog.look_up(name).file] if name else [listed.file for listed in catalog.listing()]:
        sha256 = catalog.sha256(file)
        found.append({"name": file.name, "path": str(file.path), "sha256": sha256})
        if not as_json:
            print(f"{sha256}  {file.name}", flush=True)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))


def data_of(listed: Listed) -> dict[str, object]:
    """Everything about a file, JSON-ready."""
    file = listed.file
    return {
        "name": file.name,
        "title": file.title,
        "kind": file.kind,
        "family": file.family,
        "sha256": file.sha256,
        "bytes": size_of(file.path),
        "path": str(file.path),
        "usual": dict(file.usual),
        "usable": listed.usable,
        "note": listed.note,
    }


def size_of(path: Path) -> int:
    """Bytes of a file, or of everything in a folder; 0 for what has gone meanwhile."""
    try:
        if path.is_dir():
            return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
        return path.stat().st_size
    except OSError:
        return 0


def _row(listed: Listed) -> tuple[str, str, str, str, str]:
    file = listed.file
    size = size_of(file.path) / 1e6
    shown = f"{size / 1000:.2f} GB" if size >= 1000 else f"{size:.1f} MB"
    note = listed.note if listed.usable else f"can't be used: {listed.note}"
    return file.name, file.kind, file.sha256[:10] or "not hashed", shown, note
