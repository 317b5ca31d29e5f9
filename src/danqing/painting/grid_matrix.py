"""The prompt matrix, A1111's script: `a house|autumn|at night` is painted with every choice of the parts behind the first bar."""

from dataclasses import dataclass
from math import ceil
from typing import Annotated, Literal

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.order import Order
from danqing.base.value import Value
from danqing.painting.grid_layout import Lane

OPENING, CLOSING = "([{<", ")]}>"
MOST_PARTS = 16
"""65,536 pictures."""
NONE_CHOSEN = "–"


class MatrixOptions(Value):
    """What A1111's script asks for beside the prompt."""

    negative: Annotated[bool, Knob("In the negative prompt", "The bars stand in the negative prompt.")] = False
    at_start: Annotated[bool, Knob("Parts at the start", "The chosen parts come before the first.")] = False
    different_seeds: Annotated[bool, Knob("Different seeds", "The seed counts up from picture to picture.")] = False
    delimiter: Annotated[Literal["comma", "space"], Knob("Joined with", "What stands between the parts.")] = "comma"


@dataclass(frozen=True)
class Matrix:
    """A prompt taken apart at its bars: what is always there, and what may be."""

    base: str
    parts: tuple[str, ...]
    options: MatrixOptions

    @property
    def across(self) -> int:
        """How many of the parts go along a row; the rest goes down."""
        return ceil(len(self.parts) / 2)

    def chosen(self, number: int) -> list[str]:
        """The parts of combination `number`: its lowest bit is the first part."""
        return [part for bit, part in enumerate(self.parts) if number >> bit & 1]

    def prompt(self, number: int) -> str:
        """The prompt of combination `number`."""
        chosen = self.chosen(number)
        words = [*chosen, self.base] if self.options.at_start else [self.base, *chosen]
        return (", " if self.options.delimiter == "comma" else " ").join(words)

    def lanes(self) -> tuple[Lane, Lane]:
        """Rows and columns, as A1111 draws them: the first half of the parts along a row."""
        down = len(self.parts) - self.across
        rows = [self._label(number << self.across) for number in range(1 << down)]
        columns = [self._label(number) for number in range(1 << self.across)]
        return Lane("Prompt matrix, down", tuple(rows)), Lane("Prompt matrix, across", tuple(columns))

    def _label(self, number: int) -> str:
        return ", ".join(self.chosen(number)) or NONE_CHOSEN


def matrix_of(order: Order, options: MatrixOptions) -> Matrix:
    """The matrix in an order's prompt. Raises RecipeError where there is no bar, or where there are too many."""
    which = "negative prompt" if options.negative else "prompt"
    base, *parts = split_at_bars(order.recipe.negative_prompt if options.negative else order.recipe.prompt)
    if not parts:
        raise RecipeError(f"a prompt matrix needs parts behind bars, and the {which} has none: a house|autumn|at night")
    if len(parts) > MOST_PARTS:
        raise RecipeError(f"{len(parts)} parts make 2^{len(parts)} pictures; at most {MOST_PARTS} are possible")
    return Matrix(base, tuple(part.strip().strip(",") for part in parts), options)


def matrix_orders(order: Order, options: MatrixOptions) -> list[Order]:
    """One order a combination, from none of the parts to all of them."""
    matrix = matrix_of(order, options)
    name = "negative_prompt" if options.negative else "prompt"
    return [
        order.but(
            recipe=order.recipe.but(
                **{name: matrix.prompt(number)},
                seed=order.recipe.seed + (number if options.different_seeds else 0),
            )
        )
        for number in range(1 << len(matrix.parts))
    ]


def split_at_bars(prompt: str) -> list[str]:
    """The prompt in pieces between bars; one within brackets is an alternation or a variant and stays. A1111 would cut those in two."""
    pieces, depth = [""], 0
    for before, letter in zip(" " + prompt, prompt, strict=False):
        if before != "\\" and letter in OPENING:
            depth += 1
        elif before != "\\" and letter in CLOSING:
            depth = max(0, depth - 1)
        if letter == "|" and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return pieces
