"""The studio: one home folder with everything in it wired together. Networks are loaded when something is painted."""

import logging
import os
import random
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from danqing.base.errors import ModelError, RecipeError
from danqing.base.order import Order
from danqing.base.picture import Picture, Provenance
from danqing.base.progress import Watch, Within, just_go_on
from danqing.base.recipe import Recipe
from danqing.base.seed import RANDOM_SEEDS
from danqing.painting.check import Complaint, check
from danqing.painting.expand import expand, settle_seed
from danqing.painting.following import follow_of, sequence_of
from danqing.studio.assets import ImageStore
from danqing.studio.catalog import FolderCatalog
from danqing.studio.gallery import Announce, Clock, Gallery
from danqing.studio.home import Home, ModelFolder, default_home, model_folders
from danqing.studio.phrases import read_phrases
from danqing.studio.settings import COMMAND_LINE, LoadedSettings, Settings, load_settings
from danqing.weights.assets import embedded_model, embedded_upscalers
from danqing.weights.families import FAMILIES, Families
from danqing.weights.hashes import HashCache

if TYPE_CHECKING:
    from danqing.painting.engine import Engine

log = logging.getLogger(__name__)

GIGABYTE = 1024**3
PIECE = 256
"""Recipes of an order that are laid out at a time."""


@dataclass(frozen=True)
class Kept:
    """A finished picture and the file it lies in."""

    picture: Picture
    path: Path


def today() -> datetime:
    """Now, in the zone of the machine: the day that a folder of pictures is named after."""
    return datetime.now().astimezone()


class Studio:
    """One home folder, its settings, models, input images and gallery. Two studios don't know of each other."""

    def __init__(
        self,
        home: Path | str | None = None,
        *,
        settings: Mapping[str, object] = MappingProxyType({}),
        environment: Mapping[str, str] = os.environ,
        clock: Clock = today,
        families: Families = FAMILIES,
    ) -> None:
        """`settings` lie over the variables in `environment`, these over the home's settings.json.

        Without a home it is that of DANQING_HOME, else ~/danqing.
        """
        root = Path(home).expanduser() if home is not None else default_home(environment)
        self.home = Home(root.absolute())
        self.loaded: LoadedSettings = load_settings(self.home.settings_file, environment, settings)
        installs, self.notes = self._installs()
        self.catalog = FolderCatalog(
            [*model_folders(self.home, installs), ModelFolder(embedded_upscalers(), "upscaler")],
            HashCache(self.home.cache / "hashes.json"),
            embedded=embedded_model(),
            default_model=self.settings.default_model,
            families=families,
        )
        self.images = ImageStore(self.home.inputs)
        self.gallery = Gallery(self.home.root / Path(self.settings.outputs).expanduser(), self.settings, clock)
        self._engine: Engine | None = None

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    def _installs(self) -> tuple[list[Path], tuple[str, ...]]:
        """The installs that are there, and notes. One that is remembered may lie on a disk that isn't plugged in."""
        named = [Path(path).expanduser() for path in self.settings.models_from]
        missing = [path for path in named if not path.is_dir()]
        sentences = [
            f"models_from: there is no folder {path}; give that of an A1111 or ComfyUI install" for path in missing
        ]
        if missing and self.loaded.sources["models_from"] == COMMAND_LINE:
            raise ModelError(sentences[0])
        return [path for path in named if path not in missing], (*self.loaded.notes, *sentences)

    def engine(self) -> "Engine":
        """The engine for the settings' device and dtype; made once, for it keeps models alive. Raises HardwareError."""
        if self._engine is None:
            from danqing.painting.engine import Engine
            from danqing.weights.place import choose_place

            budget = int(self.settings.memory_budget * GIGABYTE) or None
            asked = self.settings
            place = choose_place(asked.device, asked.dtype, asked.low_memory, compiled=asked.compile)
            self._engine = Engine(self.catalog, place, budget, images=self.images)
        return self._engine

    def check(self, order: Order) -> tuple[Complaint, ...]:
        """What is wrong with an order, or unwise; fatal complaints first."""
        return check(order, self.catalog, self.images)

    def paint(
        self,
        order: Order,
        watch: Watch = just_go_on,
        *,
        to: Path | None = None,
        already: Set[int] = frozenset(),
        announce: Announce | None = None,
    ) -> Iterator[Kept]:
        """Pictures of an order, each kept as soon as it is done; `to` is a folder or file to write to instead.

        Numbers that are `already` there are left out; `announce` is told of a picture before its file appears.
        Refuses at once what could not be painted or kept: RecipeError, ModelError, FileWriteError, HardwareError.
        """
        settled = self.settle(order)
        self.gallery.check_writable(to)
        from danqing.painting.engine import Origin

        # A piece at a time: an order may ask for a million pictures. Whole batches, so that pieces don't show.
        size = max(1, PIECE // settled.batch_size) * settled.batch_size
        recipes = expand(settled, self.catalog, read_phrases(self.home))
        begun = 0
        if settled.follow is not None:
            keep = partial(self.gallery.keep, to=to, announce=announce)
            yield from self._follow(settled, recipes, watch, keep, already)
            return
        while piece := list(islice(recipes, size)):
            for start, end in _missing(begun, len(piece), settled.batch_size, already):
                origin = Origin(settled.digest, begun + start)
                watched = Within(watch, begun + start, settled.pictures)
                run = piece[start:end]
                for picture in self.engine().paint(run, watched, batch_size=settled.batch_size, origin=origin):
                    if picture.provenance.index not in already:
                        yield Kept(picture, self.gallery.keep(picture, to, announce))
                if watched.ended:
                    return
            begun += len(piece)

    def _follow(
        self,
        order: Order,
        recipes: Iterator[Recipe],
        watch: Watch,
        keep: Callable[[Picture], Path],
        already: Set[int],
    ) -> Iterator[Kept]:
        """Sequences, one after another; a part of one that is there already is painted again, for the rest begins with it."""
        from danqing.painting.engine import Origin

        assert order.follow is not None
        loops = sequence_of(order.follow).loops
        for number, first in enumerate(recipes):
            begun = number * loops
            if all(one in already for one in range(begun, begun + loops)):
                continue
            watched = Within(watch, begun, order.pictures * loops)
            follow = follow_of(order.follow, first, self.images.keep)
            for picture in self.engine().follow(first, follow, watched, origin=Origin(order.digest, begun)):
                if picture.provenance.index not in already:
                    yield Kept(picture, keep(picture))
            if watched.ended:
                return

    def settle(self, order: Order) -> Order:
        """The order with its chance taken out. Raises RecipeError when it can't be painted."""
        fatal = [complaint.message for complaint in self.check(order) if complaint.fatal]
        if fatal:
            raise RecipeError("; ".join(fatal))
        return settle_seed(order, draw_seed)

    def replay(self, provenance: Provenance, watch: Watch = just_go_on) -> Picture:
        """A picture painted again by its provenance, with as many threads and at its place in the batch; not kept."""
        import torch

        engine, threads = self.engine(), torch.get_num_threads()
        torch.set_num_threads(provenance.facts.threads or threads)
        try:
            return engine.replay(provenance, watch)
        finally:
            torch.set_num_threads(threads)


def _missing(begun: int, length: int, batch_size: int, already: Set[int]) -> Iterator[tuple[int, int]]:
    """Stretches (start, end) of a piece that lack a picture. Whole batches: one that lacks a picture is painted as it was meant to be,
    so that the picture comes out the same."""
    start = None
    for place in range(0, length, batch_size):
        numbers = range(begun + place, begun + min(place + batch_size, length))
        lacks = any(number not in already for number in numbers)
        if lacks and start is None:
            start = place
        elif not lacks and start is not None:
            yield start, place
            start = None
    if start is not None:
        yield start, length


def draw_seed() -> int:
    """A seed as A1111 draws it."""
    return random.SystemRandom().randrange(RANDOM_SEEDS)


def paint(prompt: str = "", *, home: Path | str | None = None, **fields: object) -> Picture:
    """One picture, painted and not kept: `paint("a red apple", seed=7)`; without a seed one is drawn."""
    studio = Studio(home)
    recipe = Recipe.model_validate({"prompt": prompt, **fields})
    order = studio.settle(Order(recipe=recipe, seeds="increasing" if "seed" in fields else "random"))
    return next(studio.engine().paint(list(expand(order, studio.catalog, read_phrases(studio.home)))))
