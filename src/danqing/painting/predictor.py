"""The one place where the UNet is called: rows of (picture, conditioning) in, denoised latents out. Adapters that act in the network hook in here."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from danqing.base.parts import Tiled
from danqing.diffusion.moment import Moment
from danqing.diffusion.prediction import Prediction
from danqing.painting.conditioning import Conditioning
from danqing.painting.tiled import Window, laid_together, windows
from danqing.weights.model import DiffusionModel
from danqing.weights.step_cache import StepCache


@dataclass(frozen=True, eq=False)
class Row:
    """One picture of the batch under one conditioning; `blind`: without sight of the picture that it edits."""

    picture: int
    conditioning: Conditioning
    blind: bool = False


@dataclass(frozen=True, eq=False)
class Predictor:
    """(x, moment, rows) -> x0 of every row. Rows of equal context length go through the network in one call."""

    model: DiffusionModel
    prediction: Prediction
    time_grid: int | None = None
    """Whole timesteps the network was distilled on; None tells it the exact, fractional one."""
    cache_interval: int = 0
    """Deep layers are computed every so many steps only; 0 is always."""
    tiled: Tiled | None = None
    sight: Tensor | None = None
    """(B, k, h, w): what inpainting models (mask and masked picture) and InstructPix2Pix (the picture) see beside x."""

    @cached_property
    def _network(self) -> StepCache:
        return StepCache(self.model.unet, self.cache_interval)

    def __call__(self, x: Tensor, moment: Moment, rows: Sequence[Row]) -> Tensor:
        """x (B, C, h, w) float32 on the VE scale; the result (R, C, h, w) float32, in the order of the rows."""
        tiles = windows(self.tiled, self.model, (x.shape[3], x.shape[2]))

        def predict(window: Window) -> Tensor:
            return self._predicted(x[..., window[0], window[1]], moment, rows, window)

        return laid_together(x, tiles, predict)

    def _predicted(self, x: Tensor, moment: Moment, rows: Sequence[Row], window: Window) -> Tensor:
        """x0 (R, C, h, w) of one tile."""
        timestep = self.prediction.t_of(moment.sigma, self.time_grid).to(torch.float32)
        scaled = self.prediction.scale_input(x, moment.sigma)
        answers: list[Tensor | None] = [None] * len(rows)
        for places in _by_length(rows):
            chosen = [rows[place] for place in places]
            pictures = [row.picture for row in chosen]
            output = self._network(
                moment,
                [(row.picture, row.conditioning, row.blind, str(window)) for row in chosen],
                self._with_sight(scaled[pictures], chosen, window).to(self.model.dtype),
                timestep.to(x.device),
                encoder_hidden_states=self._stacked([row.conditioning.context for row in chosen]),
                added_cond_kwargs=self._added(chosen),
            )
            x0 = self.prediction.denoised(x[pictures], moment.sigma, output.to(torch.float32))
            for place, one in zip(places, x0, strict=True):
                answers[place] = one
        return torch.stack([answer for answer in answers if answer is not None])

    def _with_sight(self, x: Tensor, rows: Sequence[Row], window: Window) -> Tensor:
        """x (R, C, h, w) with what each row sees beside it."""
        if self.sight is None:
            return x
        sight = self.sight[..., window[0], window[1]]
        seen = [torch.zeros_like(sight[row.picture]) if row.blind else sight[row.picture] for row in rows]
        return torch.cat([x, torch.stack(seen).to(x)], dim=1)

    def _added(self, rows: Sequence[Row]) -> dict[str, Tensor] | None:
        """SDXL's pooled text and size ids, by the names that diffusers gives them."""
        read = [(row.conditioning.pooled, row.conditioning.size_ids) for row in rows]
        pooled = [one for one, _ in read if one is not None]
        sizes = [one for _, one in read if one is not None]
        if not sizes:
            return None
        return {"text_embeds": self._stacked(pooled), "time_ids": self._stacked(sizes)}

    def _stacked(self, tensors: Sequence[Tensor]) -> Tensor:
        return torch.stack(list(tensors)).to(self.model.device, self.model.dtype)


def _by_length(rows: Sequence[Row]) -> list[list[int]]:
    """Places of rows grouped by the length of their context, in first-come order."""
    groups: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(row.conditioning.context.shape[0], []).append(place)
    return list(groups.values())
