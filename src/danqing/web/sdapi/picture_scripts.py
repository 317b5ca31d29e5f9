"""A1111's scripts that begin with a picture: loopback, SD upscale and both outpaintings, as orders."""

from collections.abc import Mapping
from typing import Any

from danqing.base.errors import RecipeError
from danqing.base.order import Order
from danqing.base.parts import Tiled
from danqing.base.picture import Pixels
from danqing.base.picture_parts import InitImage
from danqing.base.refs import Use
from danqing.painting.following import sequence_of
from danqing.painting.outpainting import Outpaint, outpainted
from danqing.web.problems import Refused
from danqing.web.sdapi.alwayson import changed
from danqing.web.sdapi.asked import Arguments, Asked, Script, argument
from danqing.web.sdapi.requests import Painting
from danqing.web.sdapi.translate import Around, PictureStore, orders_of

CONTENTS = ("fill", "original", "latent noise", "latent nothing")
SIDES = ("left", "right", "up", "down")


def _loopback(request: Painting, arguments: Arguments, around: Around) -> Asked:
    """[loops, strength of the last one, its curve, whether to interrogate, which is not there yet]."""
    settings: dict[str, Any] = {
        "loops": argument(arguments, 0, 4),
        "final_denoising_strength": argument(arguments, 1, 0.5),
        "curve": argument(arguments, 2, "Linear"),
    }
    use = Use(name="loopback", settings=settings)
    sequence_of(use)  # wrong settings are said at once
    orders = orders_of(changed(request, {"batch_size": 1}), around)
    return Asked(tuple(_kept(order, follow=use) for order in orders))


def _sd_upscale(request: Painting, arguments: Arguments, around: Around) -> Asked:
    """[an empty word, pixels that tiles share, upscaler, factor]: the picture enlarged, and painted over in tiles of the size asked for.

    A1111 paints its tiles one after another and blends their borders; here they are laid together at every step.
    """
    factor = float(argument(arguments, 3, 2.0))
    orders: list[Order] = []
    for order in orders_of(request, around):
        init, pixels, _ = _picture(order, around)
        recipe = order.recipe.but(
            width=int(pixels.shape[1] * factor),
            height=int(pixels.shape[0] * factor),
            init=init.but(upscaler=_upscaler(argument(arguments, 2, "None")), resize_mode="just resize"),
            inpaint=None,
            tiled=Tiled(width=request.width, height=request.height, overlap=int(argument(arguments, 1, 64))),
        )
        orders.append(_kept(order, recipe=recipe))
    return Asked(tuple(orders))


def _mk2(request: Painting, arguments: Arguments, around: Around) -> Asked:
    """[an empty word, pixels, blur, directions, fall-off exponent, colour variation]."""
    noise = {"falloff": argument(arguments, 4, 1.0), "color_variation": argument(arguments, 5, 0.05)}
    more = {"ground": "noise", **noise}
    return _outpainted(request, around, argument(arguments, 3, SIDES), argument(arguments, 1, 128), more)


def _poor_mans(request: Painting, arguments: Arguments, around: Around) -> Asked:
    """[pixels, blur, masked content by its number, directions]."""
    content = argument(arguments, 2, "fill")
    named = CONTENTS[int(content)] if str(content).isdecimal() and int(content) < len(CONTENTS) else str(content)
    asked = _outpainted(request, around, argument(arguments, 3, SIDES), argument(arguments, 0, 128), {"ground": "edge"})
    orders: list[Order] = []
    for order in asked.orders:
        assert order.recipe.inpaint is not None
        inpaint = order.recipe.inpaint.but(content=named)
        orders.append(_kept(order, recipe=order.recipe.but(inpaint=inpaint)))
    return Asked(tuple(orders))


def _outpainted(request: Painting, around: Around, directions: Any, pixels: Any, more: Mapping[str, Any]) -> Asked:
    sides = [str(side).casefold() for side in ([directions] if isinstance(directions, str) else directions)]
    if unknown := [side for side in sides if side not in SIDES]:
        raise RecipeError(f"outpainting goes {', '.join(SIDES)}; found {unknown[0]!r}")
    how = Outpaint.model_validate({**dict.fromkeys(sides, int(pixels)), **more})
    orders: list[Order] = []
    for order in orders_of(request, around):
        init, picture, store = _picture(order, around)
        strength = how.but(denoising_strength=init.denoising_strength)
        orders.append(outpainted(order, picture, strength, store.keep))
    return Asked(tuple(orders))


def _picture(order: Order, around: Around) -> tuple[InitImage, Pixels, PictureStore]:
    """What the order begins with. Raises Refused when it begins with nothing."""
    if order.recipe.init is None or around.store is None:
        raise Refused(404, "Init image not found")
    return order.recipe.init, around.store.open(order.recipe.init.image), around.store


def _kept(order: Order, **changes: Any) -> Order:
    """The order with changes; what was left to the model stays so."""
    return order.but(**changes, left_to_model=order.left_to_model)


def _upscaler(name: Any) -> str:
    return "" if str(name).casefold() in ("none", "") else str(name)


PICTURE_SCRIPTS: Mapping[str, Script] = {
    "loopback": _loopback,
    "sd upscale": _sd_upscale,
    "outpainting mk2": _mk2,
    "poor man's outpainting": _poor_mans,
}
