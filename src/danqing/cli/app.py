"""Which commands there are. Only the one that is called is loaded; of the others `--help` knows the first sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Annotated

import typer

import danqing


@dataclass(frozen=True)
class Command:
    """Where a command lives, and what it does in one sentence. The module has `add_to(app, name, help)`."""

    module: str
    help: str


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "paint": Command("danqing.cli.paint", "Paint pictures from a prompt, a recipe, an infotext or a picture."),
        "grid": Command(
            "danqing.cli.grid", "Paint a grid of pictures along axes, a prompt matrix or a text of prompts."
        ),
        "preset": Command(
            "danqing.cli.preset", "Make stickers, patterns, avatars, posters, covers, or restore a photograph."
        ),
        "read": Command("danqing.cli.read", "Show the parameters that a picture or a text file holds."),
        "replay": Command("danqing.cli.replay", "Paint a picture again from its own recipe and compare."),
        "imagine": Command("danqing.cli.imagine", "Paint what a command of Midjourney asks for."),
        "lint": Command("danqing.cli.lint", "Look a prompt over for weights and words that will surprise."),
        "translate": Command("danqing.cli.translate", "Say a prompt in another tool's language, or explain it."),
        "build": Command("danqing.cli.build", "Put a prompt together from the prompt builder's lists."),
        "edit": Command("danqing.cli.edit", "Extend pictures, step back from them, paint over them again and again."),
        "extras": Command("danqing.cli.extras", "Enlarge pictures that are there."),
        "models": Command("danqing.cli.models", "List, show, hash and fetch model files."),
        "gallery": Command(
            "danqing.cli.gallery", "Find pictures again, mark them, throw them away and take them back."
        ),
        "queue": Command("danqing.cli.queue", "Show and steer the jobs that a server works on."),
        "serve": Command("danqing.cli.serve", "Serve the studio over HTTP, A1111's API and danqing's own."),
        "settings": Command("danqing.cli.settings", "Show and change what danqing remembers."),
        "dataset": Command("danqing.cli.dataset", "Build the pictures that networks are taught on."),
        "train": Command("danqing.cli.train", "Teach networks by a plan."),
        "doctor": Command("danqing.cli.doctor", "Look over this machine and this home folder."),
        "bench": Command("danqing.cli.bench", "Measure how fast this machine paints."),
    }
)

AddTo = Callable[[typer.Typer, str, str], None]
EPILOG = "danqing COMMAND --help says more. Models and pictures lie in ~/danqing, or where DANQING_HOME says."


def app_for(words: Sequence[str]) -> typer.Typer:
    """The application with the command that the words call for loaded, and the rest by name."""
    app = typer.Typer(
        name="danqing",
        help="danqing (丹青): a studio for making pictures with diffusion models.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_about)
    called = next((word for word in words if not word.startswith("-")), "")
    for name, command in COMMANDS.items():
        if name == called:
            add_to: AddTo = import_module(command.module).add_to
            add_to(app, name, command.help)
        else:
            app.command(name, help=command.help)(_not_loaded)
    return app


def _say_version(asked: bool) -> None:
    if asked:
        print(f"danqing {danqing.__version__}")
        raise typer.Exit


def _about(
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and leave.", is_eager=True, callback=_say_version)
    ] = False,
) -> None:
    """What stands before every command."""


def _not_loaded() -> None:
    raise AssertionError("a command is loaded before it is called")
