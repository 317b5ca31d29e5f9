"""`script_name` with `script_args`: A1111's selectable scripts as orders; those that begin with a picture are in `picture_scripts`."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from danqing.base.errors import RecipeError
from danqing.base.order import Axis
from danqing.painting.axes import axis_kind
from danqing.painting.axes_table import NOTHING
from danqing.painting.expand import settle_seed
from danqing.painting.grid_matrix import MatrixOptions, matrix_of, matrix_orders
from danqing.painting.grid_prompts import PromptLines, line_orders
from danqing.web.problems import NotYetError, Refused
from danqing.web.sdapi.alwayson import changed
from danqing.web.sdapi.asked import Arguments, Asked, Script, argument
from danqing.web.sdapi.picture_scripts import PICTURE_SCRIPTS
from danqing.web.sdapi.requests import ImageToImage, Painting
from danqing.web.sdapi.titles import NEVER, NOT_YET, SELECTABLE
from danqing.web.sdapi.translate import Around, orders_of

TEXT, IMAGE = "txt2img", "img2img"
AXES: tuple[tuple[str, str], ...] = (
    ("Nothing", ""),
    ("Seed", ""),
    ("Var. seed", ""),
    ("Var. strength", ""),
    ("Steps", ""),
    ("Hires steps", TEXT),
    ("CFG Scale", ""),
    ("Image CFG Scale", IMAGE),
    ("Prompt S/R", ""),
    ("Prompt order", ""),
    ("Sampler", TEXT),
    ("Hires sampler", TEXT),
    ("Sampler", IMAGE),
    ("Checkpoint name", ""),
    ("Negative Guidance minimum sigma", ""),
    ("Sigma Churn", ""),
    ("Sigma min", ""),
    ("Sigma max", ""),
    ("Sigma noise", ""),
    ("Schedule type", ""),
    ("Schedule min sigma", ""),
    ("Schedule max sigma", ""),
    ("Schedule rho", ""),
    ("Beta schedule alpha", ""),
    ("Beta schedule beta", ""),
    ("Eta", ""),
    ("Clip skip", ""),
    ("Denoising", ""),
    ("Initial noise multiplier", ""),
    ("Extra noise", ""),
    ("Hires upscaler", TEXT),
    ("Cond. Image Mask Weight", IMAGE),
    ("VAE", ""),
    ("Styles", ""),
    ("UniPC Order", ""),
    ("Face restore", ""),
    ("Token merging ratio", ""),
    ("Token merging ratio high-res", ""),
    ("Always discard next-to-last sigma", ""),
    ("SGM noise multiplier", ""),
    ("Refiner checkpoint", ""),
    ("Refiner switch at", ""),
    ("RNG source", ""),
    ("FP8 mode", ""),
    ("Size", ""),
)
"""A1111 1.10's axes in its order, by which clients number them; the second word says on which tab alone one stands."""


def asked_of(request: Painting, around: Around) -> Asked:
    """The request's orders, by its script if it names one. Raises Refused, NotYetError, RecipeError."""
    name = (request.script_name or "").strip().casefold()
    if not name or name == "none":
        return Asked(orders_of(request, around))
    tab = IMAGE if isinstance(request, ImageToImage) else TEXT
    if name not in SELECTABLE or tab not in SELECTABLE[name]:
        raise Refused(422, f"Script '{request.script_name}' not found")
    if name in NOT_YET:
        raise NotYetError(f"this danqing has no script {name!r} yet")
    if name in NEVER:
        raise Refused(422, f"the script {name!r} runs Python that a request brings; danqing never does")
    return _SCRIPTS[name](request, request.script_args, around)


def axis_labels(image: bool) -> list[str]:
    """The axes of a tab in the order in which X/Y/Z arguments number them."""
    return [label for label, tab in AXES if tab in ("", IMAGE if image else TEXT)]


def _xyz(request: Painting, arguments: Arguments, around: Around) -> Asked:
    """[type, values, chosen] three times, then legends, single pictures beside the sheet; the rest is for A1111's page."""
    labels = axis_labels(isinstance(request, ImageToImage))
    axes = [_axis(arguments[place : place + 3], labels) for place in (0, 3, 6)]
    given = tuple(axis for axis in reversed(axes) if axis is not None)  # X, the first here, is our last
    if not given:
        raise RecipeError("X/Y/Z plot: no axis has values; give an axis's number and its values")
    (order,) = orders_of(request, around)
    return Asked(
        (order.but(axes=given),),
        sheet="axes",
        alone=bool(argument(arguments, 10, False)),
        legends=bool(argument(arguments, 9, True)),
    )


def _axis(arguments: Arguments, labels: list[str]) -> Axis | None:
    kind = axis_kind(_label(argument(arguments, 0, 0), labels))
    if kind.name == NOTHING:
        return None
    chosen = argument(arguments, 2, [])
    text = _between_commas(chosen) if isinstance(chosen, list) and chosen else str(argument(arguments, 1, ""))
    values = kind.values_of(text)
    if not values:
        raise RecipeError(f"X/Y/Z plot: the axis {kind.name} needs values, found {text[:60]!r}")
    return Axis(knob=kind.name, values=values)


def _label(given: Any, labels: list[str]) -> str:
    if isinstance(given, str) and not given.strip().isdecimal():
        return given
    try:
        number = int(given)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number < len(labels):
        raise RecipeError(f"X/Y/Z plot: an axis is a number from 0 to {len(labels) - 1}, found {str(given)[:60]!r}")
    return labels[number]


def _between_commas(values: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue().strip("\r\n")


def _matrix(request: Painting, arguments: Arguments, around: Around) -> Asked:
    """[variable parts first, other seeds, which prompt, what joins the parts]: every choice of the parts behind `|`."""
    options = MatrixOptions(
        negative=argument(arguments, 2, "positive") == "negative",
        at_start=bool(argument(arguments, 0, False)),
        different_seeds=bool(argument(arguments, 1, False)),
        delimiter="space" if argument(arguments, 3, "comma") == "space" else "comma",
    )
    (order,) = orders_of(changed(request, {"n_iter": 1, "batch_size": 1}), around)
    if options.different_seeds:
        return Asked(tuple(matrix_orders(order, options)), sheet="square")
    matrix = matrix_of(order, options)
    prompts = tuple(matrix.prompt(number) for number in range(2 ** len(matrix.parts)))
    axis = Axis(knob="negative_prompt" if options.negative else "prompt", values=prompts)
    return Asked((order.but(axes=(axis,)),), sheet="square")


def _from_file(request: Painting, arguments: Arguments, around: Around) -> Asked:
    """[count the seed up line by line, one drawn seed for all, where a line's prompt goes, the lines]."""
    lines = PromptLines(
        text=str(argument(arguments, 3, "")),
        at="end" if argument(arguments, 2, "start") == "end" else "start",
        count_seeds=bool(argument(arguments, 0, False)),
        same_seed=bool(argument(arguments, 1, False)),
    )
    (order,) = orders_of(request, around)
    if request.seed < 0 and not (lines.count_seeds or lines.same_seed):
        order = order.but(seeds="random")
    return Asked(tuple(settle_seed(one, around.draw_seed) for one in line_orders(order, lines)))


_SCRIPTS: Mapping[str, Script] = {
    "x/y/z plot": _xyz,
    "prompt matrix": _matrix,
    "prompts from file or textbox": _from_file,
    **PICTURE_SCRIPTS,
}
