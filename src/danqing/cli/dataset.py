"""`danqing dataset`: the pictures that networks are taught on."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from danqing.cli.options import HomeOption, QuietOption
from danqing.cli.talking import talk

PACKED: Mapping[str, int] = MappingProxyType(
    {"train": 11_000, "judge": 5_000, "validation": 600, "unseen": 600, "large": 400, "large_validation": 48}
)
"""How many of each split travel: about 65 MB."""

ABOUT_MINI = """
Build the embedded model's data set: 47,000 pictures of 128x128 and 1,200 of 512x512 with captions in three languages.

They are drawn from avatar styles and emoji sets of the npm registry, which needs Node.js 20 and takes about seven minutes and 5 GB.
What stands in the folder already is left as it is.
"""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    dataset = typer.Typer(name=name, help=help, no_args_is_help=True)
    dataset.callback()(_dataset)
    dataset.command("mini", help=ABOUT_MINI, short_help="Build the embedded model's data set.")(mini)
    app.add_typer(dataset, name=name)


def _dataset() -> None:
    """Keeps `mini` a word of its own."""


def mini(
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where; training/mini in the home without it.")
    ] = None,
    lineart: Annotated[
        bool, typer.Option("--lineart", help="Also draw every picture as line art, for a ControlNet.")
    ] = False,
    captions: Annotated[
        bool, typer.Option("--captions", help="Only write the captions anew, as the word lists are now.")
    ] = False,
    pack: Annotated[
        Path | None,
        typer.Option("--pack", metavar="FOLDER", help="Also write a third of it there in 65 MB, to take elsewhere."),
    ] = None,
    packed: Annotated[
        Path | None,
        typer.Option("--packed", metavar="FOLDER", help="Take what --pack wrote instead of drawing; needs no Node.js."),
    ] = None,
    home: HomeOption = None,
    quiet: QuietOption = False,
) -> None:
    """Builds it and prints its folder."""
    from danqing.studio.training import training_folder
    from danqing.training.mini import dataset, packing
    from danqing.training.mini import lineart as lines

    talk(quiet)
    work = to or training_folder(home, "mini")
    if captions:
        dataset.caption_anew(work)
    elif packed is not None:
        packing.unpack(packed, work)
    else:
        dataset.build_dataset(work, (*dataset.SPLITS, *dataset.LARGE_SPLITS))
    if lineart:
        lines.build_lines(work)
    if pack is not None:
        packing.pack(work, pack, PACKED)
    print(work / "data")
