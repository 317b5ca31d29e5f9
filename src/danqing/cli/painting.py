"""Painting as the commands show it: a bar while it works, each picture told as soon as it is kept, Ctrl-C keeps what is done."""

import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.base.errors import DanqingError, FileWriteError, RecipeError
from danqing.base.order import Order
from danqing.cli.bar import progress_bar
from danqing.cli.interrupt import stopped_by_ctrl_c
from danqing.cli.leaving import Left
from danqing.cli.options import note

if TYPE_CHECKING:
    from danqing.cli.run_options import RunOptions
    from danqing.studio.studio import Kept, Studio


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


def paint_orders(studio: "Studio", orders: Sequence[Order], out: Path | None, run: "RunOptions") -> None:
    """Paints orders one after another and prints where the pictures are.

    All are checked before the first is begun. Raises Left for Ctrl-C, with what was finished.
    """
    complaints = [complaint for order in orders for complaint in studio.check(order)]
    for sentence in dict.fromkeys(complaint.message for complaint in complaints if not complaint.fatal):
        note(sentence)
    if fatal := dict.fromkeys(complaint.message for complaint in complaints if complaint.fatal):
        raise RecipeError("; ".join(fatal))
    told = Told(run.as_json, run.quiet)
    with contextlib.suppress(FileWriteError):  # a home that can't be written to still paints to --out
        studio.home.make_folders()
    wanted = sum(order.pictures for order in orders)
    try:
        with stopped_by_ctrl_c() as stop, progress_bar("painting", run.silent) as watch:
            for order in orders:
                for kept in studio.paint(order, stop.watching(watch), to=out):
                    told.add(kept)
                if stop.asked:
                    break
    except DanqingError as problem:
        if not told.pictures:
            raise
        # Under --json nothing was printed yet: what is finished is told with what went wrong.
        data = {"error": str(problem), "kind": type(problem).__name__, **told.data()}
        raise Left(2, str(problem), data) from problem
    if stop.asked and len(told.pictures) < wanted:
        done = f"{len(told.pictures)} of {wanted} pictures are finished and kept"
        raise Left(130, f"stopped; {done}", {"stopped": True, **told.data()})
    told.end()


def _lines(data: dict[str, object]) -> str:
    what = f"{data['width']}x{data['height']}, {data['model']}, seed {data['seed']}, recipe {str(data['digest'])[:12]}"
    return f"{data['path']}\n  {what}, {data['seconds']:.2f} s"
