"""What a grid's folder shows: sheets, a page to look around in, a table of the cells. Written anew each time, from what is there."""

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from danqing.base.errors import ImageError
from danqing.painting.grid import Grid
from danqing.painting.grid_layout import place_of
from danqing.painting.plan import plan
from danqing.pixels.files import read_picture, write_picture
from danqing.pixels.resize import resize
from danqing.pixels.sheet import Cell as Drawn
from danqing.pixels.sheet import Legends
from danqing.pixels.sheet_tiles import tiled_sheet
from danqing.pixels.writing import write_aside
from danqing.studio.grids_manifest import Result
from danqing.weights.assets import asset

PAGE, TABLE = "index.html", "cells.csv"
SHEET = re.compile(r"sheet(-\d+)?(-r\d+-c\d+)?\.png")
LARGEST_CELL = 4096
"""Pixels a side; larger pictures are shown smaller on a sheet, and whole on the page."""


@dataclass(frozen=True)
class Shown:
    """One cell as it is shown: its place, its result, and what its recipe says."""

    labels: tuple[str, ...]
    result: Result | None
    digest: str = ""
    seed: int = 0
    size: tuple[int, int] = (0, 0)
    empty: bool = False
    """No picture belongs here."""


@dataclass(frozen=True)
class GridFiles:
    """The files that show a grid."""

    sheets: tuple[Path, ...]
    page: Path
    table: Path


def shown_cells(grid: Grid, results: dict[str, Result]) -> list[Shown]:
    """Every cell in display order with what became of it."""
    lengths = [len(lane.labels) for lane in grid.lanes]
    found: list[Shown] = []
    for index, cell in enumerate(grid.cells):
        place = place_of(index, lengths)
        labels = tuple(lane.labels[at] for lane, at in zip(grid.lanes, place, strict=True))
        if cell.recipe is None:
            found.append(Shown(labels, Result(error=cell.error), empty=not cell.error))
        else:
            recipe = cell.recipe
            found.append(Shown(labels, results.get(recipe.digest), recipe.digest, recipe.seed, plan(recipe).size))
    return found


def write_grid_files(folder: Path, grid: Grid, cells: list[Shown], title: str, *, infotext: str, gap: int) -> GridFiles:
    """Sheets, page and table into the grid's folder. Raises FileWriteError."""
    sheets = tuple(_write_sheets(folder, grid, cells, title, infotext, gap))
    for path in folder.iterdir():
        if SHEET.fullmatch(path.name) and path not in sheets:
            path.unlink()  # of a grid that had another shape
    write_aside(folder / PAGE, page_of(grid, cells, title).encode("utf-8", "replace"))
    write_aside(folder / TABLE, table_of(grid, cells).encode("utf-8-sig", "replace"))
    return GridFiles(sheets, folder / PAGE, folder / TABLE)


def _write_sheets(folder: Path, grid: Grid, cells: list[Shown], title: str, infotext: str, gap: int) -> list[Path]:
    pages, rows, columns = grid.shape
    across = [lane.labels for lane in grid.lanes[-2:]]
    cell = _cell_size(cells)
    written: list[Path] = []
    for page in range(pages):
        part = cells[page * rows * columns : (page + 1) * rows * columns]
        outer = ", ".join(label for label in part[0].labels[:-2] if label)
        legends = Legends(_unless_blank(across[1]), _unless_blank(across[0]), outer or _short(title, cell[0] * columns))

        def look(row: int, column: int, part: list[Shown] = part) -> Drawn:
            return _drawn(folder, part[row * columns + column], cell)

        for tile, pixels in tiled_sheet(look, (rows, columns), cell, legends, gap):
            whole = len(tile.rows) == rows and len(tile.columns) == columns
            name = "sheet" + (f"-{page + 1}" if pages > 1 else "")
            name += "" if whole else f"-r{tile.number[0] + 1}-c{tile.number[1] + 1}"
            write_picture(folder / f"{name}.png", pixels, infotext=infotext)
            written.append(folder / f"{name}.png")
    return written


def _cell_size(cells: list[Shown]) -> tuple[int, int]:
    width = max(cell.size[0] for cell in cells) or 256
    height = max(cell.size[1] for cell in cells) or 256
    return min(width, LARGEST_CELL), min(height, LARGEST_CELL)


def _unless_blank(labels: tuple[str, ...]) -> tuple[str, ...]:
    return labels if any(labels) else ()


def _short(title: str, width: int) -> str:
    """The title as far as it fits over a sheet of this width; the page has it whole."""
    most = max(8, width // 8)
    return title if len(title) <= most else title[: most - 3] + "..."


def _drawn(folder: Path, cell: Shown, most: tuple[int, int]) -> Drawn:
    if cell.result is None or cell.empty:
        return None
    if not cell.result.file:
        return cell.result.error or None
    try:
        pixels = read_picture(folder / cell.result.file)
    except ImageError as problem:
        return str(problem)
    height, width = pixels.shape[:2]
    scale = min(most[0] / width, most[1] / height)
    return pixels if scale >= 1 else resize(pixels, max(1, int(width * scale)), max(1, int(height * scale)))


def page_of(grid: Grid, cells: list[Shown], title: str) -> str:
    """The whole page as one text: data inside, pictures beside it by their relative paths, nothing from elsewhere."""
    data: dict[str, Any] = {
        "title": title,
        "count": _count(cells),
        "cell": _cell_size(cells),
        "lanes": [{"title": lane.title, "labels": lane.labels} for lane in grid.lanes],
        "cells": [_page_cell(cell) for cell in cells],
    }
    # "<" only as an escape: a prompt that holds </script> must not end the data.
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    template = asset("pages", "grid.html").read_text(encoding="utf-8")
    return template.replace('type="application/json">{}<', f'type="application/json">{text}<', 1)


def _page_cell(cell: Shown) -> dict[str, Any]:
    if cell.result is None:
        return {}
    if not cell.result.file:
        return {"error": cell.result.error, "empty": cell.empty}
    facts: dict[str, Any] = {"file": cell.result.file, "size": cell.size, "seed": cell.seed}
    return {**facts, "digest": cell.digest[:12], "seconds": cell.result.seconds}


def _count(cells: list[Shown]) -> str:
    wanted = [cell for cell in cells if not cell.empty]
    painted = sum(1 for cell in wanted if cell.result and cell.result.file)
    failed = sum(1 for cell in wanted if cell.result and cell.result.error)
    return f"{painted} of {len(wanted)} pictures" + (f", {failed} failed" if failed else "")


def table_of(grid: Grid, cells: list[Shown]) -> str:
    """CSV with a row a cell: its labels by lane, then file, digest, seed, seconds, error."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    titled = [index for index, lane in enumerate(grid.lanes) if lane.title]
    writer.writerow([*(grid.lanes[index].title for index in titled), "file", "digest", "seed", "seconds", "error"])
    for cell in cells:
        if cell.empty:
            continue
        result = cell.result or Result()
        labels = [cell.labels[index] for index in titled]
        facts = [result.file, cell.digest, cell.seed if cell.digest else "", result.seconds or "", result.error]
        writer.writerow([*labels, *facts])
    return stream.getvalue()
