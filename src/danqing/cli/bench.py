"""`danqing bench`: how fast this machine paints."""

from collections.abc import Callable
from importlib import import_module

import typer

CONTEXT: dict[str, object] = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application; its words are the bench's own."""
    app.command(name, help=help, context_settings=CONTEXT)(bench)


def bench(context: typer.Context) -> None:
    """Measures and prints."""
    measure: Callable[[list[str]], int] = import_module("danqing.studio.bench").main
    raise typer.Exit(measure(list(context.args)))
