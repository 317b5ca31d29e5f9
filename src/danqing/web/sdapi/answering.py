"""A1111's answer to txt2img and img2img: pictures as base64, sheets in front, and `info` with every key that its clients look for."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import danqing
from danqing.base.errors import ImageError
from danqing.base.infotext import read_infotext, tags_of
from danqing.base.job import Job
from danqing.base.order import Order
from danqing.base.picture import Pixels
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.base.seed import MAX_SEED
from danqing.painting.axes import axis_kind
from danqing.pixels.files import FORMATS, encode_picture, read_metadata, read_picture
from danqing.pixels.sheet import Cell, Legends, sheet
from danqing.studio.jobs import JsonObject
from danqing.studio.story import story_in
from danqing.web.sdapi.asked import Asked
from danqing.web.sdapi.requests import ImageToImage, Painting

KINDS = {"jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
"""Of the option samples_format; everything else is PNG, which keeps every pixel."""
OWN_KEYS = (
    "Prompt",
    "Negative prompt",
    "Steps",
    "Sampler",
    "CFG scale",
    "Seed",
    "Size-1",
    "Size-2",
    "Model",
    "Model hash",
    "VAE",
    "VAE hash",
    "Denoising strength",
    "Clip skip",
    "Variation seed",
    "Variation seed strength",
    "Version",
)
"""Keys of an infotext that `info` tells under names of their own."""


@dataclass(frozen=True)
class Finished:
    """A picture as it lies in its file."""

    data: bytes
    kind: str
    infotext: str
    recipe_json: str
    recipe: Recipe

    @property
    def pixels(self) -> Pixels:
        return read_picture(self.data)


@dataclass(frozen=True)
class Format:
    """How pictures are answered."""

    kind: str
    quality: int


def format_of(options: dict[str, Any]) -> Format:
    """What the options say."""
    return Format(KINDS.get(str(options["samples_format"]).lower(), "PNG"), int(options["jpeg_quality"]))


def finished_of(job: Job) -> dict[int, Finished]:
    """The pictures of a job by their numbers in the order. Raises ImageError when one has gone meanwhile."""
    return {int(told["number"]): _finished(told) for told in _told(job)}


def _told(job: Job) -> Sequence[dict[str, Any]]:
    pictures: Any = job.result.get("pictures", [])
    return pictures


def _finished(told: dict[str, Any]) -> Finished:
    path = Path(str(told["path"]))
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise ImageError(f"the picture {path.name} was taken away before it could be answered") from problem
    recipe_json = read_metadata(path).recipe_json or ""
    infotext = str(told["infotext"])
    recipe = story_in(recipe_json).recipe if recipe_json else read_infotext(infotext).order.recipe
    return Finished(data, FORMATS.get(path.suffix.lower(), "PNG"), infotext, recipe_json, recipe)


def answer_of(
    request: Painting, asked: Asked, jobs: Sequence[Job], options: dict[str, Any], family_of: Callable[[ModelRef], str]
) -> bytes:
    """The whole answer as JSON. Reads files and makes sheets: not for the event loop. `family_of` tells a checkpoint's family."""
    made = [finished_of(job) for job in jobs]
    pictures = [picture for each in made for _, picture in sorted(each.items())]
    how = format_of(options)
    sheets: list[Finished] = []
    if pictures:
        sheets = [_as_picture(pixels, pictures[0], how) for pixels in _sheets(request, asked, made, options)]
    shown = [*sheets, *(pictures if asked.alone or not sheets else ())]
    info = info_of(request, asked, pictures, [one.infotext for one in shown])
    info |= {"index_of_first_image": len(sheets)}
    if pictures:
        info |= {"is_using_inpainting_conditioning": family_of(pictures[0].recipe.model).endswith("inpaint")}
    answer = {
        "images": [_encoded(one, how) for one in shown] if request.send_images else [],
        "parameters": echo_of(request),
        "info": json.dumps(info),
    }
    return json.dumps(answer, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode()


def echo_of(request: Painting) -> JsonObject:
    """The request as A1111 gives it back: without the pictures, unless they were asked for."""
    said = request.model_dump(mode="json")
    said |= {"do_not_save_samples": not request.save_images, "do_not_save_grid": not request.save_images}
    if isinstance(request, ImageToImage) and not request.include_init_images:
        said |= {"init_images": None, "mask": None}
    return said


def _sheets(
    request: Painting, asked: Asked, made: Sequence[dict[int, Finished]], options: dict[str, Any]
) -> list[Pixels]:
    if asked.sheet == "axes":
        return _along_axes(asked.orders[0], made[0], legends=asked.legends)
    wanted = asked.sheet == "square" or (request.save_images and bool(options["return_grid"]))
    cells: list[Cell] = [picture.pixels for each in made for _, picture in sorted(each.items())]
    return [sheet(cells)] if wanted and len(cells) > 1 else []


def _along_axes(order: Order, made: dict[int, Finished], *, legends: bool) -> list[Pixels]:
    """A sheet a page: the last axis along its rows, the one before down its columns. Of a cell with several pictures the first is shown."""
    labels: list[tuple[str, ...]] = []
    for axis in order.axes:
        kind = axis_kind(axis.knob)
        labels.append(tuple(kind.label(value) for value in axis.values))
    pages, rows, columns = [*[("",)] * (3 - len(labels)), *labels]
    each = order.count * order.batch_size
    sheets: list[Pixels] = []
    for page, title in enumerate(pages):
        first = page * len(rows) * len(columns)
        numbers = ((first + place) * each for place in range(len(rows) * len(columns)))
        cells: list[Cell] = [made[number].pixels if number in made else None for number in numbers]
        if any(cell is not None for cell in cells):
            sheets.append(
                sheet(cells, columns=len(columns), legends=Legends(columns, rows, title) if legends else None)
            )
    return sheets


def _as_picture(pixels: Pixels, first: Finished, how: Format) -> Finished:
    """A sheet with the first picture's infotext, as A1111 writes it."""
    data, _ = encode_picture(pixels, how.kind, infotext=first.infotext, quality=how.quality)
    return replace(first, data=data, kind=how.kind)


def _encoded(picture: Finished, how: Format) -> str:
    data = picture.data
    if picture.kind != how.kind:
        data, _ = encode_picture(
            picture.pixels, how.kind, infotext=picture.infotext, recipe_json=picture.recipe_json, quality=how.quality
        )
    return base64.b64encode(data).decode()


def info_of(request: Painting, asked: Asked, pictures: Sequence[Finished], infotexts: Sequence[str]) -> dict[str, Any]:
    """A1111's `info`; `infotexts` belong to the images that are answered, sheets first."""
    recipes = [picture.recipe for picture in pictures]
    first = recipes[0] if recipes else asked.orders[0].recipe
    fields = dict(read_infotext(pictures[0].infotext).fields) if pictures else {}
    part = first.init or first.hires
    return {
        "prompt": _prompt(first),
        "all_prompts": [_prompt(recipe) for recipe in recipes],
        "negative_prompt": first.negative_prompt,
        "all_negative_prompts": [recipe.negative_prompt for recipe in recipes],
        "seed": first.seed,
        "all_seeds": [recipe.seed for recipe in recipes],
        "subseed": first.variation.seed,
        "all_subseeds": [_subseed(recipe, number) for number, recipe in enumerate(recipes)],
        "subseed_strength": first.variation.strength,
        "width": first.width,
        "height": first.height,
        "sampler_name": first.sampler,
        "cfg_scale": first.cfg_scale,
        "steps": first.steps,
        "batch_size": request.batch_size,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": first.model.name,
        "sd_model_hash": first.model.sha256[:10],
        "sd_vae_name": first.vae.name or None,
        "sd_vae_hash": first.vae.sha256[:10] or None,
        "seed_resize_from_w": first.variation.from_width or -1,
        "seed_resize_from_h": first.variation.from_height or -1,
        "denoising_strength": part.denoising_strength if part else None,
        "extra_generation_params": {key: value for key, value in fields.items() if key not in OWN_KEYS},
        "index_of_first_image": 0,
        "infotexts": list(infotexts),
        "styles": list(request.styles or ()),
        "job_timestamp": datetime.now().astimezone().strftime("%Y%m%d%H%M%S"),
        "clip_skip": first.clip_skip,
        "is_using_inpainting_conditioning": False,
        "version": f"danqing {danqing.__version__}",
    }


def _prompt(recipe: Recipe) -> str:
    """The prompt with its tags, as A1111 tells it."""
    return recipe.prompt + tags_of(recipe.loras, recipe.hypernets)


def _subseed(recipe: Recipe, number: int) -> int:
    """Where no variation is mixed in the recipe leaves the second seed alone, and A1111 counts it up all the same."""
    return recipe.variation.seed if recipe.variation.strength else (recipe.variation.seed + number) % (MAX_SEED + 1)
