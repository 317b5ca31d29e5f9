"""The engine turns recipes into pictures: batch by batch, pass by pass. It holds the shelf of live models and no other state."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import torch
from torch import Tensor

from danqing.base.errors import RecipeError
from danqing.base.picture import ExecutionFacts, Picture, Provenance
from danqing.base.progress import Progress, Verdict, Watch, just_go_on
from danqing.base.protocols import Catalog
from danqing.base.recipe import Recipe
from danqing.diffusion.moment import Moment
from danqing.painting.batches import batches
from danqing.painting.enlarge import enlarged
from danqing.painting.latents import Preview, decode
from danqing.painting.plan import Networks, Plan
from danqing.painting.stages import paint_from_latents, paint_from_noise, prepare
from danqing.painting.watching import Report, Stopped
from danqing.weights.bundle import Bundle
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

    plans: list[Plan]
    done: int
    total: int
    watch: Watch

    def report(self, model: DiffusionModel, number: int) -> Report:
        """What pass `number` tells the watch after each call of the denoiser."""
        passes = self.plans[0].passes
        before = sum(one.steps for one in passes[:number])
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


class Engine:
    """Paints recipes on one device. One engine a device; not made for several threads at once."""

    def __init__(self, catalog: Catalog, place: Place, memory_budget: int | None = None) -> None:
        self._shelf = Shelf(catalog, place, memory_budget)

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
            pictures, verdict = self._paint_group(_Group(plans, done, len(recipes), watch), origin)
            yield from pictures
            done += len(plans)
            if verdict in (Verdict.ABANDON, Verdict.FINISH_NOW):
                return

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

    def _paint_group(self, group: _Group, origin: Origin) -> tuple[list[Picture], Verdict]:
        started = time.perf_counter()
        model: DiffusionModel | None = None
        latents: Tensor | None = None
        verdict = Verdict.CONTINUE
        plans = group.plans
        with torch.inference_mode():
            for number, one in enumerate(plans[0].passes):
                before, model = model, self._shelf.materialise(_bundle(one.networks))
                run = prepare(model, plans, number, group.report(model, number), self._shelf.embedding)
                try:
                    if latents is None or before is None:
                        latents = paint_from_noise(run)
                    else:
                        latents = paint_from_latents(run, enlarged(latents, before, model, one))
                except Stopped as stop:
                    verdict = stop.verdict
                    if verdict is not Verdict.FINISH_NOW:
                        return [], verdict
                    latents = stop.x0
                    break
            if model is None or latents is None:
                raise AssertionError("a plan has at least one pass")
            decoded = [decode(model, latent) for latent in latents]
        seconds = (time.perf_counter() - started) / len(plans)
        pictures = [
            Picture(
                pixels,
                Provenance(
                    recipe=plans[row].recipe,
                    order_digest=origin.order_digest,
                    index=origin.first_index + group.done + row,
                    facts=_facts(model, len(plans), row, notes),
                    hashes=_hashes(plans[row].recipe),
                    versions={name: version(name) for name in LIBRARIES},
                    seconds=round(seconds, 4),
                    interrupted=verdict is Verdict.FINISH_NOW,
                ),
            )
            for row, (pixels, notes) in enumerate(decoded)
        ]
        log.info("painted %d picture(s) of %dx%d in %.2f s each", len(plans), *pictures[0].size, seconds)
        return pictures, verdict


def _facts(model: DiffusionModel, batch_size: int, row: int, notes: tuple[str, ...]) -> ExecutionFacts:
    return ExecutionFacts(
        device=model.place.device,
        dtype=model.place.dtype_name,
        vae_dtype=model.place.vae_dtype_name,
        packed=model.packed,
        batch_size=batch_size,
        batch_index=row,
        threads=torch.get_num_threads(),
        notes=notes,
    )


def _bundle(networks: Networks) -> Bundle:
    return Bundle(networks.model, networks.vae, (*networks.loras, *networks.hypernets))


def _hashes(recipe: Recipe) -> dict[str, str]:
    """sha256 by name of every model file that the recipe names."""
    nets = [use.model for part in (recipe, recipe.hires) if part for use in (*part.loras, *part.hypernets)]
    used = (recipe.model, recipe.vae, *recipe.embeddings, *nets)
    return {ref.name: ref.sha256 for ref in used if ref}
