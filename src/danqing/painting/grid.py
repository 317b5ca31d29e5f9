"""What was asked of a grid, and the recipe of every cell: prompts from a text, a prompt matrix and axes, one inside the other. Free of torch."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from danqing.base.errors import DanqingError
from danqing.base.knobs import knobs
from danqing.base.order import Order
from danqing.base.protocols import Catalog
from danqing.base.recipe import Recipe
from danqing.base.seed import RANDOM_SEEDS
from danqing.base.value import Value, canonical_json, sha256_of
from danqing.painting.axes import SEEDS, axis_kind, cells, with_drawn_seeds
from danqing.painting.expand import NO_PHRASES, Phrases, expand, settle_seed
from danqing.painting.grid_layout import Lane, Layout, along_each_lane, refuse_giants, spread
from danqing.painting.grid_matrix import MatrixOptions, matrix_of, matrix_orders
from danqing.painting.grid_prompts import PromptLines, line_label, line_orders, used_lines
from danqing.painting.plan import plan


class GridAsk(Value):
    """A grid as it was asked for. `order.axes` run from pages to rows to columns; `chance` is what every seed is drawn from, once drawn."""

    order: Order = Order()
    prompts: PromptLines | None = None
    matrix: MatrixOptions | None = None
    keep_random: bool = False
    """A seed of -1 is drawn anew for every cell; else once for the whole grid."""
    chance: int | None = None

    def sparse(self) -> dict[str, Any]:
        """As for every value; the order as it writes itself."""
        return {**super().sparse(), "order": self.order.sparse()}

    @property
    def digest(self) -> str:
        """Hex sha256 of what was asked, whatever was drawn for it."""
        return sha256_of(canonical_json({**self.sparse(), "chance": None}))


@dataclass(frozen=True)
class Cell:
    """A place of the grid: its recipe, or why it has none; neither where a line asked for fewer pictures than others."""

    recipe: Recipe | None = None
    error: str = ""


@dataclass(frozen=True)
class Grid:
    """Lanes from the outermost to the innermost, and the cells in that sequence. The last two lanes are a page's rows and columns."""

    lanes: tuple[Lane, ...]
    cells: tuple[Cell, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(pages, rows, columns)."""
        rows, columns = (len(lane.labels) for lane in self.lanes[-2:])
        return len(self.cells) // (rows * columns), rows, columns


def lay_out(ask: GridAsk) -> Layout:
    """Every cell's order, seeds drawn from `ask.chance`, and the lanes they lie on. Raises RecipeError for what can't be."""
    assert ask.chance is not None, "what a grid draws from is settled before it is laid out"
    drawing, paths = partial(_seed_at, ask.chance, "axis"), SEEDS[1:] if ask.keep_random else SEEDS
    numbers = count()
    layout = Layout((), (with_drawn_seeds(ask.order, lambda: drawing(next(numbers)), paths),))
    if ask.prompts is not None:
        lines = ask.prompts
        layout = spread(layout, lambda order: (_line_lane(lines),), lambda order: line_orders(order, lines))
        if not ask.keep_random:
            layout = _with_seeds(layout, ask.chance, "line", once=lines.same_seed)
    if not ask.keep_random:
        layout = _with_seeds(layout, ask.chance, "grid", once=True)
    if ask.matrix is not None:
        options = ask.matrix
        layout = spread(layout, lambda order: matrix_of(order, options).lanes(), lambda o: matrix_orders(o, options))
    if ask.order.axes:
        layout = spread(layout, _axis_lanes, lambda order: list(cells(order)))
    layout = _with_seeds(layout, ask.chance, "cell", once=False)
    return Layout(_two_lanes(layout.lanes, ask), layout.orders)


def first_look(layout: Layout) -> Iterator[tuple[str, Order]]:
    """(label, order) of cells that show every value of every lane once: what is wrong with a value is found there, before anything is painted."""
    for index in along_each_lane([len(lane.labels) for lane in layout.lanes]):
        yield layout.label(index), layout.orders[index]


def grid_of(layout: Layout, catalog: Catalog, phrases: Phrases = NO_PHRASES) -> Grid:
    """The recipes of all cells. Where cells have several pictures each, one more lane outside tells them apart."""
    found = [_cells_of(order, catalog, phrases) for order in layout.orders]
    most = max(len(one) for one in found)
    refuse_giants(most * len(found))
    lanes = layout.lanes
    if most > 1:
        lanes = (Lane("Picture", tuple(f"Picture {number + 1}" for number in range(most))), *lanes)
    return Grid(lanes, tuple(one[k] if k < len(one) else Cell() for k in range(most) for one in found))


def painting_order(recipes: Sequence[Recipe]) -> list[int]:
    """Numbers of the recipes so that dear things change seldom: the checkpoint least of all, then what else costs, then what parts batches."""
    dear = sorted((field for field in knobs(Recipe) if field.knob.cost > 0), key=lambda field: -field.knob.cost)
    keys = [
        [
            *(_at(recipe, field.path) for field in dear if field.knob.cost >= 0.5),
            canonical_json([use.model_dump(mode="json") for use in (*recipe.loras, *recipe.hypernets)]),
            *(_at(recipe, field.path) for field in dear if field.knob.cost < 0.5),
            plan(recipe).batch_key,
        ]
        for recipe in recipes
    ]
    # By first appearance, not by name: what stands first in the grid is painted first.
    ranks: list[dict[str, int]] = [{} for _ in keys[0]] if keys else []
    ranked = [[rank.setdefault(key, len(rank)) for rank, key in zip(ranks, one, strict=True)] for one in keys]
    return sorted(range(len(recipes)), key=lambda index: ranked[index])


def _seed_at(chance: int, place: str, index: int) -> int:
    """A seed drawn from one number: the same place always draws the same, so that a grid can be gone on with."""
    return random.Random(f"{chance}/{place}/{index}").randrange(RANDOM_SEEDS)


def _with_seeds(layout: Layout, chance: int, place: str, *, once: bool) -> Layout:
    """The layout with every seed drawn that is still open: one for all orders, or one for each."""
    return Layout(
        layout.lanes,
        tuple(
            settle_seed(order, partial(_seed_at, chance, place, 0 if once else index))
            for index, order in enumerate(layout.orders)
        ),
    )


def _line_lane(lines: PromptLines) -> Lane:
    return Lane("Prompt", tuple(line_label(number, line) for number, line in used_lines(lines)))


def _axis_lanes(order: Order) -> tuple[Lane, ...]:
    kinds = [axis_kind(axis.knob) for axis in order.axes]
    return tuple(
        Lane(kind.name, tuple(kind.label(value) for value in axis.values))
        for kind, axis in zip(kinds, order.axes, strict=True)
    )


def _two_lanes(lanes: tuple[Lane, ...], ask: GridAsk) -> tuple[Lane, ...]:
    """At least rows and columns: a text of prompts goes down, one axis goes across."""
    alone = Lane("", ("",))
    if len(lanes) >= 2:
        return lanes
    if not lanes:
        return alone, alone
    return (lanes[0], alone) if ask.prompts is not None else (alone, lanes[0])


def _cells_of(order: Order, catalog: Catalog, phrases: Phrases) -> list[Cell]:
    try:
        return [Cell(recipe) for recipe in expand(order, catalog, phrases)]
    except DanqingError as problem:
        return [Cell(error=str(problem))]


def _at(recipe: Recipe, path: str) -> str:
    value: Any = recipe
    for name in path.split("."):
        value = getattr(value, name, None)
    return str(value)
