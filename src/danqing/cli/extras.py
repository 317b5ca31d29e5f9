"""`danqing extras`: pictures that are there, enlarged."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from danqing.base.errors import DanqingError, ImageError, RecipeError
from danqing.base.progress import Progress, Verdict, Watch
from danqing.cli.bar import progress_bar
from danqing.cli.interrupt import stopped_by_ctrl_c
from danqing.cli.leaving import Left
from danqing.cli.run_options import RunOptions, with_options
from danqing.painting.upscaling import UpscaleRequest, UpscaleStopped, default_upscaler, upscaler_names

if TYPE_CHECKING:
    from danqing.studio.extras import Enlarged
    from danqing.studio.studio import Studio

ABOUT = """
Enlarge pictures, single ones and whole folders of them. What they tell of their painting they tell still.

danqing extras photo.png --by 4

danqing extras folder --upscaler "R-ESRGAN 4x+" --to 2048x2048 --out enlarged

`danqing models get pack:real-esrgan` fetches three upscalers; others go into models/ESRGAN.
"""
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm")


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(with_options(RunOptions)(extras))


def extras(
    run: RunOptions,
    pictures: Annotated[
        list[Path] | None, typer.Argument(metavar="PICTURE...", help="Pictures, and folders of them.")
    ] = None,
    upscaler: Annotated[
        str, typer.Option("--upscaler", "-u", metavar="NAME", help="Which; without it the best that is there.")
    ] = "",
    by: Annotated[float, typer.Option("--by", metavar="FACTOR", help="Factor for both sides.")] = 4.0,
    to: Annotated[
        str, typer.Option("--to", metavar="WxH", help="To this size instead; 1024x and x768 keep the shape.")
    ] = "",
    crop: Annotated[bool, typer.Option("--crop/--no-crop", help="Cut off what overlaps the size.")] = True,
    second: Annotated[str, typer.Option("--second", metavar="NAME", help="Another upscaler, blended over.")] = "",
    visibility: Annotated[
        float, typer.Option("--visibility", metavar="SHARE", help="How much of the second shows, 0 to 1.")
    ] = 0.5,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="PATH", help="A folder or a picture file to write to.")
    ] = None,
    list_upscalers: Annotated[bool, typer.Option("--upscalers", help="List all upscalers and leave.")] = False,
) -> None:
    """Prints where the enlarged pictures are."""
    studio = run.studio()
    if list_upscalers:
        _list(studio, run.as_json)
        return
    if not pictures:
        raise RecipeError("name a picture or a folder of pictures to enlarge")
    width, height = _size(to)
    request = UpscaleRequest(
        upscaler=upscaler,
        by=by,
        width=width,
        height=height,
        crop=crop,
        second=second,
        visibility=visibility if second else 0.0,
    )
    _enlarge(studio, list(_files(pictures)), request, out, run)


def _enlarge(
    studio: "Studio", sources: Sequence[Path], request: UpscaleRequest, out: Path | None, run: RunOptions
) -> None:
    from danqing.studio.extras import Extras, check_enlarging

    check_enlarging(studio, request, out, len(sources))
    worker = Extras(studio)
    made: list[dict[str, object]] = []
    refused: list[dict[str, str]] = []
    with stopped_by_ctrl_c() as stop, progress_bar("enlarging", run.silent) as watch:
        for number, source in enumerate(sources):
            watched = stop.watching(_of(watch, number, len(sources)))
            try:
                one = worker.enlarge(source, request, watched, to=out)
            except UpscaleStopped:
                raise Left(130, f"stopped; {len(made)} of {len(sources)} pictures are finished and kept") from None
            except DanqingError as problem:
                if len(sources) == 1:
                    raise
                refused.append({"picture": str(source), "error": str(problem)})
                continue
            made.append(_data(source, one))
            if not run.as_json:
                print(one.path if run.quiet else _lines(one), flush=True)
    told: dict[str, object] = {"pictures": made, "refused": refused}
    if refused:
        shown = "; ".join(one["error"] for one in refused[:3])
        raise Left(2, f"{len(refused)} of {len(sources)} could not be enlarged: {shown}", told)
    if run.as_json:
        print(json.dumps(told, ensure_ascii=False, indent=2))


def _of(watch: Watch, number: int, count: int) -> Watch:
    def watched(progress: Progress) -> Verdict:
        return watch(replace(progress, picture=number, pictures=count))

    return watched


def _files(named: Sequence[Path]) -> Iterator[Path]:
    for path in named:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(one for one in path.iterdir() if one.suffix.lower() in PICTURES and one.is_file())
        if not inside:
            raise ImageError(f"there are no pictures in {path}; possible: {', '.join(PICTURES)}")
        yield from inside


def _size(text: str) -> tuple[int, int]:
    """(width, height) of "2048x1024", "2048x" or "x1024"; 0 for what isn't said."""
    if not text:
        return 0, 0
    found = re.fullmatch(r"(\d*)[xX×](\d*)", text.strip())
    if found is None or not (int(found[1] or 0) or int(found[2] or 0)):
        raise RecipeError(f"--to {text} is no size; write 2048x1024, 2048x or x1024")
    return int(found[1] or 0), int(found[2] or 0)


def _list(studio: "Studio", as_json: bool) -> None:
    names, best = upscaler_names(studio.catalog), default_upscaler(studio.catalog)
    if as_json:
        print(json.dumps({"upscalers": names, "default": best}, ensure_ascii=False, indent=2))
        return
    for name in names:
        print(f"{name} (default)" if name == best else name)


def _lines(one: "Enlarged") -> str:
    return f"{one.path}\n  {one.size[0]}x{one.size[1]}, {one.upscaler}, {one.seconds:.2f} s"


def _data(source: Path, one: "Enlarged") -> dict[str, object]:
    return {
        "picture": str(source),
        "path": str(one.path),
        "width": one.size[0],
        "height": one.size[1],
        "upscaler": one.upscaler,
        "seconds": one.seconds,
    }
