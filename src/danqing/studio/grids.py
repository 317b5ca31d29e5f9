"""Grids that can be gone on with: a folder of pictures keyed by their recipes' digests, painted cell by cell, shown as sheet, page and table."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import danqing
from danqing.base.errors import DanqingError, RecipeError
from danqing.base.infotext import quote, write_infotext
from danqing.base.picture import Picture
from danqing.base.progress import Watch, Within, just_go_on
from danqing.base.recipe import Recipe
from danqing.diffusion.names import SAMPLER_FACTS
from danqing.painting.batches import batches
from danqing.painting.expand import Phrases, expand
from danqing.painting.grid import Grid, GridAsk, first_look, grid_of, lay_out, painting_order
from danqing.painting.grid_layout import Layout
from danqing.painting.plan import plan
from danqing.studio.gallery import ENDINGS
from danqing.studio.grids_files import GridFiles, shown_cells, write_grid_files
from danqing.studio.grids_manifest import Result, note_ask, note_result, read_manifest
from danqing.studio.phrases import read_phrases
from danqing.studio.studio import Studio, draw_seed
from danqing.studio.writable import check_writable, make_numbered_folder

if TYPE_CHECKING:
    from danqing.painting.engine import Engine

log = logging.getLogger(__name__)

FOLDERS = {False: "txt2img-grids", True: "img2img-grids"}
CELLS = "cells"


@dataclass(frozen=True)
class CellDone:
    """A recipe of the grid that is painted, or has failed."""

    recipe: Recipe
    label: str
    result: Result


class GridRun:
    """One grid at work in its folder. Made by `open_grid`; `paint` does what is missing, `finish` writes what shows it."""

    def __init__(self, studio: Studio, folder: Path, ask: GridAsk, grid: Grid, notes: tuple[str, ...]) -> None:
        self.studio, self.folder, self.ask, self.grid, self.notes = studio, folder, ask, grid, notes
        self.results = read_manifest(folder).results
        self._labels = _labels(grid)
        self._recipes = {cell.recipe.digest: cell.recipe for cell in grid.cells if cell.recipe}
        self._places = {digest: place for place, digest in enumerate(self._recipes)}
        self._began, self._work_done, self._work = time.perf_counter(), 0.0, 0.0

    @property
    def missing(self) -> list[Recipe]:
        """Recipes that have no picture yet, each once, in the order in which they are best painted. Failed ones are tried again."""
        waiting = [recipe for digest, recipe in self._recipes.items() if not self._has(digest)]
        return [waiting[index] for index in painting_order(waiting)]

    @property
    def failed(self) -> int:
        """How many cells have no picture because something went wrong."""
        cells = shown_cells(self.grid, self.results)
        return sum(1 for cell in cells if cell.result and cell.result.error and not cell.result.file)

    @property
    def pictures(self) -> int:
        """How many different pictures the grid has when it is done."""
        return len(self._recipes)

    @property
    def painted(self) -> int:
        """How many of them are there."""
        return sum(1 for digest in self._recipes if self._has(digest))

    def seconds_left(self) -> float | None:
        """What is left to paint, at the speed so far; None before the first picture."""
        if self._work_done == 0:
            return None
        return (time.perf_counter() - self._began) / self._work_done * (self._work - self._work_done)

    def paint(self, watch: Watch = just_go_on) -> Iterator[CellDone]:
        """Paints what is missing, each picture kept and noted as soon as it is done; a cell that fails is noted, and the next one comes.

        Raises HardwareError where nothing can be painted at all, and FileWriteError where nothing can be kept.
        """
        waiting = self.missing
        if not waiting:
            return
        engine = self.studio.engine()
        for recipe in waiting:
            self.results.pop(recipe.digest, None)
        self._began, self._work_done, self._work = time.perf_counter(), 0.0, sum(map(_work, waiting))
        begun = 0
        for plans in batches(waiting, self.ask.order.batch_size):
            recipes = [one.recipe for one in plans]
            watched = Within(watch, begun, len(waiting))
            yield from self._paint_group(engine, recipes, watched)
            if watched.ended:
                return
            begun += len(recipes)

    def finish(self, gap: int = 2) -> GridFiles:
        """Sheet, page and table of what is there by now. Raises FileWriteError."""
        cells = shown_cells(self.grid, self.results)
        return write_grid_files(self.folder, self.grid, cells, self.title, infotext=self._infotext(), gap=gap)

    @property
    def title(self) -> str:
        """What all cells have in common, in words."""
        return self.ask.order.recipe.prompt or ("Prompts from a text" if self.ask.prompts else "Without a prompt")

    def _has(self, digest: str) -> bool:
        return digest in self.results and bool(self.results[digest].file)

    def _paint_group(self, engine: "Engine", recipes: Sequence[Recipe], watched: Within) -> Iterator[CellDone]:
        try:
            pictures = list(engine.paint(recipes, watched, batch_size=len(recipes)))
        except Exception as problem:  # whatever a cell does, the other ones are painted
            if len(recipes) > 1:
                for recipe in recipes:
                    if not watched.ended:
                        yield from self._paint_group(engine, [recipe], watched)
                return
            log.warning("a cell failed", exc_info=not isinstance(problem, DanqingError))
            yield self._noted(recipes[0], Result(error=_said(problem)))
            return
        # What was stopped before its last step is not the cell's picture: it is painted anew the next time.
        for picture in pictures:
            if not picture.provenance.interrupted:
                yield self._kept(picture)

    def _kept(self, picture: Picture) -> CellDone:
        digest = picture.recipe.digest
        provenance = picture.provenance.but(order_digest=self.ask.order.digest, index=list(self._recipes).index(digest))
        name = digest[:16] + ENDINGS[self.studio.settings.picture_format]
        path = self.studio.gallery.keep(replace(picture, provenance=provenance), self.folder / CELLS / name)
        result = Result(path.relative_to(self.folder).as_posix(), round(provenance.seconds, 4))
        return self._noted(picture.recipe, result)

    def _noted(self, recipe: Recipe, result: Result) -> CellDone:
        note_result(self.folder, recipe.digest, result)
        self.results[recipe.digest] = result
        self._work_done += _work(recipe)
        return CellDone(recipe, self._labels.get(recipe.digest, ""), result)

    def _infotext(self) -> str:
        """The first picture's parameters, and the axes as A1111 writes them beside its grids."""
        recipe = next(iter(self._recipes.values()), None)
        if recipe is None:
            return ""
        text = write_infotext(recipe, hashes={}, version=danqing.__version__)
        axes = list(zip("XYZ", reversed(self.ask.order.axes), strict=False))
        if not axes:
            return text
        words = [f"{letter} Type: {axis.knob}, {letter} Values: {quote(_csv(axis.values))}" for letter, axis in axes]
        return f"{text}, Script: X/Y/Z plot, {', '.join(words)}"


def open_grid(studio: Studio, ask: GridAsk, to: Path | None = None) -> GridRun:
    """The grid in a folder of its own, or in `to`: what is there of it already is kept, also of another grid with the same recipes.

    Nothing is written before every axis, value and line was looked at. Raises RecipeError, ModelError or FileWriteError.
    """
    there = read_manifest(to) if to is not None else None
    if there is not None and there.ask is not None and there.ask.digest == ask.digest:
        ask = there.ask
    if ask.chance is None:
        ask = ask.but(chance=draw_seed())
    phrases, layout = read_phrases(studio.home), lay_out(ask)
    notes = _looked_at(studio, layout, phrases)
    grid = grid_of(layout, studio.catalog, phrases)
    folder = to if to is not None else _free_folder(studio, img2img=ask.order.recipe.init is not None)
    check_writable(folder)
    if there is None or there.ask != ask:
        note_ask(folder, ask)
    return GridRun(studio, folder, ask, grid, notes)


def resume_grid(studio: Studio, folder: Path) -> GridRun:
    """The grid that was last asked of a folder. Raises RecipeError where there is none."""
    ask = read_manifest(folder).ask
    if ask is None:
        raise RecipeError(f"{folder} holds no grid to go on with; name the folder that was printed when it began")
    return open_grid(studio, ask, folder)


def _looked_at(studio: Studio, layout: Layout, phrases: Phrases) -> tuple[str, ...]:
    """Advice about the cells that show every value once. Raises RecipeError with the label of one that can't be painted."""
    notes: dict[str, None] = {}
    for label, order in first_look(layout):
        where = f"{label}: " if label else ""
        for complaint in studio.check(order):
            if complaint.fatal:
                raise RecipeError(where + complaint.message)
            notes[complaint.message] = None
        try:
            next(expand(order, studio.catalog, phrases))
        except DanqingError as problem:
            raise RecipeError(f"{where}{problem}") from problem
    return tuple(notes)


def _free_folder(studio: Studio, *, img2img: bool) -> Path:
    gallery = studio.gallery
    return make_numbered_folder(gallery.root / FOLDERS[img2img] / gallery.clock().strftime("%Y-%m-%d"), "grid")


def _labels(grid: Grid) -> dict[str, str]:
    cells = shown_cells(grid, {})
    return {cell.digest: ", ".join(label for label in cell.labels if label) for cell in reversed(cells) if cell.digest}


def _work(recipe: Recipe) -> float:
    """How much there is to compute, for the time that is left: calls of the UNet times pixels."""
    return sum(
        one.steps * SAMPLER_FACTS.find(one.sampler).calls_per_step * one.width * one.height
        for one in plan(recipe).passes
    )


def _said(problem: Exception) -> str:
    if isinstance(problem, DanqingError):
        return str(problem)
    first = str(problem).strip().partition("\n")[0][:200]
    return f"a fault of danqing's own: {type(problem).__name__}: {first}"


def _csv(values: Sequence[object]) -> str:
    texts = [", ".join(cast("list[str]", value)) if isinstance(value, list) else str(value) for value in values]
    return ", ".join(f'"{text}"' if "," in text else text for text in texts)
