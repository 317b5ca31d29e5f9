"""Builds the embedded model's data set in a work folder and reads it back. Equal seeds and sizes give equal
pictures."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from danqing.prompt.tokens import Vocabulary, read_vocabulary
from danqing.training.mini.captions import english_captions
from danqing.training.mini.captions_cjk import foreign_caption
from danqing.training.mini.compose import Sprite, compose
from danqing.training.mini.content import Content, Person, content_of, json_of
from danqing.training.mini.grammar import EVERYTHING, TRAINING, AvatarOrder, draw_content
from danqing.training.mini.renders import Objects, install_renderers, render_avatars, render_objects, sprite_side
from danqing.training.mini.splits import is_unseen
from danqing.training.mini.world import SIZE, World, load_world
from danqing.weights.assets import asset

log = logging.getLogger(__name__)

CAPTIONS = 4
"""Captions a picture: three English, and a Chinese, Korean or fourth English one."""
LENGTH = 77
FOREIGN_SHARE = 0.3
"""Share of the pictures whose last caption is Chinese or Korean."""


@dataclass(frozen=True)
class Split:
    """A part of the data set. `unseen`: None draws without looking at the held-out rule, else keeps only contents that
    do or don't break it."""

    name: str
    size: int
    unseen: bool | None = False
    everything: bool = False
    side: int = SIZE


SPLITS = (
    Split("validation", 600),
    Split("unseen", 600, unseen=True),
    Split("train", 32_000),
    Split("judge", 14_000, unseen=None, everything=True),
)
EXTRA_SPLITS = (Split("large", 800, side=512),)
"""Built when asked for: pictures that an upscaler learns from."""


class Sprites(Protocol):
    """Where figures come from: node in earnest, drawn rectangles in tests."""

    @property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """Language -> caption noun -> name."""
        ...

    def avatars(self, split: Split, orders: Sequence[AvatarOrder]) -> NDArray[np.uint8]:
        """Premultiplied RGBA of each order, large enough for the split's pictures. (N, h, h, 4)."""
        ...

    def things(self, split: Split) -> Callable[[str, str], Sprite]:
        """(noun, style) -> premultiplied RGBA of an object, large enough for the split's pictures. (h, h, 4)."""
        ...


@dataclass(frozen=True)
class RenderedSprites:
    """Sprites drawn by node within the work folder."""

    node: Path
    folder: Path
    world: World

    @property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """Language -> caption noun -> name."""
        return self._objects(SIZE).names

    def avatars(self, split: Split, orders: Sequence[AvatarOrder]) -> NDArray[np.uint8]:
        """Draws them; takes a few milliseconds each."""
        return render_avatars(self.node, orders, sprite_side(split.side), self.folder / f"{split.name}.rgba")

    def things(self, split: Split) -> Callable[[str, str], Sprite]:
        """From a sheet that is drawn once for each size."""
        return self._objects(split.side).sprite

    def _objects(self, side: int) -> Objects:
        return render_objects(self.node, self.world, sprite_side(side), self.folder)


@dataclass(frozen=True)
class PictureSet:
    """One split, mapped from disk. pictures (N, 128, 128, 3) uint8; ids (N, CAPTIONS, 77) uint16."""

    pictures: NDArray[np.uint8]
    ids: NDArray[np.uint16]
    contents: tuple[Content, ...]
    captions: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.contents)


def build_dataset(
    work: Path, splits: Sequence[Split] = SPLITS, seed: int = 1, sprites: Sprites | None = None, processes: int = 2
) -> Path:
    """The folder with every split; one that stands there already is left as it is."""
    folder = work / "data"
    folder.mkdir(parents=True, exist_ok=True)
    world = load_world()
    if sprites is None:
        node = install_renderers(work)
        sprites = RenderedSprites(node, folder, world)
    for split in splits:
        if not (folder / f"{split.name}.jsonl").exists():
            _build_split(folder, split, seed, world, sprites, processes)
    return folder


def read_split(work: Path, name: str) -> PictureSet:
    """A split that `build_dataset` made."""
    folder = work / "data"
    lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    return PictureSet(
        np.load(folder / f"{name}_pictures.npy", mmap_mode="r"),
        np.load(folder / f"{name}_ids.npy", mmap_mode="r"),
        tuple(content_of(line["content"]) for line in lines),
        tuple(tuple(line["captions"]) for line in lines),
    )


def plan_split(world: World, split: Split, seed: int) -> list[tuple[Content, tuple[AvatarOrder, ...]]]:
    """What the pictures of a split show, before anything is drawn."""
    rng = Random(f"{seed}/{split.name}")
    mix = EVERYTHING if split.everything else TRAINING
    planned: list[tuple[Content, tuple[AvatarOrder, ...]]] = []
    while len(planned) < split.size:
        content, orders = draw_content(rng, world, mix)
        if split.unseen is None or is_unseen(content) == split.unseen:
            planned.append((content, orders))
    return planned


def caption(rng: Random, world: World, content: Content, names: Mapping[str, Mapping[str, str]]) -> list[str]:
    """CAPTIONS captions of a content."""
    said = english_captions(rng, world, content)
    if names and rng.random() < FOREIGN_SHARE:
        said.append(foreign_caption(rng, world, content, names))
    else:
        said.append(english_captions(rng, world, content)[1])
    return said


def encode(vocabulary: Vocabulary, texts: Sequence[str]) -> NDArray[np.uint16]:
    """Token ids between start and end, padded with end as Stable Diffusion pads. (len(texts), 77)."""
    ids = np.full((len(texts), LENGTH), vocabulary.end, np.uint16)
    for row, tokens in enumerate(vocabulary.encode_all(texts)):
        kept = tokens[: LENGTH - 2]
        ids[row, : len(kept) + 1] = [vocabulary.start, *kept]
    return ids


def clip_vocabulary() -> Vocabulary:
    """The vocabulary that ships with danqing."""
    return read_vocabulary(asset("tokenizer", "vocab.json"), asset("tokenizer", "merges.txt"))


@dataclass(frozen=True)
class _Drawing:
    """All that one picture needs, for the worker processes."""

    world: World
    seed: str
    planned: Sequence[tuple[Content, tuple[AvatarOrder, ...]]]
    first_avatar: Sequence[int]
    avatars: NDArray[np.uint8]
    thing: Callable[[str, str], Sprite]
    side: int

    def paint(self, bounds: tuple[int, int]) -> NDArray[np.uint8]:
        """The pictures from the first index to before the second."""
        return np.stack([self._one(index) for index in range(*bounds)])

    def _one(self, index: int) -> NDArray[np.uint8]:
        content = self.planned[index][0]
        avatar = self.first_avatar[index]
        sprites: list[Sprite] = []
        for figure in content.figures:
            if isinstance(figure, Person):
                sprites.append(self.avatars[avatar])
                avatar += 1
            else:
                sprites.append(self.thing(figure.noun, figure.style))
        return compose(Random(f"{self.seed}/{index}"), self.world, content, sprites, self.side)


def _build_split(folder: Path, split: Split, seed: int, world: World, sprites: Sprites, processes: int) -> None:
    planned = plan_split(world, split, seed)
    orders = [order for _, some in planned for order in some]
    starts = np.cumsum([0, *(len(some) for _, some in planned)]).tolist()
    avatars = sprites.avatars(split, orders)
    log.info("%s: %d avatars drawn", split.name, len(orders))
    drawing = _Drawing(
        world, f"{seed}/{split.name}/pixels", planned, starts, avatars, sprites.things(split), split.side
    )
    _write_pictures(folder / f"{split.name}_pictures.npy", drawing, processes)
    rng = Random(f"{seed}/{split.name}/captions")
    names = sprites.names
    said = [caption(rng, world, content, names) for content, _ in planned]
    ids = encode(clip_vocabulary(), [text for texts in said for text in texts])
    np.save(folder / f"{split.name}_ids.npy", ids.reshape(len(said), CAPTIONS, LENGTH))
    # The listing comes last: a split without it counts as not built.
    listing = folder / f"{split.name}.jsonl.part"
    with listing.open("w", encoding="utf-8") as out:
        for (content, _), texts in zip(planned, said, strict=True):
            out.write(json.dumps({"content": json_of(content), "captions": texts}, ensure_ascii=False) + "\n")
    listing.replace(folder / f"{split.name}.jsonl")
    (folder / f"{split.name}.rgba").unlink(missing_ok=True)
    log.info("%s: %d pictures written", split.name, len(planned))


def _write_pictures(path: Path, drawing: _Drawing, processes: int) -> None:
    count = len(drawing.planned)
    pictures = np.lib.format.open_memmap(path, "w+", np.uint8, (count, drawing.side, drawing.side, 3))
    blocks = [(start, min(start + 250, count)) for start in range(0, count, 250)]
    if processes <= 1:
        for block in blocks:
            pictures[slice(*block)] = drawing.paint(block)
    else:
        # Forked: the workers share the avatars' pages instead of receiving copies.
        with ProcessPoolExecutor(processes, get_context("fork"), _adopt, (drawing,)) as pool:
            for block, painted in zip(blocks, pool.map(_paint_adopted, blocks), strict=True):
                pictures[slice(*block)] = painted
    pictures.flush()


_adopted: list[_Drawing] = []


def _adopt(drawing: _Drawing) -> None:
    _adopted[:] = [drawing]


def _paint_adopted(block: tuple[int, int]) -> NDArray[np.uint8]:
    return _adopted[0].paint(block)
