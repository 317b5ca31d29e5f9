"""What a grid is made of: lanes with their labels, and the order of every cell. Orders are spread along lanes one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from danqing.base.errors import RecipeError
from danqing.base.order import Order

MOST_CELLS = 100_000


@dataclass(frozen=True)
class Lane:
    """One direction of a grid: what it is called, and a label for each of its places."""

    title: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Lanes from the outermost (pages) to the innermost (along a row), and an order a cell in that sequence."""

    lanes: tuple[Lane, ...]
    orders: tuple[Order, ...]

    def label(self, index: int) -> str:
        """A cell's labels on all lanes, between commas."""
        place = place_of(index, [len(lane.labels) for lane in self.lanes])
        return ", ".join(lane.labels[at] for lane, at in zip(self.lanes, place, strict=True) if lane.labels[at])


def place_of(index: int, lengths: Sequence[int]) -> tuple[int, ...]:
    """Where cell number `index` lies on each lane, outermost first."""
    place: list[int] = []
    for length in reversed(lengths):
        index, at = divmod(index, length)
        place.append(at)
    return tuple(reversed(place))


def spread(
    layout: Layout, lanes_of: Callable[[Order], tuple[Lane, ...]], turn: Callable[[Order], list[Order]]
) -> Layout:
    """The layout with more lanes inside: `turn` gives an order's cells along them, in display order. All orders have the same lanes."""
    lanes = lanes_of(layout.orders[0])
    refuse_giants(len(layout.orders) * prod(len(lane.labels) for lane in lanes))
    return Layout((*layout.lanes, *lanes), tuple(cell for order in layout.orders for cell in turn(order)))


def refuse_giants(cells: int) -> None:
    """Raises RecipeError for a grid with more cells than anybody looks at: each is a recipe in memory."""
    if cells > MOST_CELLS:
        raise RecipeError(f"a grid of {cells:,} cells is too large; at most {MOST_CELLS:,} are possible")


def along_each_lane(lengths: Sequence[int]) -> list[int]:
    """The numbers of the cells that show every place of every lane once, the other lanes at their first place."""
    found = {0}
    for lane, length in enumerate(lengths):
        step = prod(lengths[lane + 1 :])
        found.update(step * at for at in range(length))
    return sorted(found)
