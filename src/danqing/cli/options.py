"""Options that several commands share, and the studio that they ask for."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from danqing.studio.studio import Studio

WHERE, RUN = "Where things are", "How it runs"

HomeOption = Annotated[
    Path | None, typer.Option("--home", metavar="FOLDER", help="The home folder.", rich_help_panel=WHERE)
]
ModelsFromOption = Annotated[
    list[str] | None,
    typer.Option(
        "--models-from",
        metavar="FOLDER",
        help="Use the model files of an A1111 or ComfyUI install too; may be given several times.",
        rich_help_panel=WHERE,
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.", rich_help_panel=RUN)
]
DtypeOption = Annotated[
    str | None,
    typer.Option("--dtype", metavar="NAME", help="auto, float32, bfloat16 or float16.", rich_help_panel=RUN),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, errors too.", rich_help_panel=RUN)]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only what was made.", rich_help_panel=RUN)]


def open_studio(home: Path | None, **said: Any) -> "Studio":
    """The studio with the settings that the command line said; what wasn't said (None, empty) is left to other layers.

    Sentences about settings that could not be used go to stderr.
    """
    from danqing.studio.studio import Studio

    studio = Studio(home, settings={name: value for name, value in said.items() if value not in (None, [])})
    for sentence in studio.notes:
        note(sentence)
    return studio


def note(sentence: str) -> None:
    """Something the user should know, beside the result."""
    print(f"note: {sentence}", file=sys.stderr)


def home_variables() -> dict[str, str]:
    """danqing's own variables that are set, for reports."""
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith("DANQING_")}
