"""From texts and a predictor to one guided denoiser: which rows a call needs, and how they are composed for every picture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from danqing.base.parts import Guidance as GuidanceKnobs
from danqing.diffusion.guidance import Guidance, Predictions
from danqing.diffusion.moment import Moment
from danqing.painting.conditioning import PictureText
from danqing.painting.predictor import Predictor, Row


def predictions(
    predictor: Predictor,
    texts: Sequence[PictureText],
    x: Tensor,
    moment: Moment,
    with_negative: bool,
    with_blind: bool = False,
) -> Predictions:
    """x0 of every AND part, and without the prompt where it is wanted; pictures with fewer parts get parts of weight 0.

    x (B, C, h, w), one text a picture. `with_blind` beside the negative prompt: also without the picture that is edited.
    """
    most = max(len(text.parts) for text in texts)
    rows: list[Row] = []
    weights = torch.zeros(most, len(texts))
    for number in range(most):
        for picture, text in enumerate(texts):
            part = text.parts[min(number, len(text.parts) - 1)]
            weights[number, picture] = part.weight if number < len(text.parts) else 0.0
            rows.append(Row(picture, part.at(moment.call)))
    if with_negative:
        rows.extend(Row(picture, text.negative.at(moment.call)) for picture, text in enumerate(texts))
    if with_negative and with_blind:
        rows.extend(Row(picture, text.negative.at(moment.call), blind=True) for picture, text in enumerate(texts))
    x0 = predictor(x, moment, rows)
    grouped = x0.view(-1, len(texts), *x0.shape[1:])
    return Predictions(
        conds=list(grouped[:most]),
        uncond=grouped[most] if with_negative else None,
        weights=[row.to(x0) for row in weights],
        blind=grouped[most + 1] if with_negative and with_blind else None,
    )


def guidance_of(knobs: GuidanceKnobs, cfg_scale: float, sigmas: Tensor) -> Guidance:
    """A recipe's guidance for a run over `sigmas` (n,): its shares of the steps become noise levels."""
    rounds = len(sigmas) - 1
    high = float("inf") if knobs.start <= 0 else float(sigmas[min(int(knobs.start * rounds), rounds)])
    low = 0.0 if knobs.end >= 1 else float(sigmas[min(int(knobs.end * rounds), rounds)])
    return Guidance(
        cfg_scale=cfg_scale,
        rescale=knobs.rescale,
        sigma_low=low,
        sigma_high=high,
        skip_below=knobs.skip_below_sigma,
        image_scale=knobs.image_scale,
    )
