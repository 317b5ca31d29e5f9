"""The one place where the UNet is called: rows of (picture, conditioning) in, denoised latents out. Adapters that act in the network hook in here."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from danqing.diffusion.moment import Moment
from danqing.diffusion.prediction import Prediction
from danqing.painting.conditioning import Conditioning
from danqing.weights.model import DiffusionModel


@dataclass(frozen=True, eq=False)
class Row:
    """One picture of the batch under one conditioning."""

    picture: int
    conditioning: Conditioning


@dataclass(frozen=True, eq=False)
class Predictor:
    """(x, moment, rows) -> x0 of every row. Rows of equal context length go through the network in one call."""

    model: DiffusionModel
    prediction: Prediction
    time_grid: int | None = None
    """Whole timesteps the network was distilled on; None tells it the exact, fractional one."""

    def __call__(self, x: Tensor, moment: Moment, rows: Sequence[Row]) -> Tensor:
        """x (B, C, h, w) float32 on the VE scale; the result (R, C, h, w) float32, in the order of the rows."""
        timestep = self.prediction.t_of(moment.sigma, self.time_grid).to(torch.float32)
        scaled = self.prediction.scale_input(x, moment.sigma).to(self.model.dtype)
        answers: list[Tensor | None] = [None] * len(rows)
        for places in _by_length(rows):
            pictures = [rows[place].picture for place in places]
            context = torch.stack([rows[place].conditioning.context for place in places])
            output = self.model.unet(
                scaled[pictures],
                timestep.to(x.device),
                encoder_hidden_states=context.to(x.device, self.model.dtype),
                return_dict=False,
            )[0]
            x0 = self.prediction.denoised(x[pictures], moment.sigma, output.to(torch.float32))
            for place, one in zip(places, x0, strict=True):
                answers[place] = one
        return torch.stack([answer for answer in answers if answer is not None])


def _by_length(rows: Sequence[Row]) -> list[list[int]]:
    """Places of rows grouped by the length of their context, in first-come order."""
    groups: dict[int, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(row.conditioning.context.shape[0], []).append(place)
    return list(groups.values())
