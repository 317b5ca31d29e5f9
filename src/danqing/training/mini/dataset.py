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

from danqing.base.errors import TrainingError
from danqing.prompt.tokens import Vocabulary, read_vocabulary
from danqing.training.mini.captions import english_captions
from danqing.training.mini.captions_cjk import foreign_caption
from danqing.training.mini.compose import Sprite, compose
from danqing.training.mini.content import Content, Person, content_of, json_of
from danqing.training.mini.grammar import EVERYTHING, JUDGING, TRAINING, AvatarOrder, Mix, draw_content
from danqing.training.mini.renders import Objects, install_renderers, render_avatars, render_objects, sprite_side
from danqing.training.mini.splits import is_unseen
from danqing.training.mini.world import SIZE, World, load_world
from danqing.weights.assets import asset

log = logging.getLogger(__name__)

Names = Mapping[str, Mapping[str, str]]

CAPTIONS = 4
"""Captions a picture: three English, and a Chinese, Korean or fourth English one."""
LENGTH = 77
FOREIGN_SHARE = 0.3
"""Share of the pictures whose last caption is Chinese or Korean."""


@dataclass(frozen=True)
class Split:
    """A part of the data set. `unseen`: None draws without looking at the held-out rule, else keeps only contents that
    do or don't break it. `mix`: what is drawn how often."""

    name: str
    size: int
    unseen: bool | None = False
    mix: Mix = TRAINING
    side: int = SIZE


SPLITS = (
    Split("validation", 600),
    Split("unseen", 600, unseen=True),
    Split("train", 32_000),
    Split("judge", 14_000, unseen=None, mix=EVERYTHING),
)
LARGE_SPLITS = (Split("large_validation", 48, mix=JUDGING, side=512), Split("large", 1200, mix=JUDGING, side=512))
"""What an upscaler learns from. Every style alike: the drawings of the 3d set are only 256 pixels wide."""


class Sprites(Protocol):
    """Where figures come from: node in earnest, drawn rectangles in tests."""

    @property
    def names(self) -> Names:
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
    def names(self) -> Names:
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


def caption_anew(work: Path, seed: int = 1, sprites: Sprites | None = None) -> list[str]:
    """Writes the captions of every split that stands, as the word lists are now; pictures and contents stay. Their
    names."""
    folder, world = work / "data", load_world()
    if sprites is None:
        sprites = RenderedSprites(install_renderers(work), folder, world)
    names = sorted(path.stem for path in folder.glob("*.jsonl") if (folder / f"{path.stem}_pictures.npy").exists())
    for name in names:
        _write_captions(folder, name, seed, world, read_split(work, name).contents, sprites.names)
        log.info("%s: captions written anew", name)
    return names


def read_split(work: Path, name: str) -> PictureSet:
    """A split that `build_dataset` made. Raises TrainingError when it isn't there."""
    folder = work / "data"
    if not (folder / f"{name}.jsonl").is_file():
        raise TrainingError(
            f"{folder} holds no pictures named {name!r}; build them first: danqing dataset mini --to {work}"
        )
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
    planned: list[tuple[Content, tuple[AvatarOrder, ...]]] = []
    while len(planned) < split.size:
        content, orders = draw_content(rng, world, split.mix)
        if split.unseen is None or is_unseen(content) == split.unseen:
            planned.append((content, orders))
    return planned


def caption(rng: Random, world: World, content: Content, names: Names) -> list[str]:
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
    _write_captions(folder, split.name, seed, world, [content for content, _ in planned], sprites.names)
    (folder / f"{split.name}.rgba").unlink(missing_ok=True)
    log.info("%s: %d pictures written", split.name, len(planned))


def _write_captions(
    folder: Path, name: str, seed: int, world: World, contents: Sequence[Content], names: Names
) -> None:
    """Each file aside and renamed: whoever has the old ones mapped goes on reading those."""
    rng = Random(f"{seed}/{name}/captions")
    said = [caption(rng, world, content, names) for content in contents]
    ids = encode(clip_vocabulary(), [text for texts in said for text in texts])
    part = folder / f"{name}_ids.part.npy"
    np.save(part, ids.reshape(len(said), CAPTIONS, LENGTH))
    part.replace(folder / f"{name}_ids.npy")
    # The listing comes last: a split without it counts as not built.
    listing = folder / f"{name}.jsonl.part"
    with listing.open("w", encoding="utf-8") as out:
        for content, texts in zip(contents, said, strict=True):
            out.write(json.dumps({"content": json_of(content), "captions": texts}, ensure_ascii=False) + "\n")
    listing.replace(folder / f"{name}.jsonl")


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
