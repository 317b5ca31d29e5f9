"""`danqing grid`: pictures side by side, along axes, a prompt matrix or a text of prompts; what was begun can be gone on with."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from danqing.base.errors import DanqingError, FileWriteError, RecipeError
from danqing.base.order import Order
from danqing.cli.asking import order_of, parse_settings
from danqing.cli.bar import progress_bar
from danqing.cli.interrupt import stopped_by_ctrl_c
from danqing.cli.knob_options import path_of, with_knob_options
from danqing.cli.leaving import Left
from danqing.cli.options import WHERE, note
from danqing.cli.run_options import RunOptions, with_options
from danqing.painting.axes import axis_names, read_axis
from danqing.painting.grid import GridAsk
from danqing.painting.grid_matrix import MatrixOptions
from danqing.painting.grid_prompts import PromptLines

if TYPE_CHECKING:
    from danqing.studio.grids import CellDone, GridRun
    from danqing.studio.studio import Studio

ABOUT = """
Paint a grid: every picture of two or three axes, of a prompt matrix, or of a text with a prompt a line.

danqing grid "a robot, blue background" --x "Steps: 10, 20, 30" --y "Sampler: Euler a, DPM++ 2M" --seed 7

A folder receives the pictures, a sheet with legends, a page to look around in and a table. A grid that was stopped is gone on with by --resume.
"""
GRID = "The grid"
MOST_TEXT = 16 * 2**20
"""Bytes of a text with prompts."""

AxisOption = str | None


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(with_knob_options(with_options(RunOptions)(grid)))


def _axis(words: str) -> Any:
    return typer.Option(help=words, metavar="'NAME: VALUES'", rich_help_panel=GRID)


def grid(
    run: RunOptions,
    prompt: Annotated[str | None, typer.Argument(help="What the pictures show.", metavar="PROMPT")] = None,
    x: Annotated[AxisOption, _axis("Across, as in 'Steps: 10, 20-30 (+5)'.")] = None,
    y: Annotated[AxisOption, _axis("Down, as in 'Sampler: Euler a, DPM++ 2M'.")] = None,
    z: Annotated[AxisOption, _axis("Over pages, as in 'CFG Scale: 4-8 [3]'.")] = None,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="Paint every choice of a prompt's parts: a house|autumn|at night.")
    ] = False,
    matrix_negative: Annotated[
        bool, typer.Option("--matrix-negative", help="The parts stand in the negative prompt.", hidden=True)
    ] = False,
    matrix_at_start: Annotated[
        bool, typer.Option("--matrix-at-start", help="The parts come before the rest.", hidden=True)
    ] = False,
    matrix_spaces: Annotated[
        bool, typer.Option("--matrix-spaces", help="Join with spaces, not commas.", hidden=True)
    ] = False,
    matrix_seeds: Annotated[
        bool, typer.Option("--matrix-seeds", help="The seed counts up over the choices.", hidden=True)
    ] = False,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE", help="A text with a prompt, or with --flags, a line.")
    ] = None,
    prompts_at_end: Annotated[
        bool, typer.Option("--prompts-at-end", help="The prompt of all comes first, a line's behind it.", hidden=True)
    ] = False,
    prompts_count_seeds: Annotated[
        bool, typer.Option("--prompts-count-seeds", help="The seed counts up over the lines.", hidden=True)
    ] = False,
    prompts_same_seed: Annotated[
        bool, typer.Option("--prompts-same-seed", help="A drawn seed is one for all lines.", hidden=True)
    ] = False,
    keep_random: Annotated[
        bool, typer.Option("--keep-random", help="Draw a seed of -1 anew for every cell, not once for the grid.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", "-f", metavar="FILE", help="Begin with the parameters in a file.", rich_help_panel=WHERE
        ),
    ] = None,
    init_image: Annotated[
        Path | None, typer.Option("--init-image", metavar="FILE", help="The picture that img2img starts from.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KNOB=VALUE", help="Set any knob by its path.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="The grid's folder.", rich_help_panel=WHERE)
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FOLDER", help="Go on with the grid in a folder.", rich_help_panel=WHERE),
    ] = None,
    gap: Annotated[int, typer.Option("--gap", min=0, max=500, help="White between the pictures of a sheet.")] = 2,
    list_axes: Annotated[bool, typer.Option("--axes", help="List the axes by name and leave.")] = False,
    **knobs: Any,
) -> None:
    """Paints a grid and prints where it is."""
    if list_axes:
        print("\n".join(f"{name} ({paths})" if paths else name for name, paths in axis_names()))
        print("Any other knob is an axis by its path: danqing paint --knobs lists them.")
        return
    from danqing.studio.grids import open_grid, resume_grid

    studio = run.studio()
    if resume is not None:
        _paint(studio, resume_grid(studio, resume), run, gap)
        return
    words = {path_of(name): value for name, value in knobs.items() if value is not None}
    if prompt is not None:
        words["prompt"] = prompt
    words.update(parse_settings(assignments or ()))
    parts = {"init": {"image": studio.images.put(init_image).model_dump()}} if init_image is not None else {}
    order = order_of(words, _base(source), parts)
    axes = tuple(read_axis(text) for text in (z, y, x) if text)
    delimiter = "space" if matrix_spaces else "comma"
    options = MatrixOptions(
        negative=matrix_negative, at_start=matrix_at_start, delimiter=delimiter, different_seeds=matrix_seeds
    )
    lines = PromptLines(
        text=_text_of(prompts),
        at="end" if prompts_at_end else "start",
        count_seeds=prompts_count_seeds,
        same_seed=prompts_same_seed,
    )
    ask = GridAsk(
        order=order.but(axes=axes) if axes else order,
        matrix=options if matrix else None,
        prompts=lines if prompts is not None else None,
        keep_random=keep_random,
    )
    _paint(studio, open_grid(studio, ask, out), run, gap)


def _base(source: str | None) -> Order | None:
    if source is None:
        return None
    from danqing.cli.sources import read_source

    found = read_source(source)
    for sentence in found.notes:
        note(sentence)
    return found.order


def _text_of(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        if file.stat().st_size > MOST_TEXT:
            raise RecipeError(f"{file} is larger than {MOST_TEXT // 2**20} MB; that is no text of prompts")
        return file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as problem:
        raise RecipeError(f"{file} can't be read ({problem.strerror}); name a text with a prompt a line") from problem


@dataclass
class _Told:
    """What is printed of a grid at work: a line a cell, with the time that is left."""

    grid: "GridRun"
    silent: bool

    def begin(self) -> None:
        for sentence in self.grid.notes:
            note(sentence)
        if not self.silent:
            there = self.grid.painted
            kept = f", {there} of them are there already" if there else ""
            print(f"{self.grid.folder}\n  {self.grid.pictures} pictures{kept}", flush=True)

    def add(self, done: "CellDone", number: int, wanted: int) -> None:
        if self.silent:
            return
        left = self.grid.seconds_left()
        rest = f", about {_duration(left)} left" if left and number < wanted else ""
        what = f"failed: {done.result.error}" if done.result.error else f"{done.result.seconds:.2f} s"
        print(f"  {number}/{wanted} {done.label or done.recipe.digest[:12]}: {what}{rest}", flush=True)


def _paint(studio: "Studio", run_of: "GridRun", run: RunOptions, gap: int) -> None:
    with contextlib.suppress(FileWriteError):  # a home that can't be written to still paints to --out
        studio.home.make_folders()
    told = _Told(run_of, run.silent)
    told.begin()
    wanted = len(run_of.missing)
    try:
        with stopped_by_ctrl_c() as stop, progress_bar("painting", run.silent) as watch:
            for number, done in enumerate(run_of.paint(stop.watching(watch)), 1):
                told.add(done, number, wanted)
    except DanqingError as problem:
        raise Left(2, f"{problem}; {_go_on(run_of)}", {"error": str(problem), **_data(run_of)}) from problem
    files = run_of.finish(gap)
    data = {**_data(run_of), "sheets": [str(path) for path in files.sheets], "page": str(files.page)}
    data["table"] = str(files.table)
    if stop.asked and run_of.missing:
        raise Left(130, f"stopped; {_go_on(run_of)}", {"stopped": True, **data})
    if run_of.failed:
        cells = "1 cell" if run_of.failed == 1 else f"{run_of.failed} cells"
        sentence = f"{cells} failed, and the sheet says why: {files.page}"
        raise Left(2, sentence, {"error": sentence, **data})
    if run.as_json:
        print(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        print("\n".join(str(path) for path in (*files.sheets, files.page)))


def _go_on(run_of: "GridRun") -> str:
    done = f"{run_of.painted} of {run_of.pictures} pictures are finished and kept"
    return f"{done}; go on with: danqing grid --resume {run_of.folder}"


def _data(run_of: "GridRun") -> dict[str, object]:
    return {
        "folder": str(run_of.folder),
        "pictures": run_of.pictures,
        "painted": run_of.painted,
        "failed": run_of.failed,
        "notes": list(run_of.notes),
    }


def _duration(seconds: float) -> str:
    """ "45 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
