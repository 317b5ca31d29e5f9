"""A picture's record: what the library knows of it without opening its file, and how a file is read into one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from danqing.base.errors import DanqingError
from danqing.base.foreign import read_texts
from danqing.base.infotext import read_infotext
from danqing.base.picture import Picture, Pixels
from danqing.base.recipe import Recipe
from danqing.pixels.files import PictureMetadata, read_metadata, read_picture
from danqing.prompt.tags import extract_tags
from danqing.studio.database import storable
from danqing.studio.jobs import JsonObject
from danqing.studio.likeness import likeness_of
from danqing.studio.sidecar import Marks
from danqing.studio.story import infotext_of, story_in
from danqing.studio.terms import Found, found_by

MOST_TEXT = 1_000_000
"""Letters of an infotext beside a picture."""
PLAIN_COLUMNS = (
    "id", "taken", "width", "height", "source", "prompt", "negative_prompt", "model", "seed", "recipe", "infotext",
    "digest", "order_digest", "order_number", "interrupted", "favourite", "rating", "trashed",
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """One picture of the library. `recipe` is JSON, "" where no recipe could be read; `source` says whose parameters they are:
    danqing, a1111 (and all that write its text), foreign (ComfyUI and others), none."""

    id: int
    path: Path
    taken: float
    width: int
    height: int
    source: str
    prompt: str
    negative_prompt: str
    model: str
    seed: int
    recipe: str
    infotext: str
    digest: str
    order_digest: str
    order_number: int
    interrupted: bool
    favourite: bool
    rating: int
    boards: tuple[str, ...]
    tags: tuple[str, ...]
    trashed: float | None
    """When it was put into the trash, seconds since 1970."""

    @property
    def marks(self) -> Marks:
        """What a person has said of it."""
        return Marks(favourite=self.favourite, rating=self.rating, boards=self.boards, tags=self.tags)

    def as_json(self) -> JsonObject:
        """For doors."""
        fields = {name: getattr(self, name) for name in PLAIN_COLUMNS}
        recipe = json.loads(self.recipe) if self.recipe else None
        return {
            **fields,
            "recipe": recipe,
            "path": str(self.path),
            "boards": list(self.boards),
            "tags": list(self.tags),
        }


def record_of_row(row: Row[Any], path: Path) -> Record:
    """The record in a row of `pictures`."""
    fields = {name: getattr(row, name) for name in PLAIN_COLUMNS}
    fields["seed"] = int(row.seed or 0)
    return Record(**fields, path=path, boards=tuple(json.loads(row.boards)), tags=tuple(json.loads(row.tags)))


@dataclass(frozen=True)
class Contents:
    """What a picture's file says: read once, when it comes into the library."""

    width: int
    height: int
    source: str
    prompt: str = ""
    negative_prompt: str = ""
    recipe: Recipe | None = None
    infotext: str = ""
    order_digest: str = ""
    order_number: int = 0
    interrupted: bool = False
    likeness: int | None = None

    def columns(self) -> dict[str, Any]:
        """For a row of `pictures`."""
        recipe = self.recipe
        return {
            "width": self.width,
            "height": self.height,
            "source": self.source,
            "prompt": storable(self.prompt),
            "negative_prompt": storable(self.negative_prompt),
            "model": storable(recipe.model.name) if recipe else "",
            "seed": str(recipe.seed) if recipe else "",
            "recipe": storable(recipe.to_json()) if recipe else "",
            "infotext": storable(self.infotext),
            "digest": recipe.digest if recipe else "",
            "order_digest": self.order_digest,
            "order_number": self.order_number,
            "interrupted": self.interrupted,
            "likeness": self.likeness,
        }

    def found_by(self, marks: Marks) -> Found:
        """The terms and numbers that lead to it."""
        return terms_of(
            self.prompt, self.recipe, marks, {"source": self.source, "interrupted": self.interrupted or None}
        )


def terms_of(prompt: str, recipe: Recipe | None, marks: Marks, more: Mapping[str, object]) -> Found:
    """What a picture with these marks is found by. Tags like <lora:ink:0.8> that still stand in its prompt count as what they name."""
    text, tags = extract_tags(prompt)
    said: dict[str, object] = {
        **more,
        "loras.model": [tag.name for tag in tags if tag.kind in ("lora", "lyco")],
        "hypernets.model": [tag.name for tag in tags if tag.kind == "hypernet"],
        "board": list(marks.boards),
        "tag": list(marks.tags),
        "favourite": marks.favourite or None,
        "rating": marks.rating or None,
    }
    found = found_by(" ".join((text, *marks.tags)), recipe, said)
    return Found(frozenset(map(storable, found.terms)), found.numbers)


def contents_of_picture(picture: Picture) -> Contents:
    """What there is to know of a picture that was just painted; its file needn't be read."""
    provenance = picture.provenance
    width, height = picture.size
    bare = Contents(
        width,
        height,
        "danqing",
        order_digest=provenance.order_digest,
        order_number=provenance.index,
        interrupted=provenance.interrupted,
        likeness=likeness_of(picture.pixels),
    )
    return _with_recipe(bare, provenance.recipe, "danqing", infotext_of(picture))


def contents_of_file(path: Path) -> Contents:
    """What a picture file says, whoever wrote it; A1111's text file beside it counts too. Raises ImageError for what is no picture."""
    metadata = read_metadata(path)
    pixels: Pixels | None = None
    try:
        pixels = read_picture(path)
    except DanqingError:  # cut short, say: its parameters are worth having all the same
        width, height = metadata.size
    else:
        height, width = pixels.shape[:2]
    likeness = likeness_of(pixels) if pixels is not None else None
    return _told(path, metadata, Contents(width, height, "none", likeness=likeness))


def _told(path: Path, metadata: PictureMetadata, bare: Contents) -> Contents:
    infotext = metadata.infotext or ("" if metadata.raw else _text_beside(path))
    if metadata.recipe_json:
        try:
            story = story_in(metadata.recipe_json)
        except DanqingError:  # of a later version, perhaps: its infotext says nearly as much
            pass
        else:
            provenance = story.provenance
            return replace(
                _with_recipe(bare, story.recipe, "danqing", infotext),
                order_digest=provenance.order_digest,
                order_number=provenance.index,
                interrupted=provenance.interrupted,
            )
    try:
        read = read_infotext(infotext) if infotext else read_texts(metadata.raw, metadata.size)
    except DanqingError:
        return replace(bare, prompt=infotext, infotext=infotext)
    return bare if read is None else _with_recipe(bare, read.order.recipe, "a1111" if infotext else "foreign", infotext)


def _with_recipe(bare: Contents, recipe: Recipe, source: str, infotext: str) -> Contents:
    prompt, negative_prompt = recipe.prompt, recipe.negative_prompt
    return replace(
        bare, source=source, recipe=recipe, infotext=infotext, prompt=prompt, negative_prompt=negative_prompt
    )


def _text_beside(path: Path) -> str:
    """A1111 can write the infotext into a text file of the same name."""
    try:
        with path.with_suffix(".txt").open(encoding="utf-8", errors="replace") as file:
            return file.read(MOST_TEXT)
    except OSError:
        return ""
