"""`alwayson_scripts`: A1111's built-in scripts by their titles, laid into the request; of others, whether they ask for anything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from danqing.base.errors import RecipeError
from danqing.base.value import explain
from danqing.web.problems import NotYetError, Refused
from danqing.web.sdapi.requests import ImageToImage, Painting
from danqing.web.sdapi.titles import SELECTABLE

Arguments = Sequence[Any]
Apply = Callable[[Painting, Arguments], dict[str, Any]]


@dataclass(frozen=True)
class Extended:
    """A request with its scripts laid into it, and what they say that has no field there."""

    request: Painting
    soft_inpainting: tuple[Any, ...] | None = None
    """Numbers of base.picture_parts.SoftInpaint in their order; fewer leave the rest at their defaults."""
    dynamic_prompts: bool = False


@dataclass(frozen=True)
class AlwaysOn:
    """One script: which fields of the request its arguments set, and its arguments as GET /script-info tells them (label, value)."""

    apply: Apply
    labels: tuple[tuple[str, Any], ...] = ()
    img2img_only: bool = False


def _at(arguments: Arguments, place: int, default: Any) -> Any:
    """A1111 takes the script's own default where fewer arguments came, and cuts what is too much."""
    return arguments[place] if place < len(arguments) and arguments[place] is not None else default


def _nothing(request: Painting, arguments: Arguments) -> dict[str, Any]:
    return {}


def _refiner(request: Painting, arguments: Arguments) -> dict[str, Any]:
    if not _at(arguments, 0, False) or str(_at(arguments, 1, "")).casefold() in ("", "none"):
        return {}
    return {"refiner_checkpoint": str(arguments[1]), "refiner_switch_at": _at(arguments, 2, 0.8)}


def _seed(request: Painting, arguments: Arguments) -> dict[str, Any]:
    said = {"seed": _at(arguments, 0, request.seed)}
    if _at(arguments, 1, False):
        names = ("subseed", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h")
        said |= {name: _at(arguments, place, getattr(request, name)) for place, name in enumerate(names, start=2)}
    return said


def _sampler(request: Painting, arguments: Arguments) -> dict[str, Any]:
    return {
        "steps": _at(arguments, 0, request.steps),
        "sampler_name": _at(arguments, 1, request.sampler_name),
        "scheduler": _at(arguments, 2, request.scheduler),
    }


def _soft_inpainting(request: Painting, arguments: Arguments) -> dict[str, Any]:
    return {"soft_inpainting": tuple(arguments[1:7])} if _at(arguments, 0, False) else {}


def _dynamic_prompts(request: Painting, arguments: Arguments) -> dict[str, Any]:
    return {"dynamic_prompts": bool(_at(arguments, 0, False))}


def _hypertile(request: Painting, arguments: Arguments) -> dict[str, Any]:
    if any(argument is True for argument in arguments):
        raise NotYetError("this danqing has no hypertile yet; leave it out")
    return {}


BUILT_IN: Mapping[str, AlwaysOn] = MappingProxyType(
    {
        "refiner": AlwaysOn(_refiner, (("Refiner", False), ("Checkpoint", ""), ("Switch at", 0.8))),
        "seed": AlwaysOn(
            _seed,
            (
                ("Seed", -1),
                ("Extra", False),
                ("Variation seed", -1),
                ("Variation strength", 0),
                ("Resize seed from width", 0),
                ("Resize seed from height", 0),
            ),
        ),
        "sampler": AlwaysOn(
            _sampler, (("Sampling steps", 20), ("Sampling method", "DPM++ 2M"), ("Schedule type", "Automatic"))
        ),
        "soft inpainting": AlwaysOn(
            _soft_inpainting,
            (
                ("Soft inpainting", False),
                ("Schedule bias", 1),
                ("Preservation strength", 0.5),
                ("Transition contrast boost", 4),
                ("Mask influence", 0),
                ("Difference threshold", 0.5),
                ("Difference contrast", 2),
            ),
            img2img_only=True,
        ),
        "comments": AlwaysOn(_nothing),
        "extra options": AlwaysOn(_nothing),
        "hypertile": AlwaysOn(_hypertile),
        "dynamic prompts": AlwaysOn(_dynamic_prompts, (("Dynamic Prompts enabled", False),)),
    }
)
"""What danqing answers for by itself. "dynamic prompts" is that extension's title without its version: variants and wildcards."""


def _unit_asks(unit: object) -> bool:
    """Whether a ControlNet unit or an ADetailer dict wants something done."""
    if not isinstance(unit, Mapping):
        return False
    if "ad_model" in unit:
        return str(unit["ad_model"]).casefold() != "none" and bool(unit.get("ad_tab_enable", True))
    return bool(unit.get("enabled", False))


COMING = ("controlnet", "adetailer")
"""Extensions that are to come: that nothing is asked of them is understood, for clients say so with every request."""


def always_on(request: Painting) -> Extended:
    """The request with what its always-on scripts say laid into it.

    Raises Refused for a title that isn't known, NotYetError for an extension that is really asked for something.
    """
    said: dict[str, Any] = {}
    for title, body in request.alwayson_scripts.items():
        arguments = _arguments(title, body)
        said |= {} if _asks_nothing(title, arguments) else _script(title, request).apply(request, arguments)
    soft, dynamic = said.pop("soft_inpainting", None), said.pop("dynamic_prompts", False)
    return Extended(changed(request, said), soft, dynamic)


def changed(request: Painting, changes: Mapping[str, Any]) -> Painting:
    """The request with some fields said otherwise, checked again. Raises RecipeError."""
    kept = {name: getattr(request, name) for name in request.model_fields_set}
    try:
        return type(request).model_validate({**kept, **changes})
    except ValidationError as problem:
        raise RecipeError(explain(problem, type(request))) from problem


def _arguments(title: str, body: object) -> Arguments:
    arguments = body.get("args") if isinstance(body, Mapping) else body
    if not isinstance(body, Mapping) or not isinstance(arguments, list | type(None)):
        raise RecipeError(f'alwayson_scripts: {title[:80]!r} takes {{"args": [...]}}, found {str(body)[:60]}')
    return arguments or []


def _asks_nothing(title: str, arguments: Arguments) -> bool:
    """True for an extension of `COMING` that nothing is asked of. Raises NotYetError where something is."""
    name = title.strip().casefold()
    if name not in COMING:
        return False
    if any(_unit_asks(argument) for argument in arguments):
        raise NotYetError(f"this danqing has no {title} yet; leave it out of alwayson_scripts")
    return True


def _script(title: str, request: Painting) -> AlwaysOn:
    name = title.strip().casefold()
    name = "dynamic prompts" if name.startswith("dynamic prompts") else name
    if name in SELECTABLE:
        raise Refused(422, "Cannot have a selectable script in the always on scripts params")
    found = BUILT_IN.get(name)
    if found is None or (found.img2img_only and not isinstance(request, ImageToImage)):
        raise Refused(422, f"always on script {title[:80]} not found")
    return found
