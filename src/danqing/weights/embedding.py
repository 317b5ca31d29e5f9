"""Textual inversion: reads learned words out of every container they come in, and puts their vectors into a text encoder's input."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor, nn

from danqing.base.errors import ModelError
from danqing.weights.building import TextEncoder
from danqing.weights.model import DiffusionModel
from danqing.weights.tensorfile import TensorFile, open_tensors

PICTURE_CHUNK = "sd-ti-embedding"
"""The text chunk of a PNG in which A1111 hides an embedding: JSON in base64, tensors as lists."""
PICTURES = (".png", ".webp")
MOST_VECTORS = 75 * 8


@dataclass(frozen=True, eq=False)
class Embedding:
    """A learned word: one (vectors, width) float32 tensor for each text encoder it was trained with; `facts` as the file states them."""

    name: str
    vectors: tuple[Tensor, ...]
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def count(self) -> int:
        """Places that it fills in a prompt."""
        return self.vectors[0].shape[0]

    def vectors_for(self, model: DiffusionModel) -> tuple[Tensor, ...]:
        """Its vectors for each of the model's text encoders. Raises ModelError when it was trained for other widths."""
        wanted = [int(encoder.config.hidden_size) for encoder in model.text_encoders]
        by_width = {one.shape[1]: one for one in self.vectors}
        if not all(width in by_width for width in wanted):
            own = " and ".join(str(width) for width in by_width)
            needed = " and ".join(str(width) for width in wanted)
            raise ModelError(
                f"{self.name}: textual inversion for text {own} wide, but {model.name!r} ({model.family.title}) reads {needed}"
            )
        return tuple(by_width[width] for width in wanted)


def read_embedding(path: Path) -> Embedding:
    """An embedding from a safetensors file, a pickle or a picture. Raises ModelError when the file holds none."""
    if path.suffix.lower() in PICTURES:
        return _of_picture(path)
    file = open_tensors(path)
    names = list(file.header.tensors)
    if "clip_l" in names or "clip_g" in names:
        found = [file.tensor(name) for name in ("clip_l", "clip_g") if name in names]
    else:
        found = [_only(path, file, names)]
    return _checked(path, found, file.header.values)


def _only(path: Path, file: TensorFile, names: Sequence[str]) -> Tensor:
    """The one tensor of A1111's pickles, of kohya's safetensors, or of diffusers' files that name it by the word itself."""
    marked = [name for name in names if name == "emb_params" or name.startswith("string_to_param.")]
    if marked:
        return file.tensor(marked[0])
    if len(names) == 1:
        return file.tensor(names[0])
    raise ModelError(f"{path.name}: no textual inversion ({len(names)} tensors, none of them named as one)")


def _of_picture(path: Path) -> Embedding:
    try:
        with Image.open(path) as picture:
            text = picture.info.get(PICTURE_CHUNK)
    except (OSError, UnidentifiedImageError) as problem:
        raise ModelError(f"{path.name}: the picture can't be read") from problem
    if not isinstance(text, str):
        raise ModelError(f"{path.name}: there is no embedding in this picture (no text chunk {PICTURE_CHUNK!r})")
    try:
        data: Any = json.loads(base64.b64decode(text, validate=True))
        params = data["string_to_param"]
        stored = params.get("*", next(iter(params.values())))
        tensor = torch.tensor(stored["TORCHTENSOR"], dtype=torch.float32)
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, binascii.Error, RecursionError) as problem:
        raise ModelError(f"{path.name}: the embedding in this picture is damaged") from problem
    return _checked(path, [tensor], {key: value for key, value in data.items() if isinstance(value, str | int)})


def _checked(path: Path, found: Sequence[Tensor], facts: Mapping[str, Any]) -> Embedding:
    vectors = tuple(torch.atleast_2d(one.detach()).float() for one in found)
    shapes = ", ".join(str(list(one.shape)) for one in found)
    if any(one.ndim != 2 or not 0 < one.shape[0] <= MOST_VECTORS for one in vectors):
        raise ModelError(f"{path.name}: no textual inversion (its tensors are {shapes})")
    if len({one.shape[0] for one in vectors}) != 1:
        raise ModelError(f"{path.name}: its two halves have different numbers of vectors ({shapes})")
    return Embedding(path.stem, vectors, MappingProxyType(dict(facts)))


@contextmanager
def injected(encoder: TextEncoder, fills: Sequence[tuple[int, int, Tensor]]) -> Iterator[None]:
    """While it is open, the encoder reads `vectors` (n, width) from place `offset` of row `row` on instead of tokens: (row, offset, vectors).

    Vectors that would run beyond the row's end are cut.
    """
    table = encoder.get_input_embeddings()
    assert isinstance(table, nn.Module)

    def replace(_: nn.Module, __: Any, embedded: Tensor) -> Tensor:
        embedded = embedded.clone()
        for row, offset, vectors in fills:
            room = embedded.shape[1] - offset
            embedded[row, offset : offset + vectors.shape[0]] = vectors[:room].to(embedded)
        return embedded

    hook = table.register_forward_hook(replace)
    try:
        yield
    finally:
        hook.remove()
