"""`danqing paint`: from words to pictures in files."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danqing.base.errors import ImageError, RecipeError
from danqing.base.order import Order
from danqing.base.refs import ImageRef, ModelRef
from danqing.cli.asking import order_of, parse_settings
from danqing.cli.knob_options import knob_lines, path_of, with_knob_options
from danqing.cli.options import WHERE, note
from danqing.cli.painting import paint_orders
from danqing.cli.run_options import RunOptions, with_options

if TYPE_CHECKING:
    from danqing.studio.studio import Studio

ABOUT = """
Paint pictures. Without a prompt the model paints what it likes; without a seed one is drawn, and printed.

danqing paint "1girl, long green hair, glasses" --seed 7 --count 4

Every knob is an option, --hires-steps 5 as well as --steps 20; only the main ones stand below, --knobs lists all.
"""

OutOption = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="PATH", help="A folder or a picture file to write to.", rich_help_panel=WHERE),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KNOB=VALUE", help="Set any knob by its path; may be given several times."),
]


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(with_knob_options(with_options(RunOptions)(paint)))


def paint(
    run: RunOptions,
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
    out: OutOption = None,
    assignments: SetOption = None,
    init_image: Annotated[
        Path | None,
        typer.Option("--init-image", metavar="FILE", help="The picture that img2img starts from, or a folder of them."),
    ] = None,
    inpaint_mask: Annotated[
        str,
        typer.Option(
            "--inpaint-mask",
            metavar="MASK",
            help="White is painted anew: a file, alpha, box:left,top,right,bottom or color:#rrggbb.",
        ),
    ] = "",
    list_knobs: Annotated[bool, typer.Option("--knobs", help="List every knob with its option and leave.")] = False,
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
    studio = run.studio()
    base = _begun_with(studio, source, words) if source is not None else None
    orders = [
        order_of({**_size_of(studio, words, base, more), **words}, base, more)
        for more in _images(studio, init_image, inpaint_mask)
    ]
    paint_orders(studio, orders, out, run)


def _begun_with(studio: "Studio", source: str, words: dict[str, object]) -> Order:
    """The order in a file; what it names and isn't here is said and replaced, unless the words name another."""
    from danqing.cli.sources import read_source
    from danqing.studio.substitutes import with_what_is_here

    found = read_source(source)
    for sentence in found.notes:
        note(sentence)
    if found.exact:
        return found.order
    order, sentences = with_what_is_here(found.order, studio.catalog, said=words)
    for sentence in sentences:
        note(sentence)
    return order


def _size_of(studio: "Studio", words: dict[str, object], base: Order | None, more: dict[str, Any]) -> dict[str, object]:
    """The size of the picture that is painted over, where none was said."""
    if "init" not in more or "width" in words or "height" in words or (base and "width" not in base.left_to_model):
        return {}
    from danqing.studio.overpainting import size_over

    model = ModelRef(name=str(words.get("model", base.recipe.model.name if base else "")))
    usual = int(studio.catalog.find(model).usual.get("width", 512))
    height, width = studio.images.open(ImageRef.model_validate(more["init"]["image"])).shape[:2]
    return dict(zip(("width", "height"), size_over((width, height), usual), strict=True))


def _images(studio: "Studio", init_image: Path | None, inpaint_mask: str) -> Iterator[dict[str, Any]]:
    """The parts of a recipe that name pictures: one for each that is painted over."""
    if init_image is None:
        if inpaint_mask:
            raise RecipeError("--inpaint-mask says where a picture may change; give that picture with --init-image")
        yield {}
        return
    from danqing.studio.overpainting import mask_ref, pictures_of

    paths = pictures_of(init_image.expanduser())
    for path in paths:
        try:
            image = studio.images.put(path)
        except ImageError as problem:
            if len(paths) == 1:
                raise
            note(f"{problem}; it is left out")
            continue
        parts: dict[str, Any] = {"init": {"image": image.model_dump()}}
        if inpaint_mask:
            parts["inpaint"] = {"mask": mask_ref(inpaint_mask, studio.images, image).model_dump()}
        yield parts
