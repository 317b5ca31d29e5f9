"""More room around a picture: an order that paints its margins, the picture itself staying byte for byte. No torch."""

from collections.abc import Callable
from typing import Annotated

import numpy as np

from danqing.base.errors import RecipeError
from danqing.base.knobs import Knob
from danqing.base.order import Order
from danqing.base.picture import Pixels
from danqing.base.picture_parts import InitImage, Inpaint
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef
from danqing.base.value import Value
from danqing.pixels.fill import flattened
from danqing.pixels.mask import Mask
from danqing.pixels.outpaint import Canvas, Ground, Margins, ShapedNoise, extended, margins_of, zoomed_out

Keep = Callable[[Pixels, str], ImageRef]
"""Takes a picture (H, W, 3) in under a name that is only remembered, so that recipes can begin with it."""
EIGHT = 8


class Margin(Value):
    """What the margins begin with, and how strongly they are painted."""

    ground: Annotated[
        Ground, Knob("Ground", "What the new room begins with: edges drawn out, or noise like the picture.")
    ] = "soft"
    denoising_strength: Annotated[
        float, Knob("Denoising strength", "How far the painting may leave the ground.", 0, 1, 0.01)
    ] = 0.9
    falloff: Annotated[float, Knob("Fall-off", "Of the noise: below 1 more fine detail.", 0, 4, 0.01)] = 1.0
    color_variation: Annotated[float, Knob("Colour variation", "Of the noise.", 0, 1, 0.01)] = 0.05


class Outpaint(Margin):
    """Pixels more on each side; the whole grows on to a multiple of 8."""

    left: Annotated[int, Knob("Left", "Pixels.", 0, 8192, 8)] = 0
    up: Annotated[int, Knob("Up", "Pixels.", 0, 8192, 8)] = 0
    right: Annotated[int, Knob("Right", "Pixels.", 0, 8192, 8)] = 0
    down: Annotated[int, Knob("Down", "Pixels.", 0, 8192, 8)] = 0


def outpainted(order: Order, pixels: Pixels, how: Outpaint, keep: Keep) -> Order:
    """The order that paints what lies around a picture (H, W, 3|4). Raises RecipeError when there is nothing to extend."""
    size = (pixels.shape[1], pixels.shape[0])
    sides = {"left": how.left, "up": how.up, "right": how.right, "down": how.down}
    wanted = [margins_of(size, [name], more, 1) for name, more in sides.items() if more]
    if not wanted:
        raise RecipeError("nothing to extend: say how many pixels left, up, right or down")
    margins = wanted[0]
    for one in wanted[1:]:
        margins = Margins(
            margins.left + one.left, margins.top + one.top, margins.right + one.right, margins.bottom + one.bottom
        )
    canvas = _canvas(flattened(pixels), _to_eights(size, margins), how, order.recipe.seed)
    recipe = over_canvas(order.recipe, canvas, how, keep)
    open_fields = tuple(name for name in order.left_to_model if name not in ("width", "height"))
    return order.but(recipe=recipe, left_to_model=open_fields)


def zoomed(recipe: Recipe, pixels: Pixels, factor: float, how: Margin, keep: Keep) -> Recipe:
    """The recipe that steps back from a picture (H, W, 3): it gets `factor` times smaller, and what is around it is painted."""
    small, margins = zoomed_out(pixels, factor)
    return over_canvas(recipe, _canvas(small, margins, how, recipe.seed), how, keep)


def over_canvas(recipe: Recipe, canvas: Canvas, how: Margin, keep: Keep) -> Recipe:
    """The recipe painting the masked part of a canvas, at the canvas's size."""
    height, width = canvas.pixels.shape[:2]
    return recipe.but(
        width=width,
        height=height,
        hires=None,
        init=InitImage(image=keep(canvas.pixels, "canvas"), denoising_strength=how.denoising_strength),
        inpaint=Inpaint(mask=keep(_three(canvas.mask), "mask"), blur_x=0, blur_y=0),
    )


def _canvas(pixels: Pixels, margins: Margins, how: Margin, seed: int) -> Canvas:
    noise = ShapedNoise(seed % 2**32, how.falloff, how.color_variation)
    return extended(pixels, margins, how.ground, noise=noise)


def _to_eights(size: tuple[int, int], margins: Margins) -> Margins:
    """Margins that grow where they are not 0, until the whole can be a latent."""
    width, height = margins.around(size)
    more = (-width % EIGHT, -height % EIGHT)
    return Margins(
        margins.left + (more[0] if not margins.right else 0),
        margins.top + (more[1] if not margins.bottom else 0),
        margins.right + (more[0] if margins.right else 0),
        margins.bottom + (more[1] if margins.bottom else 0),
    )


def _three(mask: Mask) -> Pixels:
    return np.repeat(mask[..., None], 3, axis=2)
