"""A Midjourney command to orders: what its parameters mean for a recipe, and in words what they can't mean here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from danqing.base.order import Order
from danqing.base.recipe import Recipe
from danqing.prompt.midjourney import Imagine, permutations, read_imagine

STEPS: Mapping[float, int] = MappingProxyType({0.25: 8, 0.5: 12, 1: 20, 2: 30, 4: 40})
WITHOUT_EFFECT: Mapping[str, str] = MappingProxyType(
    {
        "chaos": "every picture has a seed of its own already",
        "weird": "there is nothing like it here",
        "version": "choose the model with --model",
        "niji": "choose an anime checkpoint with --model",
        "style": "a style is a matter of the model and the prompt here",
        "profile": "a profile stays with Midjourney",
        "stop": "lower the steps instead",
        "video": "pictures only",
        "mode": "pictures are painted on your own machine",
        "visibility": "your pictures are yours alone",
        "draft": "lower the steps instead",
        "exp": "there is nothing like it here",
        "image_weight": "give the picture to `danqing paint --init-image`",
        "style_reference": "use an IP-Adapter",
        "style_weight": "use an IP-Adapter",
        "character_reference": "use an IP-Adapter or a LoRA of the character",
        "character_weight": "use an IP-Adapter or a LoRA of the character",
        "object_reference": "use an IP-Adapter",
        "object_weight": "use an IP-Adapter",
    }
)


@dataclass(frozen=True)
class Imagined:
    """The orders of a command, one a permutation, and notes on what was left out or read in a way of our own."""

    orders: tuple[Order, ...]
    notes: tuple[str, ...]


def imagined(command: str, side: int = 512, pictures: int = 4) -> Imagined:
    """What `/imagine` asks for, on a model that paints `side` x `side` natively; a command makes four pictures, as
    there. Raises PromptError for a command that can't be read.
    """
    read = [read_imagine(text) for text in permutations(command)]
    orders = tuple(_order(one, side, pictures) for one in read)
    return Imagined(orders, tuple(dict.fromkeys(note for one in read for note in _notes(one))))


def size_of(aspect: str, side: int) -> tuple[int, int]:
    """(width, height) of about side² pixels in the ratio "W:H", in steps of 64, of 8 for models that paint smaller than
    512."""
    across, down = (int(number) for number in aspect.split(":"))
    step = 64 if side >= 512 else 8
    width = side * math.sqrt(across / down)
    return max(step, round(width / step) * step), max(step, round(side * side / width / step) * step)


def cfg_of(stylize: int) -> float:
    """Less stylised keeps closer to the words: 9 at 0, 7 at Midjourney's default of 100, 3 at 1000."""
    return round(9 - stylize / 50 if stylize <= 100 else 7 - (stylize - 100) / 225, 1)


def _order(one: Imagine, side: int, pictures: int) -> Order:
    params = one.params
    fields: dict[str, Any] = {"prompt": one.text, "dialect": "midjourney"}
    if "no" in params:
        fields["negative_prompt"] = ", ".join(cast(tuple[str, ...], params["no"]))
    if "aspect" in params:
        fields["width"], fields["height"] = size_of(str(params["aspect"]), side)
    if "stylize" in params:
        fields["cfg_scale"] = cfg_of(int(cast(int, params["stylize"])))
    if "quality" in params:
        fields["steps"] = STEPS[float(cast(float, params["quality"]))]
    if "tile" in params:
        fields["tiling"] = True
    seed = params.get("seed", params.get("sameseed"))
    if seed is not None:
        fields["seed"] = int(cast(int, seed))
    count = pictures * int(cast(int, params.get("repeat", 1)))
    seeds = "same" if "sameseed" in params else "random" if seed is None else "increasing"
    return Order(recipe=Recipe(**fields), count=count, seeds=seeds)


def _notes(one: Imagine) -> list[str]:
    notes = [
        f"{name.replace('_', ' ')} has no effect: {why}" for name, why in WITHOUT_EFFECT.items() if name in one.params
    ]
    if one.image_prompts:
        notes.append("image prompts are not fetched: give the picture to `danqing paint --init-image`")
    if "no" in one.params:
        notes.append("--no became the negative prompt")
    if len(one.parts) > 1:
        notes.append("the parts between :: are painted together like AND, their weights brought to a sum of 1")
    return notes
