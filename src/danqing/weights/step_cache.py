"""Step caching: the deep layers of a UNet are computed every n-th step only; between, the step before lends what they gave.

Ma, Fang & Wang 2023 (DeepCache), arXiv:2312.00858, with the branch at the outermost skip connection.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from danqing.diffusion.moment import Moment

FIRST_WHOLE = 2
"""Steps at the beginning that are whole ones: there the answer changes most (on the embedded model by 60 % from the first step to the second,
by 3 to 12 % later)."""


@dataclass(frozen=True, eq=False)
class _Deep:
    """What reached the last block of the UNet from below, (1, C, h, w), and when."""

    moment: Moment
    features: Tensor

    def serves(self, moment: Moment, interval: int) -> bool:
        """Only later steps, and while noise goes down: where it rises again (Restart) the picture is another."""
        age = moment.step - self.moment.step
        return moment.step >= FIRST_WHOLE and 0 < age < interval and moment.sigma <= self.moment.sigma


class StepCache:
    """A UNet that skips its deep layers where it may; made anew for every sampler run. An interval of 0 or 1 is the UNet itself.

    The first two steps are whole, then every `interval`-th, with all the calls that its sampler makes. So is any call with a row that isn't
    known from less than `interval` steps ago: a prompt that has just changed, a negative prompt that was left out.
    """

    def __init__(self, unet: UNet2DConditionModel, interval: int) -> None:
        self._unet = unet
        self._interval = interval
        self._kept: dict[Hashable, _Deep] = {}

    def __call__(
        self,
        moment: Moment,
        rows: Sequence[Hashable],
        sample: Tensor,
        timestep: Tensor,
        encoder_hidden_states: Tensor,
        added_cond_kwargs: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """The UNet's output (R, C, h, w). `rows` names each row of the sample: (picture, conditioning), say; the others as the UNet has them."""
        words = {"encoder_hidden_states": encoder_hidden_states, "added_cond_kwargs": added_cond_kwargs}
        if self._interval <= 1:
            return self._whole(sample, timestep, words)
        known = [self._kept.get(row) for row in rows]
        served = [deep.features for deep in known if deep is not None and deep.serves(moment, self._interval)]
        if len(served) == len(rows):
            return shallow(self._unet, sample, timestep, torch.cat(served), words)
        with _Listening(self._unet) as heard:
            output = self._whole(sample, timestep, words)
        for row, features in zip(rows, heard.features.split(1), strict=True):
            self._kept[row] = _Deep(moment, features)
        return output

    def _whole(self, sample: Tensor, timestep: Tensor, words: Mapping[str, Any]) -> Tensor:
        return self._unet(sample, timestep, **words, return_dict=False)[0]


class _Listening:
    """Takes down what the last block gets from below while the UNet runs as a whole."""

    def __init__(self, unet: Any) -> None:
        self._last: nn.Module = unet.up_blocks[-1].resnets[-1]
        self._outer: int = unet.conv_in.out_channels
        self.features = torch.empty(0)

    def __enter__(self) -> "_Listening":
        self._hook = self._last.register_forward_pre_hook(self._hear)
        return self

    def __exit__(self, *fault: object) -> None:
        self._hook.remove()

    def _hear(self, _: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        joined = arguments[0]  # the features from below, then the outermost skip connection
        self.features = joined[:, : joined.shape[1] - self._outer].clone(memory_format=torch.preserve_format)


def shallow(unet: Any, sample: Tensor, timestep: Tensor, deep: Tensor, words: Mapping[str, Any]) -> Tensor:
    """The UNet's output where `deep` (R, C, h, w) stands for all but its first convolution and its last block: diffusers' own way, cut short."""
    embedding = unet.time_embedding(unet.get_time_embed(sample=sample, timestep=timestep))
    text = words["encoder_hidden_states"]
    more = unet.get_aug_embed(emb=embedding, encoder_hidden_states=text, added_cond_kwargs=words["added_cond_kwargs"])
    if more is not None:
        embedding = embedding + more
    last = unet.up_blocks[-1]
    hidden = last.resnets[-1](torch.cat([deep, unet.conv_in(sample)], dim=1), embedding)
    attend: Callable[..., tuple[Tensor]] | None = last.attentions[-1] if getattr(last, "attentions", None) else None
    if attend is not None:
        hidden = attend(hidden, encoder_hidden_states=text, return_dict=False)[0]
    return unet.conv_out(unet.conv_act(unet.conv_norm_out(hidden)))
