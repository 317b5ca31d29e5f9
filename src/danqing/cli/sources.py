"""Where an order's parameters may come from: a picture, a recipe or order in JSON, an infotext; a file or stdin."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import cast

from danqing.base.errors import DanqingError, ImageError, RecipeError
from danqing.base.foreign import read_texts
from danqing.base.infotext import read_infotext
from danqing.base.order import Order
from danqing.base.picture import Provenance
from danqing.base.recipe import recipe_of_json
from danqing.pixels.files import PictureMetadata, read_metadata
from danqing.prompt.swarm import has_swarm_tags, read_swarm
from danqing.studio.gallery import is_picture_name
from danqing.studio.story import story_in

STDIN = "-"
MOST_TEXT = 16 * 2**20
"""Bytes; a longer text is no infotext and no recipe."""


@dataclass(frozen=True)
class Source:
    """What was found: an order; for pictures of our own the whole provenance; for an infotext its keys and values."""

    order: Order
    provenance: Provenance | None = None
    infotext: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    exact: bool = False
    """Whether it is a recipe or an order of our own, whose models are meant to the letter."""


def read_source(name: str) -> Source:
    """The parameters in a file, or in what stdin gives for "-". Raises ImageError or RecipeError for anything else."""
    if name == STDIN:
        return _of_stdin(sys.stdin.buffer.read())
    path = Path(name).expanduser()
    if path.is_dir():
        raise RecipeError(f"{path} is a folder; name a picture, a recipe or an infotext file in it")
    try:
        with path.open("rb") as file:
            data = file.read(MOST_TEXT + 1)
    except FileNotFoundError as problem:
        raise RecipeError(f"there is no file {path}") from problem
    except OSError as problem:
        raise RecipeError(f"{path} can't be read ({problem.strerror}); mend its rights or name another") from problem
    # A file that calls itself a picture is held to it: its text would be taken for a prompt otherwise.
    pictured = is_picture(data) or is_picture_name(path)
    return _of_picture(read_metadata(path), path.name) if pictured else _of_text(data, path.name)


def _of_stdin(data: bytes) -> Source:
    if not is_picture(data):
        return _of_text(data, "stdin")
    with TemporaryDirectory() as folder:
        path = Path(folder, "stdin")
        path.write_bytes(data)
        return _of_picture(read_metadata(path), path.name)


def _of_text(data: bytes, name: str) -> Source:
    if not data.strip():
        raise RecipeError(f"{name} is empty; a picture, a recipe or an infotext is needed")
    if len(data) > MOST_TEXT or b"\0" in data[:4096]:
        raise ImageError(f"{name} is neither a picture that danqing can read nor a text with parameters")
    text = data.decode("utf-8-sig", errors="replace")
    if name.casefold().endswith(".json") and not text.lstrip().startswith("{"):
        raise RecipeError(f"{name} is no recipe: a JSON object is needed")
    # A prompt may begin with a brace too; JSON goes on with a quote.
    return _of_json(text, name) if re.match(r'\s*\{\s*["}]', text) else _of_infotext(text, name)


def is_picture(data: bytes) -> bool:
    """Whether it begins as PNG, JPEG, WebP or GIF does."""
    return data.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8")) or (
        data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    )


def _of_picture(metadata: PictureMetadata, name: str) -> Source:
    notes: tuple[str, ...] = ()
    if metadata.recipe_json:
        try:
            story = story_in(metadata.recipe_json)
        except DanqingError as problem:
            notes = (f"{name}: its recipe can't be used ({problem}); its infotext is read instead",)
        else:
            order = Order(recipe=story.recipe, left_to_model=())
            return Source(order, story.provenance, metadata.infotext or "", notes=notes, exact=True)
    if metadata.infotext:
        found = _of_infotext(metadata.infotext, name)
        return Source(found.order, None, found.infotext, found.fields, (*notes, *found.notes))
    foreign = read_texts(metadata.raw, metadata.size if all(metadata.size) else None)
    if foreign is not None:
        order, notes = without_swarm_tags(foreign.order)
        told = (*foreign.notes, *notes)
        return Source(order, None, "", foreign.fields, tuple(f"{name}: {one}" for one in told))
    found = f" (it has {', '.join(sorted(metadata.raw)[:5])})" if metadata.raw else ""
    raise ImageError(f"{name} holds no parameters that danqing can read{found}; say them, or name another picture")


def without_swarm_tags(order: Order) -> tuple[Order, tuple[str, ...]]:
    """The order with SwarmUI's tags said in danqing's language, and notes on those that can't be."""
    recipe = order.recipe
    if not any(has_swarm_tags(text) for text in (recipe.prompt, recipe.negative_prompt)):
        return order, ()
    prompt, negative = read_swarm(recipe.prompt), read_swarm(recipe.negative_prompt)
    changed = recipe.but(prompt=prompt.text, negative_prompt=negative.text, dialect="danqing")
    return order.but(recipe=changed, left_to_model=order.left_to_model), (*prompt.notes, *negative.notes)


def _of_infotext(text: str, name: str) -> Source:
    found = read_infotext(text)
    # A text without a seed means no certain picture: one is drawn, as for a prompt that was typed.
    order = (
        found.order
        if "Seed" in found.fields
        else found.order.but(seeds="random", left_to_model=found.order.left_to_model)
    )
    return Source(order, None, text, found.fields, tuple(f"{name}: {one}" for one in found.notes))


def _of_json(text: str, name: str) -> Source:
    try:
        data: object = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise RecipeError(f"{name} begins like a recipe, but is no JSON ({problem})") from problem
    inner = cast("dict[str, object]", data).get("recipe")
    if isinstance(inner, int):
        return Source(Order(recipe=recipe_of_json(text), left_to_model=()), exact=True)
    if isinstance(inner, dict) and isinstance(cast("dict[str, object]", inner).get("recipe"), int):
        story = story_in(text)
        return Source(Order(recipe=story.recipe, left_to_model=()), story.provenance, exact=True)
    return Source(Order.model_validate(data), exact=True)
