"""What a request comes to: its orders, and how their pictures are answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from danqing.base.order import Order
from danqing.web.sdapi.requests import Painting
from danqing.web.sdapi.translate import Around


@dataclass(frozen=True)
class Asked:
    """The orders of a request. `sheet`: their pictures on one sheet as well, in a square or along the order's axes; `alone`: each by itself too."""

    orders: tuple[Order, ...]
    sheet: str = ""
    alone: bool = True
    legends: bool = True


Arguments = Sequence[Any]
Script = Callable[[Painting, Arguments, Around], Asked]


def argument(arguments: Arguments, place: int, default: Any) -> Any:
    """The argument at a place, or what A1111's page begins with."""
    return arguments[place] if place < len(arguments) and arguments[place] is not None else default
