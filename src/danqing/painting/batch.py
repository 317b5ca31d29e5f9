"""One batch from its plans to pixels: pass by pass, each with its own model, then decoded and laid back into what it was painted over."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from danqing.base.picture import Pixels
from danqing.base.progress import Verdict
from danqing.base.protocols import Images
from danqing.painting.adaptive import adaptive_mask
from danqing.painting.canvas import Canvas, Enlarge, canvas_of
from danqing.painting.enlarge import enlarged
from danqing.painting.latents import decode
from danqing.painting.plan import Networks, Plan
from danqing.painting.repaint import Kept, first_latents
from danqing.painting.stages import Opener, Run, paint_from_latents, paint_from_noise, prepare
from danqing.painting.watching import Report, Stopped
from danqing.weights.bundle import Bundle
from danqing.weights.model import DiffusionModel
from danqing.weights.shelf import Shelf

Reporter = Callable[[DiffusionModel, int], Report]
"""(model, number of the pass) -> whom that pass tells how far it is."""


@dataclass(frozen=True, eq=False)
class Painted:
    """What came of a batch: pixels and notes of each picture, none of them when it was given up; `model` is the last pass's."""

    pictures: Sequence[tuple[Pixels, tuple[str, ...]]]
    model: DiffusionModel
    verdict: Verdict = Verdict.CONTINUE


@dataclass(frozen=True, eq=False)
class Easel:
    """What batches are painted with: live models, input pictures, and what makes pictures larger between two passes."""

    shelf: Shelf
    images: Images
    enlarge: Enlarge

    def paint(self, plans: Sequence[Plan], reporter: Reporter) -> Painted:
        """All passes of plans that share a batch key. Raises ImageError, ModelError, RecipeError."""
        first = plans[0]
        canvas = canvas_of(first.recipe, self.images, self.enlarge) if first.recipe.init else None
        latents: Tensor | None = None
        kept: Kept | None = None
        model: DiffusionModel | None = None
        verdict = Verdict.CONTINUE
        opener = Opener(self.shelf.embedding, self._open)
        with torch.inference_mode():
            for number, one in enumerate(first.passes):
                before, model = model, self._open(one.networks)
                shown = canvas if one.start == "picture" else None
                run = prepare(model, plans, number, reporter(model, number), opener, shown)
                try:
                    if shown is not None:
                        latents, kept = first_latents(model, run.recipes, shown)
                    latents = self._walked(run, latents, before, kept)
                except Stopped as stop:
                    verdict, latents = stop.verdict, stop.x0
                    if verdict is not Verdict.FINISH_NOW:
                        return Painted((), model, verdict)
                    break
            if model is None or latents is None:
                raise AssertionError("a plan has at least one pass")
            pictures = [_finished(model, latent, canvas, kept) for latent in latents]
        return Painted(pictures, model, verdict)

    def _open(self, networks: Networks) -> DiffusionModel:
        return self.shelf.materialise(
            Bundle(networks.model, networks.vae, (*networks.loras, *networks.hypernets, *networks.patches))
        )

    def _walked(self, run: Run, latents: Tensor | None, before: DiffusionModel | None, kept: Kept | None) -> Tensor:
        """The latents of one pass: from nothing, over a picture, or over what the pass before gave."""
        if latents is None:
            return paint_from_noise(run)
        if run.one.start == "previous" and before is not None:
            return paint_from_latents(run, enlarged(latents, before, run.model, run.one, self.enlarge))
        return paint_from_latents(run, latents, kept)


def _finished(
    model: DiffusionModel, latent: Tensor, canvas: Canvas | None, kept: Kept | None
) -> tuple[Pixels, tuple[str, ...]]:
    """The pixels of one latent (C, h, w), laid into the original where there is one."""
    pixels, notes = decode(model, latent)
    if canvas is None:
        return pixels, notes
    overlay = adaptive_mask(latent, kept, canvas) if kept is not None and kept.soft else None
    return canvas.finished(pixels, overlay), notes
