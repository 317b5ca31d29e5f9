"""`danqing paint`: from words to pictures in files."""

import contextlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danqing.base.errors import DanqingError, FileWriteError, RecipeError
from danqing.base.order import Order
from danqing.cli.asking import order_of, parse_settings
from danqing.cli.bar import progress_bar
from danqing.cli.interrupt import stopped_by_ctrl_c
from danqing.cli.knob_options import knob_lines, path_of, with_knob_options
from danqing.cli.leaving import Left
from danqing.cli.options import (
    WHERE,
    DeviceOption,
    DtypeOption,
    HomeOption,
    JsonOption,
    ModelsFromOption,
    QuietOption,
    note,
    open_studio,
)

if TYPE_CHECKING:
    from danqing.studio.studio import Kept, Studio

ABOUT = """
Paint pictures. Without a prompt the model paints what it likes; without a seed one is drawn, and printed.

danqing paint "1girl, long green hair, glasses" --seed 7 --count 4

Every knob is an option, --hires-steps 5 as well as --steps 20; only the main ones stand below, --knobs lists all.
"""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(with_knob_options(paint))


def paint(
    prompt: Annotated[str | None, typer.Argument(help="What the picture shows.", metavar="PROMPT")] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            "-f",
            metavar="FILE",
            help="Begin with the parameters of a picture, a recipe (JSON) or an infotext; - reads from stdin.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="PATH", help="A folder or a picture file to write to.", rich_help_panel=WHERE
        ),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KNOB=VALUE", help="Set any knob by its path; may be given several times."),
    ] = None,
    init_image: Annotated[
        Path | None, typer.Option("--init-image", metavar="FILE", help="The picture that img2img starts from.")
    ] = None,
    inpaint_mask: Annotated[
        Path | None, typer.Option("--inpaint-mask", metavar="FILE", help="White is painted anew, black stays.")
    ] = None,
    list_knobs: Annotated[bool, typer.Option("--knobs", help="List every knob with its option and leave.")] = False,
    home: HomeOption = None,
    models_from: ModelsFromOption = None,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    **knobs: Any,
) -> None:
    """Paints and prints where the pictures are."""
    if list_knobs:
        print("\n".join(knob_lines()))
        return
    words = {path_of(name): value for name, value in knobs.items() if value is not None}
    if prompt is not None:
        words["prompt"] = prompt
    words.update(parse_settings(assignments or ()))
    base = _base(source)
    studio = open_studio(home, models_from=models_from, device=device, dtype=dtype)
    order = order_of(words, base, _images(studio, init_image, inpaint_mask))
    for complaint in studio.check(order):
        if not complaint.fatal:
            note(complaint.message)
    told = Told(as_json, quiet)
    _paint(studio, order, out, told)
    told.end()


@dataclass
class Told:
    """What is printed: a picture as soon as it is kept, or one JSON object at the end."""

    as_json: bool
    quiet: bool
    began: float = field(default_factory=time.perf_counter)
    pictures: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    def add(self, kept: "Kept") -> None:
        data = data_of(kept)
        self.pictures.append(data)
        if not self.as_json:
            print(data["path"] if self.quiet else _lines(data), flush=True)

    def data(self) -> dict[str, object]:
        return {"pictures": self.pictures, "seconds": round(time.perf_counter() - self.began, 3)}

    def end(self) -> None:
        if self.as_json:
            print(json.dumps(self.data(), ensure_ascii=False, indent=2))
        elif not self.quiet and len(self.pictures) > 1:
            seconds = time.perf_counter() - self.began
            print(f"{len(self.pictures)} pictures in {seconds:.1f} s, {seconds / len(self.pictures):.2f} s each")


def data_of(kept: "Kept") -> dict[str, object]:
    """What a program wants to know of a finished picture."""
    provenance, recipe = kept.picture.provenance, kept.picture.recipe
    width, height = kept.picture.size
    return {
        "path": str(kept.path),
        "digest": recipe.digest,
        "seed": recipe.seed,
        "width": width,
        "height": height,
        "model": recipe.model.name,
        "seconds": provenance.seconds,
        "interrupted": provenance.interrupted,
        "notes": list(provenance.facts.notes),
    }


def _lines(data: dict[str, object]) -> str:
    what = f"{data['width']}x{data['height']}, {data['model']}, seed {data['seed']}, recipe {str(data['digest'])[:12]}"
    return f"{data['path']}\n  {what}, {data['seconds']:.2f} s"


def _paint(studio: "Studio", order: Order, out: Path | None, told: Told) -> None:
    with contextlib.suppress(FileWriteError):  # a home that can't be written to still paints to --out
        studio.home.make_folders()
    try:
        with stopped_by_ctrl_c() as stop, progress_bar("painting", told.quiet or told.as_json) as watch:
            for kept in studio.paint(order, stop.watching(watch), to=out):
                told.add(kept)
    except DanqingError as problem:
        if not told.pictures:
            raise
        # Under --json nothing was printed yet: what is finished is told with what went wrong.
        data = {"error": str(problem), "kind": type(problem).__name__, **told.data()}
        raise Left(2, str(problem), data) from problem
    if stop.asked and len(told.pictures) < order.pictures:
        done = f"{len(told.pictures)} of {order.pictures} pictures are finished and kept"
        raise Left(130, f"stopped; {done}", {"stopped": True, **told.data()})


def _base(source: str | None) -> Order | None:
    if source is None:
        return None
    from danqing.cli.sources import read_source

    found = read_source(source)
    for sentence in found.notes:
        note(sentence)
    return found.order


def _images(studio: "Studio", init_image: Path | None, inpaint_mask: Path | None) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if init_image is not None:
        parts["init"] = {"image": studio.images.put(init_image).model_dump()}
    if inpaint_mask is not None:
        if init_image is None:
            raise RecipeError("--inpaint-mask says where a picture may change; give that picture with --init-image")
        parts["inpaint"] = {"mask": studio.images.put(inpaint_mask).model_dump()}
    return parts
