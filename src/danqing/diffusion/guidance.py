"""Classifier-free guidance: how predictions with and without the prompt become one x0. It calls no network; who does
passes the predictions in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from danqing.diffusion.moment import Denoiser, Moment


@dataclass(frozen=True)
class Guidance:
    """How strongly, and when, a prompt pulls."""

    cfg_scale: float = 7.0
    rescale: float = 0.0
    """0 to 1: how far the guided prediction's spread is drawn back to that of the prompt's own (Lin et al. 2023,
    arXiv:2305.08891, sec. 3.4)."""
    sigma_low: float = 0.0
    sigma_high: float = float("inf")
    """Guided only where sigma_low < sigma <= sigma_high (Kynkäänniemi et al. 2024, arXiv:2404.07724); elsewhere the
    prompt alone."""
    skip_below: float = 0.0
    """Every second call below this sigma leaves the negative prompt out (A1111's Negative Guidance minimum sigma)."""
    skip_every_call: bool = False
    """`skip_below` for every call, not every second one."""
    image_scale: float = 1.0
    """How closely an editing model keeps to the picture it edits: 1 as plain guidance (A1111's Image CFG scale)."""
    skip_early: float = 0.0
    """The first calls, up to this share of all, leave the negative prompt out (A1111's Ignore negative prompt during
    early sampling)."""

    def needs_uncond(self, moment: Moment, calls: int) -> bool:
        """Whether this call wants the negative prompt. `calls`: how many the whole run is planned for."""
        if self.skip_early > 0 and moment.call / calls <= self.skip_early:
            return False
        if moment.sigma < self.skip_below and (self.skip_every_call or moment.call % 2 == 1):
            return False
        return self.sigma_low < moment.sigma <= self.sigma_high


@dataclass(frozen=True, eq=False)
class Predictions:
    """One call's x0s, each (B, C, h, w). `conds`: one for every prompt part that AND joins, `weights` beside them:
    floats, or (B,).

    `blind` is an editing model's answer without the prompt and without the picture that it edits.
    """

    conds: Sequence[Tensor]
    uncond: Tensor | None
    weights: Sequence[float | Tensor] = (1.0,)
    blind: Tensor | None = None


Predict: TypeAlias = Callable[[Tensor, Moment, bool], Predictions]
"""(x, moment, whether the negative prompt is wanted) -> predictions. Without it `uncond` is None."""


def compose(predictions: Predictions, cfg_scale: float, image_scale: float = 1.0) -> Tensor:
    """x0 = uncond + sum of weight * cfg_scale * (cond - uncond). Liu et al. 2022, arXiv:2206.01714, eq. 11.

    Without the negative prompt its place is taken by the first part, and cfg_scale by 1: A1111's way of skipping it.
    With `blind`, blind + image_scale * (uncond - blind) is what the differences are added to. Brooks et al. 2023
    (InstructPix2Pix), arXiv:2211.09800, eq. 3.
    """
    base = predictions.conds[0] if predictions.uncond is None else predictions.uncond
    scale = 1.0 if predictions.uncond is None else cfg_scale
    x0 = base if predictions.blind is None else predictions.blind + image_scale * (base - predictions.blind)
    for cond, weight in zip(predictions.conds, predictions.weights, strict=True):
        if cond is not base:
            x0 = x0 + (cond - base) * (_column(weight, base) * scale)
    return x0


def rescaled(x: Tensor, sigma: float, guided: Tensor, cond: Tensor, strength: float) -> Tensor:
    """x0 whose velocity has the spread of the prompt's own, at strength 1; in between a mixture. Lin et al. 2023, eq.
    15 and 16.

    Computed on velocities, which the paper is about, whatever the network predicts.
    """
    # v = (x / (1 + sigma^2) - x0) * sqrt(1 + sigma^2) / sigma; the common factor drops out of the ratio of spreads.
    middle = x / (1 + sigma * sigma)
    guided_v, cond_v = middle - guided, middle - cond
    axes = tuple(range(1, x.ndim))
    ratio = cond_v.std(axes, keepdim=True) / guided_v.std(axes, keepdim=True)
    return middle - guided_v * (strength * ratio + (1 - strength))


def guided(predict: Predict, guidance: Guidance, calls: int) -> tuple[Denoiser, Denoiser]:
    """(the guided denoiser, the one without the prompt). The second costs nothing for the x and moment that the first
    was just asked for."""
    last: list[tuple[Tensor, Moment, Tensor]] = []

    def with_prompt(x: Tensor, moment: Moment) -> Tensor:
        predictions = predict(x, moment, guidance.needs_uncond(moment, calls))
        without = predictions.conds[0] if predictions.uncond is None else predictions.uncond
        last[:] = [(x, moment, without)]
        x0 = compose(predictions, guidance.cfg_scale, guidance.image_scale)
        if guidance.rescale > 0 and predictions.uncond is not None:
            x0 = rescaled(x, moment.sigma, x0, compose(predictions, 1.0, guidance.image_scale), guidance.rescale)
        return x0

    def without_prompt(x: Tensor, moment: Moment) -> Tensor:
        if last and last[0][0] is x and last[0][1] == moment:
            return last[0][2]
        predictions = predict(x, moment, True)
        return predictions.conds[0] if predictions.uncond is None else predictions.uncond

    return with_prompt, without_prompt


def _column(weight: float | Tensor, beside: Tensor) -> float | Tensor:
    if isinstance(weight, torch.Tensor) and weight.ndim == 1:
        return weight.to(beside).view(-1, *[1] * (beside.ndim - 1))
    return weight
