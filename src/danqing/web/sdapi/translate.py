"""A1111's requests as orders. Pure: options, pictures and chance are passed in; nothing is looked up, stored or painted here."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.infotext_a1111 import old_first_pass
from danqing.base.infotext_read import model_of_title, read_infotext
from danqing.base.knobs import part_of
from danqing.base.order import Order
from danqing.base.picture import Pixels
from danqing.base.picture_parts import SoftInpaint
from danqing.base.protocols import Images
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef
from danqing.base.seed import MAX_SEED, picture_seeds
from danqing.base.value import Value
from danqing.diffusion.names import AUTOMATIC, SAMPLER_FACTS, SCHEDULE_NAMES, resolve_sampler
from danqing.prompt.tags import extract_tags
from danqing.web.problems import NotYetError, Refused
from danqing.web.sdapi.alwayson import Extended, always_on
from danqing.web.sdapi.options import DEFAULTS, MODEL, recipe_fields
from danqing.web.sdapi.requests import ImageToImage, Painting, TextToImage

log = logging.getLogger(__name__)

Fields = dict[str, object]

RESIZE_MODES = ("just resize", "crop and resize", "resize and fill", "latent upscale")
MASKED_CONTENTS = ("fill", "original", "latent noise", "latent nothing")
SAME = ("", "none", "use same checkpoint", "use same sampler", "use same scheduler")
PLAIN: Mapping[str, str] = MappingProxyType(
    {
        "prompt": "prompt",
        "negative_prompt": "negative_prompt",
        "steps": "steps",
        "cfg_scale": "cfg_scale",
        "width": "width",
        "height": "height",
        "subseed_strength": "variation.strength",
        "tiling": "tiling",
        "s_min_uncond": "guidance.skip_below_sigma",
        "s_churn": "sampling.churn",
        "s_tmin": "sampling.churn_from",
        "s_tmax": "sampling.churn_to",
        "s_noise": "sampling.noise",
        "image_cfg_scale": "guidance.image_scale",
        "refiner_switch_at": "refiner.switch_at",
    }
)
"""Fields that only change their name, by the recipe's dotted path."""
SEEDS: Mapping[str, str] = MappingProxyType({"seed": "seed", "subseed": "variation.seed"})
HIRES: Mapping[str, str] = MappingProxyType(
    {
        "hr_scale": "hires.upscale",
        "hr_second_pass_steps": "hires.steps",
        "hr_resize_x": "hires.width",
        "hr_resize_y": "hires.height",
        "hr_prompt": "hires.prompt",
        "hr_negative_prompt": "hires.negative_prompt",
        "denoising_strength": "hires.denoising_strength",
    }
)


class PictureStore(Images, Protocol):
    """A store of input pictures that takes more in."""

    def keep(self, pixels: Pixels, name: str = "") -> ImageRef:
        """Takes in pixels (H, W, 3|4)."""
        ...


@dataclass(frozen=True)
class Around:
    """What a request is read against: the options in force, its pictures by reference, a source of seeds, who knows checkpoints."""

    options: Mapping[str, Any]
    draw_seed: Callable[[], int]
    has_checkpoint: Callable[[str], bool]
    init_images: tuple[ImageRef, ...] = ()
    mask: ImageRef | None = None
    store: PictureStore | None = None
    """Where pictures are opened and kept, for scripts that make new ones of them."""


def options_of(request: Painting, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options in force for one request: defaults, what clients have set, what the request overrides."""
    return {**DEFAULTS, **options, **(request.override_settings or {})}


def orders_of(request: Painting, around: Around) -> tuple[Order, ...]:
    """The orders that a request means, in the order in which its pictures are answered.

    Raises Refused or NotYetError for what A1111 has and danqing hasn't, RecipeError for values out of range.
    """
    extended = always_on(request)
    request = extended.request
    _refuse_what_is_missing(extended, around)
    fields = _fields_of(request, around) | ({"dialect": "danqing"} if extended.dynamic_prompts else {})
    if extended.soft_inpainting is not None and "inpaint.mask" in fields:
        fields["inpaint.soft"] = dict(zip(SoftInpaint.model_fields, extended.soft_inpainting, strict=False))
    recipe = Recipe.model_validate(_nested(fields))
    order = Order(
        recipe=recipe,
        count=request.n_iter,
        batch_size=request.batch_size,
        styles=tuple(name for name in request.styles or () if name not in ("", "None")),
        left_to_model=(),
    )
    images = around.init_images if isinstance(request, ImageToImage) else ()
    return _one_each(order, images) if len(images) > 1 else (order,)


def _fields_of(request: Painting, around: Around) -> Fields:
    """Layer over layer: A1111's defaults, options, an infotext in the request, overridden options, what the request says."""
    said = request.model_fields_set
    unsaid = set(type(request).model_fields) - said
    told = _infotext_fields(request.infotext)
    hires = isinstance(request, TextToImage) and (request.enable_hr or ("enable_hr" not in said and "hires" in told))
    drawn: Fields = {"seed": around.draw_seed(), "variation.seed": around.draw_seed()}
    layers: tuple[Fields, ...] = (
        {"dialect": "a1111", **drawn},
        _said(request, unsaid, hires),
        recipe_fields({**DEFAULTS, **around.options}),
        {"model": _model(around.options.get(MODEL))},
        _flat(told),
        recipe_fields(request.override_settings or {}),
        _overridden_model(request, around),
        _said(request, said, hires),
        {path: _seed(getattr(request, name), drawn[path]) for name, path in SEEDS.items() if name in said},
    )
    fields: Fields = {}
    for layer in layers:
        fields |= layer
    fields["sampler"], fields["schedule"] = _sampler(request, fields)
    _settle_parts(fields, request, around, hires)
    _settle_prompts(fields, request, around)
    return fields


def _said(request: Painting, names: set[str], hires: bool) -> Fields:
    """Fields among `names` by their paths; a null leaves its field to the layers below."""
    tables = (PLAIN, HIRES) if hires else (PLAIN,)
    found: Fields = {
        path: getattr(request, name)
        for table in tables
        for name, path in table.items()
        if name in names and getattr(request, name) is not None
    }
    if "prompt" in found:
        found["dialect"] = "a1111"
    if "eta" in names and request.eta is not None:
        found["sampling.eta"] = found["sampling.eta_ddim"] = request.eta
    if "sampling.churn_to" in found and found["sampling.churn_to"] == float("inf"):
        found["sampling.churn_to"] = 0.0
    for name, path in (("seed_resize_from_w", "variation.from_width"), ("seed_resize_from_h", "variation.from_height")):
        if name in names:
            found[path] = max(0, getattr(request, name))
    if request.refiner_checkpoint is not None and "refiner_checkpoint" in names:
        none = request.refiner_checkpoint.casefold() in SAME
        found["refiner.model"] = _model("" if none else request.refiner_checkpoint)
    if isinstance(request, TextToImage) and hires:
        found |= _said_of_hires(request, names)
    if isinstance(request, ImageToImage):
        found |= _said_of_image(request, names)
    return found


def _said_of_hires(request: TextToImage, names: set[str]) -> Fields:
    found: Fields = {}
    if "hr_upscaler" in names:
        # A1111's upscaler "None" leaves enlarging to Pillow's Lanczos, which is what "Lanczos" does too.
        found["hires.upscaler"] = {None: "Latent", "None": "Lanczos"}.get(request.hr_upscaler, request.hr_upscaler)
    for name, path in (("hr_sampler_name", "hires.sampler"), ("hr_scheduler", "hires.schedule")):
        value = getattr(request, name)
        if name in names and value is not None:
            found[path] = "" if value.casefold() in (*SAME, "automatic") else value
    if "hr_checkpoint_name" in names and request.hr_checkpoint_name is not None:
        same = request.hr_checkpoint_name.casefold() in SAME
        found["hires.model"] = _model("" if same else request.hr_checkpoint_name)
    return found


def _said_of_image(request: ImageToImage, names: set[str]) -> Fields:
    found: Fields = {}
    if "denoising_strength" in names:
        found["init.denoising_strength"] = request.denoising_strength
    if "resize_mode" in names:
        found["init.resize_mode"] = _choice("resize_mode", request.resize_mode, RESIZE_MODES)
    if "initial_noise_multiplier" in names and request.initial_noise_multiplier is not None:
        found["init.noise_multiplier"] = request.initial_noise_multiplier
    for name, path in (("mask_blur_x", "inpaint.blur_x"), ("mask_blur_y", "inpaint.blur_y")):
        if request.mask_blur is not None:
            found[path] = request.mask_blur
        elif name in names:
            found[path] = getattr(request, name)
    if "inpainting_fill" in names:
        found["inpaint.content"] = _choice("inpainting_fill", request.inpainting_fill, MASKED_CONTENTS)
    if "inpaint_full_res" in names:
        found["inpaint.area"] = "only masked" if request.inpaint_full_res else "whole picture"
    if "inpaint_full_res_padding" in names:
        found["inpaint.padding"] = request.inpaint_full_res_padding
    if "inpainting_mask_invert" in names:
        found["inpaint.invert"] = request.inpainting_mask_invert != 0
    return found


def _seed(given: int, drawn: object) -> object:
    return drawn if given < 0 else given


def _sampler(request: Painting, fields: Fields) -> tuple[str, str]:
    """Sampler and schedule by their proper names. An unknown schedule counts as Automatic, as in A1111; an unknown sampler is refused."""
    said = request.model_fields_set
    name = request.sampler_name or request.sampler_index
    schedule = request.scheduler or AUTOMATIC
    if "sampler" in fields and not said & {"sampler_name", "sampler_index"}:  # an infotext named it
        name = str(fields["sampler"])
    if "schedule" in fields and "scheduler" not in said:
        schedule = str(fields["schedule"])
    try:
        return resolve_sampler(name, schedule if schedule in SCHEDULE_NAMES else AUTOMATIC)
    except RecipeError as problem:
        raise Refused(400, "Sampler not found", problem) from problem


def _settle_parts(fields: Fields, request: Painting, around: Around, hires: bool) -> None:
    """Parts that stand or fall as a whole: without what carries them their fields go."""
    if not hires:
        _drop(fields, "hires")
    elif isinstance(request, TextToImage):
        _settle_hires(fields, request)
    if fields.get("refiner.model", _model("")) == _model("") or "refiner.switch_at" not in fields:
        _drop(fields, "refiner")
    _drop_without(fields, "init", around.init_images[:1])
    _drop_without(fields, "inpaint", (around.mask,) if around.init_images and around.mask else ())


def _settle_hires(fields: Fields, request: TextToImage) -> None:
    if request.firstphase_width or request.firstphase_height:
        size = request.width, request.height
        fields["hires.width"], fields["hires.height"] = size
        first = request.firstphase_width, request.firstphase_height
        fields["width"], fields["height"] = old_first_pass(*size) if 0 in first else first
    sampler = fields.get("hires.sampler")
    if sampler and str(sampler) not in SAMPLER_FACTS:
        try:
            fields["hires.sampler"], fields["hires.schedule"] = resolve_sampler(str(sampler))
        except RecipeError as problem:
            raise Refused(400, "Sampler not found", problem) from problem
    if fields.get("hires.schedule") and fields["hires.schedule"] not in SCHEDULE_NAMES:
        fields["hires.schedule"] = ""


def _settle_prompts(fields: Fields, request: Painting, around: Around) -> None:
    strip = bool(options_of(request, around.options)["enable_prompt_comments"])
    for path in ("prompt", "negative_prompt", "hires.prompt", "hires.negative_prompt"):
        if path not in fields:
            continue
        text = str(fields[path])
        text = without_comments(text) if strip else text
        fields[path] = extract_tags(text)[0] if request.disable_extra_networks else text


def without_comments(text: str) -> str:
    """A prompt without what stands behind a `#`, and without lines that hold nothing else."""
    if "#" not in text:
        return text
    lines = (line.partition("#") for line in text.split("\n"))
    return "\n".join(before for before, sign, _ in lines if before or not sign)


def _infotext_fields(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        order = read_infotext(text).order
    except DanqingError as problem:
        raise Refused(422, f"infotext: {problem}", problem) from problem
    return order.recipe.model_dump(exclude_unset=True)


def _overridden_model(request: Painting, around: Around) -> Fields:
    named = (request.override_settings or {}).get(MODEL)
    if not named:
        return {}
    if not around.has_checkpoint(str(named)):
        log.warning("override_settings: no checkpoint named %r; the usual one is taken", str(named)[:80])
        return {}
    return {"model": _model(named)}


def _model(title: object) -> dict[str, str]:
    return model_of_title(str(title or "")).model_dump()


def _choice(name: str, index: int, words: tuple[str, ...]) -> str:
    if not 0 <= index < len(words):
        listed = ", ".join(f"{number} ({word})" for number, word in enumerate(words))
        raise RecipeError(f"{name} must be one of {listed}; found {index}")
    return words[index]


def _flat(said: Mapping[str, Any], model: type[Value] = Recipe, prefix: str = "") -> Fields:
    """Dotted paths of a recipe's fields; parts are walked, references and lists stay whole."""
    found: Fields = {}
    for name, value in said.items():
        part = part_of(model.model_fields[name].annotation)
        if part is not None and isinstance(value, dict):
            found |= _flat(value, part, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def _nested(fields: Fields) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in fields.items():
        *parts, last = path.split(".")
        place = nested
        for part in parts:
            place = place.setdefault(part, {})
        place[last] = value
    return nested


def _drop(fields: Fields, part: str) -> None:
    for path in [path for path in fields if path.startswith(f"{part}.")]:
        del fields[path]


def _drop_without(fields: Fields, part: str, refs: tuple[ImageRef, ...]) -> None:
    if refs:
        fields["init.image" if part == "init" else "inpaint.mask"] = refs[0].model_dump()
    else:
        _drop(fields, part)


def _one_each(order: Order, images: tuple[ImageRef, ...]) -> tuple[Order, ...]:
    """An order a picture, where each picture of a batch starts from another one; seeds go on as over one order."""
    if len(images) > order.batch_size:
        raise Refused(
            422, f"bad number of images passed: {len(images)}; expecting {order.batch_size} or less", RuntimeError()
        )
    recipe = order.recipe
    varied = recipe.variation.strength > 0
    orders: list[Order] = []
    for index in range(order.count * len(images)):
        seed, second = picture_seeds(recipe.seed, recipe.variation.seed, index, order.seeds, varied)
        init = recipe.init.but(image=images[index % len(images)]) if recipe.init else None
        one = recipe.but(seed=seed % (MAX_SEED + 1), variation=recipe.variation.but(seed=second), init=init)
        orders.append(order.but(recipe=one, count=1, batch_size=1, left_to_model=()))
    return tuple(orders)


def _refuse_what_is_missing(extended: Extended, around: Around) -> None:
    request = extended.request
    options = options_of(request, around.options)
    restore = options["face_restoration"] if request.restore_faces is None else request.restore_faces
    missing = {"restore_faces": restore, "firstpass_image": request.firstpass_image}
    if isinstance(request, ImageToImage):
        hard = extended.soft_inpainting is None  # soft inpainting leaves the mask unrounded of its own accord
        missing |= {"latent_mask": request.latent_mask, "mask_round=false": hard and not request.mask_round}
    for name, asked in missing.items():
        if asked:
            raise NotYetError(f"this danqing has no {name} yet; leave it out")
