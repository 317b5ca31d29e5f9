"""A prompt as a command is given it: typed, in a text file, in a picture, on stdin."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from danqing.base.infotext import tags_of
from danqing.base.recipe import Recipe
from danqing.base.table import Table
from danqing.cli.options import note
from danqing.cli.sources import STDIN, read_source
from danqing.prompt.reading import Dialect
from danqing.studio.gallery import is_picture_name

ALIASES = {
    "automatic1111": "a1111",
    "webui": "a1111",
    "forge": "a1111",
    "nai": "novelai",
    "comfyui": "comfy",
    "invoke": "compel",
    "invokeai": "compel",
    "mj": "midjourney",
}
DIALECTS: Table[Dialect] = Table(
    "dialect",
    {name: name for name in ("danqing", "a1111", "novelai", "comfy", "compel", "midjourney")},
    ALIASES,
)
TextArgument = Annotated[
    str, typer.Argument(metavar="TEXT", help="A prompt, or a picture, recipe or text file that holds one; - is stdin.")
]
StepsOption = Annotated[
    int | None, typer.Option("--steps", "-s", min=1, max=1000, help="How many steps switches are counted over.")
]


@dataclass(frozen=True)
class GivenText:
    """The prompts, whose language they are in where that is known, and how many steps they were meant for."""

    prompt: str
    negative_prompt: str = ""
    dialect: Dialect = "danqing"
    steps: int = 20


def given_text(text: str) -> GivenText:
    """What is meant by an argument: the text of a file that is there, else the argument itself."""
    if text != STDIN and not _is_file(text):
        return GivenText(text)
    found = read_source(text)
    for sentence in found.notes:
        note(sentence)
    recipe: Recipe = found.order.recipe
    prompt = recipe.prompt + tags_of(recipe.loras, recipe.hypernets)
    return GivenText(prompt, recipe.negative_prompt, recipe.dialect, recipe.steps)


def _is_file(text: str) -> bool:
    """A name of a picture is held to be one even where nothing lies, so that a slip isn't taken for a prompt."""
    try:
        path = Path(text).expanduser()
        return path.is_file() or (is_picture_name(path) and "\n" not in text and "," not in text)
    except (OSError, ValueError, RuntimeError):  # too long for a name, a nul byte, a home nobody has
        return False
