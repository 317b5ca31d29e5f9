"""The engine turns recipes into pictures: batch by batch, pass by pass. It holds the shelf of live models and no other state."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

import torch
from torch import Tensor

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import ExecutionFacts, Picture, Pixels, Provenance
from danqing.base.progress import Progress, Verdict, Watch, just_go_on
from danqing.base.protocols import Catalog, Images
from danqing.base.recipe import Recipe
from danqing.base.refs import ImageRef
from danqing.diffusion.moment import Moment
from danqing.painting.batch import Easel, Painted
from danqing.painting.batches import batches
from danqing.painting.following import Follow
from danqing.painting.latents import Preview
from danqing.painting.memory import in_parts_that_fit
from danqing.painting.plan import Plan
from danqing.painting.upscale import Upscalers
from danqing.painting.watching import Report
from danqing.weights.model import DiffusionModel
from danqing.weights.place import Place
from danqing.weights.shelf import Shelf

log = logging.getLogger(__name__)

LIBRARIES = ("danqing", "torch", "diffusers", "transformers")


@dataclass(frozen=True)
class Origin:
    """Where recipes come from, for the provenance of their pictures: the order, and the index of the first recipe in it."""

    order_digest: str = ""
    first_index: int = 0


@dataclass(frozen=True)
class _Group:
    """A batch at work: its plans, where it stands in the sequence, and whom it reports to."""

    plans: Sequence[Plan]
    done: int
    total: int
    watch: Watch

    def report(self, model: DiffusionModel, number: int) -> Report:
        """What pass `number` tells the watch after each call of the denoiser."""
        passes = self.plans[0].passes
        before = sum(one.walked for one in passes[:number])
        steps = self.plans[0].steps
        look = Preview(model)

        def tell(moment: Moment, x0: Tensor) -> Verdict:
            return self.watch(
                Progress(
                    picture=self.done,
                    pictures=self.total,
                    stage=passes[number].name,
                    step=min(before + moment.step + 1, steps),
                    steps=steps,
                    batch=len(self.plans),
                    preview=lambda: look(x0),
                )
            )

        return tell


class NoImages:
    """A store without pictures."""

    def open(self, ref: ImageRef) -> Pixels:
        """Raises ImageError: there is none."""
        raise ImageError(
            f"the picture {ref.name or ref.sha256[:10]!r} can't be opened: no store of input pictures is at hand"
        )


class Engine:
    """Paints recipes on one device. One engine a device; not made for several threads at once."""

    def __init__(
        self, catalog: Catalog, place: Place, memory_budget: int | None = None, *, images: Images | None = None
    ) -> None:
        """`images` opens the pictures that recipes start from; without it there are none. memory_budget in bytes."""
        self._easel = Easel(
            Shelf(catalog, place, memory_budget), images or NoImages(), Upscalers(catalog, place).enlarge
        )

    def paint(
        self,
        recipes: Sequence[Recipe],
        watch: Watch = just_go_on,
        *,
        batch_size: int = 1,
        origin: Origin = Origin(),
    ) -> Iterator[Picture]:
        """Pictures in the order of the recipes, each batch as soon as it is done. A verdict of the watch may end the sequence early."""
        done = 0
        for plans in batches(recipes, batch_size):
            for pictures, verdict in self._paint_group(_Group(plans, done, len(recipes), watch), origin):
                yield from pictures
                if verdict in (Verdict.ABANDON, Verdict.FINISH_NOW):
                    return
            done += len(plans)

    def follow(
        self, first: Recipe, follow: Follow, watch: Watch = just_go_on, *, origin: Origin = Origin()
    ) -> Iterator[Picture]:
        """A recipe's picture, and then all that follow it, each as soon as it is done. Any verdict but CONTINUE ends the sequence."""
        recipe: Recipe | None = first
        number, before = 0, ""
        while recipe is not None:
            place = replace(origin, first_index=origin.first_index + number)
            picture = next(self.paint([recipe], watch, origin=place), None)
            if picture is None:
                return
            picture = replace(picture, provenance=picture.provenance.but(follows=before))
            yield picture
            if picture.provenance.interrupted:
                return
            before = picture.recipe.digest
            recipe = follow(number, picture)
            number += 1

    def replay(self, provenance: Provenance, watch: Watch = just_go_on) -> Picture:
        """The same picture again under the same execution facts: a picture out of a batch is painted in a batch of as many, at its place.

        Its neighbours are copies of itself: a row of a batch depends on the size of the batch, not on what the other rows hold.
        Raises RecipeError when the watch abandoned it.
        """
        facts = provenance.facts
        size = max(1, facts.batch_size)
        copies = [provenance.recipe] * size
        pictures = list(self.paint(copies, watch, batch_size=size))
        if not pictures:
            raise RecipeError("the replay was abandoned before it was done")
        return pictures[min(facts.batch_index, len(pictures) - 1)]

    def _paint_group(self, group: _Group, origin: Origin) -> Iterator[tuple[list[Picture], Verdict]]:
        """The batch at once, or in parts where memory is short."""
        done = group.done
        size = "{}x{}".format(*group.plans[0].size)

        def work(plans: Sequence[Plan]) -> tuple[Painted, float]:
            started = time.perf_counter()
            painted = self._easel.paint(plans, replace(group, plans=plans, done=done).report)
            return painted, time.perf_counter() - started

        for plans, (painted, seconds), notes in in_parts_that_fit(work, group.plans, f"a picture of {size}"):
            each = seconds / len(plans)
            yield (
                [
                    Picture(
                        pixels,
                        Provenance(
                            recipe=plans[row].recipe,
                            order_digest=origin.order_digest,
                            index=origin.first_index + done + row,
                            facts=_facts(painted.model, len(plans), row, (*notes, *own)),
                            hashes=_hashes(plans[row].recipe),
                            versions={name: version(name) for name in LIBRARIES},
                            seconds=round(each, 4),
                            interrupted=painted.verdict is Verdict.FINISH_NOW,
                        ),
                    )
                    for row, (pixels, own) in enumerate(painted.pictures)
                ],
                painted.verdict,
            )
            log.info("painted %d picture(s) of %s in %.2f s each", len(painted.pictures), size, each)
            done += len(plans)


def _facts(model: DiffusionModel, batch_size: int, row: int, notes: tuple[str, ...]) -> ExecutionFacts:
    return ExecutionFacts(
        device=model.place.device,
        dtype=model.place.dtype_name,
        vae_dtype=model.place.vae_dtype_name,
        attention=model.attention,
        packed=model.packed,
        compiled=model.compiled,
        low_memory=model.place.low_memory,
        batch_size=batch_size,
        batch_index=row,
        threads=torch.get_num_threads(),
        notes=notes,
    )


def _hashes(recipe: Recipe) -> dict[str, str]:
    """sha256 by name of every model file that the recipe names."""
    nets = [use.model for part in (recipe, recipe.hires) if part for use in (*part.loras, *part.hypernets)]
    others = [part.model for part in (recipe.hires, recipe.refiner) if part]
    used = (recipe.model, recipe.vae, *recipe.embeddings, *nets, *others)
    return {ref.name: ref.sha256 for ref in used if ref}
