"""`danqing imagine`: Midjourney's command, painted here."""

from typing import Annotated

import typer

from danqing.base.refs import ModelRef
from danqing.cli.asking import order_of, parse_settings
from danqing.cli.options import note
from danqing.cli.paint import OutOption, SetOption
from danqing.cli.painting import paint_orders
from danqing.cli.run_options import RunOptions, with_options
from danqing.prompt.imagine import imagined

ABOUT = """
Paint what a command of Midjourney asks for: four pictures, weights behind ::, {red, blue} for every combination, and
--ar, --no, --seed, --stylize, --quality, --tile, --repeat; of the rest a note says what to use instead.

danqing imagine "a red fox:: snow::2 --ar 3:2 --no text" --model my-checkpoint
"""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application. Options that it doesn't know are Midjourney's."""
    settings = {"ignore_unknown_options": True}
    app.command(name, help=ABOUT, short_help=help, context_settings=settings)(with_options(RunOptions)(imagine))


def imagine(
    run: RunOptions,
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="What stands behind /imagine prompt:")],
    model: Annotated[str, typer.Option("--model", metavar="NAME", help="The checkpoint.")] = "",
    pictures: Annotated[int, typer.Option("--count", min=1, max=1000, help="Pictures of each prompt.")] = 4,
    out: OutOption = None,
    assignments: SetOption = None,
) -> None:
    """Paints every permutation and prints where the pictures are."""
    words = parse_settings(assignments or ())
    if model:
        words["model"] = model
    studio = run.studio()
    meant = studio.catalog.find(ModelRef(name=model))
    asked = imagined(" ".join(command), int(meant.usual.get("width", 512)), pictures)
    for sentence in asked.notes:
        note(sentence)
    paint_orders(studio, [order_of(words, order) for order in asked.orders], out, run)
