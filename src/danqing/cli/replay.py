"""`danqing replay`: a picture painted again from its own recipe, and compared pixel by pixel."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from danqing.base.errors import HardwareError, ImageError, RecipeError
from danqing.base.order import Order
from danqing.base.picture import Picture, Pixels, Provenance
from danqing.cli.bar import progress_bar
from danqing.cli.interrupt import stopped_by_ctrl_c
from danqing.cli.leaving import Left
from danqing.cli.options import note
from danqing.cli.run_options import RunOptions, with_options
from danqing.cli.sources import read_source
from danqing.pixels.files import read_picture

if TYPE_CHECKING:
    from danqing.studio.studio import Studio

ABOUT = """
Paint a picture again: the same recipe, the same device, number format and batch size. Says "equal" when no pixel
differs (exit code 0), else how much does (exit code 1).
"""
DIFFERENT = 1


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The command joins the application."""
    app.command(name, help=ABOUT, short_help=help)(with_options(RunOptions)(replay))


def replay(
    run: RunOptions,
    picture: Annotated[Path, typer.Argument(metavar="PICTURE", help="A picture that danqing painted.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="PATH", help="Keep the new picture: a folder or a file.")
    ] = None,
) -> None:
    """Prints what came of it; leaves with 1 when a pixel differs."""
    before = read_picture(picture)
    provenance = _provenance(picture)
    facts = provenance.facts
    studio, notes = _studio_as_then(provenance, run)
    if picture.suffix.lower() != ".png":
        notes.append(f"{picture.suffix} files lose pixels when they are saved; only a PNG can come out equal")
    if facts.batch_size > 1:
        notes.append(f"it was picture {facts.batch_index + 1} of a batch of {facts.batch_size} and is painted so again")
    for sentence in notes:
        if not run.as_json:
            note(sentence)
    after = _again(studio, provenance, run.silent)
    path = studio.gallery.keep(after, out) if out else None
    same, psnr = compared(before, after.pixels)
    sentence = "equal" if same else _difference(before, after.pixels, psnr)
    if run.as_json:
        told = {"equal": same, "psnr": None if math.isinf(psnr) else psnr, "path": path and str(path), "notes": notes}
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print(sentence if path is None else f"{sentence}\n{path}")
    if not same:
        raise typer.Exit(DIFFERENT)


def compared(before: Pixels, after: Pixels) -> tuple[bool, float]:
    """Whether all pixels are equal, and the peak signal-to-noise ratio in dB: infinite if so, 0 for other sizes."""
    if before.shape != after.shape:
        return False, 0.0
    error = float(np.mean((before.astype(np.float64) - after.astype(np.float64)) ** 2))
    return error == 0, 10 * math.log10(255**2 / error) if error else math.inf


def _difference(before: Pixels, after: Pixels, psnr: float) -> str:
    if before.shape != after.shape:
        return f"different: {before.shape[1]}x{before.shape[0]} before, {after.shape[1]}x{after.shape[0]} now"
    share = float(np.count_nonzero((before != after).any(axis=2))) / (before.shape[0] * before.shape[1])
    return f"different: {100 * share:.2f} % of the pixels, PSNR {psnr:.1f} dB"


def _provenance(picture: Path) -> Provenance:
    found = read_source(str(picture))
    if found.provenance is None:
        raise RecipeError(
            f"{picture.name} does not say exactly how it was painted, for it is not danqing's own; "
            f"`danqing paint --from {picture.name}` paints one like it"
        )
    if found.provenance.after:
        done = ", ".join(use.name for use in found.provenance.after)
        raise ImageError(
            f"{picture.name} is no longer as it was painted ({done}), so there is nothing to compare; "
            f"`danqing paint --from {picture.name}` paints what it was"
        )
    if found.provenance.interrupted:
        raise ImageError(f"{picture.name} was interrupted before its last step; it can't be painted again to compare")
    return found.provenance


def _studio_as_then(provenance: Provenance, run: RunOptions) -> tuple["Studio", list[str]]:
    """The studio with the device and number format of then, as far as they are here and nothing else was said."""
    facts = provenance.facts
    notes: list[str] = []
    studio = run.studio(facts.device, facts.dtype)
    try:
        studio.engine()
    except HardwareError as problem:
        if run.device or run.dtype:
            raise
        notes.append(f"painted on {facts.device} in {facts.dtype} then; here not: {problem}")
        studio = run.studio()
    return studio, notes


def _again(studio: "Studio", provenance: Provenance, quiet: bool) -> Picture:
    complaints = studio.check(Order(recipe=provenance.recipe, left_to_model=()))
    for complaint in complaints:
        if complaint.fatal:
            raise RecipeError(complaint.message)
    with stopped_by_ctrl_c() as stop, progress_bar("painting again", quiet) as watch:
        try:
            return studio.engine().replay(provenance, stop.watching(watch))
        except RecipeError:
            if stop.asked:
                raise Left(130, "stopped; nothing was compared") from None
            raise
