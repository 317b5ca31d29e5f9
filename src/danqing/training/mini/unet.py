"""The lesson of the embedded UNet: velocity on Stable Diffusion's noise schedule, conditioned on the frozen text
tower."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from danqing.diffusion.prediction import Prediction, prediction_of, scaled_linear
from danqing.training.loop import Figures, autocast
from danqing.training.losses import noise_loss
from danqing.training.luck import choose, luck_of
from danqing.training.mini.clip import END, START
from danqing.training.mini.prepared import Prepared, words_in_context
from danqing.training.pace import Pace

PREDICTION = "velocity"


def sd_prediction() -> Prediction:
    """Velocity on the scaled-linear schedule: what every sampler and adapter of the SD families knows."""
    return prediction_of(PREDICTION, scaled_linear())


def build_unet(settings: dict[str, Any], context: int, latents: int, seed: int = 1) -> Any:
    """A fresh UNet of one residual layer a block. Attention only where the plan says: at full latent size it costs
    more than it brings."""
    attention = settings["attention"]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return UNet2DConditionModel(
            sample_size=16,
            in_channels=latents,
            out_channels=latents,
            layers_per_block=1,
            block_out_channels=tuple(settings["channels"]),
            down_block_types=tuple("CrossAttnDownBlock2D" if there else "DownBlock2D" for there in attention),
            up_block_types=tuple("CrossAttnUpBlock2D" if there else "UpBlock2D" for there in reversed(attention)),
            cross_attention_dim=context,
            attention_head_dim=settings["heads"],
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Latents with their captions in context and noise levels. x0 and noise (B, C, h, w), context (B, 77, W), t (B,)."""

    x0: Tensor
    noise: Tensor
    context: Tensor
    t: Tensor


@dataclass(frozen=True, eq=False)
class UNetLesson:
    """Noise of every level is guessed from a noisy latent and a caption; a share `drop` of the captions is empty, for
    CFG."""

    unet: Any
    prepared: Prepared
    ids: dict[str, NDArray[np.uint16]]
    device: torch.device
    drop: float = 0.1
    gamma: float | None = 5.0

    def __post_init__(self) -> None:
        if self.device.type == "cpu":
            # The fused attention's backward is almost twice as slow on a CPU at these sizes.
            self.unet.set_attn_processor(AttnProcessor())
        self.unet.to(self.device)
        self.prepared.text.to(self.device)

    @property
    def network(self) -> nn.Module:
        """The UNet."""
        return self.unet

    @cached_property
    def prediction(self) -> Prediction:
        """Shared with painting."""
        return sd_prediction()

    def loss(self, pace: Pace, luck: Generator) -> tuple[Tensor, Figures]:
        """Weighted noise loss of one batch, its timesteps spread evenly over the schedule."""
        rows = choose(pace.batch, len(self.prepared.means["train"]), luck).numpy()
        which = torch.randint(self.ids["train"].shape[1], (pace.batch,), generator=luck).numpy()
        dropped = torch.rand(pace.batch, generator=luck) < self.drop
        context = self.prepared.context(rows, which) if pace.precision == "bfloat16" else None
        if context is None:
            ids = torch.from_numpy(self.ids["train"][rows, which].astype(np.int64))
            ids[dropped] = empty_prompt()
            context = self._said(ids, pace.precision)
        else:
            context[dropped] = self._said_to_nothing
        batch = self._batch("train", rows, context, even_steps(pace.batch, luck), luck)
        return self._loss(self.unet, batch, pace.precision, self.gamma), {}

    def look(self, network: nn.Module) -> Figures:
        """Unweighted loss on validation latents with fixed noise, at three ranges of the schedule and over all."""
        figures: Figures = {}
        count = min(240, len(self.prepared.means["validation"])) // 3
        for n, name in enumerate(("clean", "middle", "noisy")):
            rows = np.arange(n * count, (n + 1) * count)
            t = (((torch.arange(count) + 0.5) / count + n) * 1000 / 3).long()
            ids = torch.from_numpy(self.ids["validation"][rows, 0].astype(np.int64))
            batch = self._batch("validation", rows, self._said(ids, "bfloat16"), t, luck_of(7, n))
            figures[name] = self._loss(network, batch, "bfloat16", None).item()
        return {"loss": sum(figures.values()) / 3, **figures}

    def _said(self, ids: Tensor, precision: str) -> Tensor:
        return words_in_context(self.prepared.text, ids.to(self.device), precision)

    @cached_property
    def _said_to_nothing(self) -> Tensor:
        return self._said(empty_prompt()[None], "bfloat16")[0].to(torch.bfloat16)

    def _batch(self, split: str, rows: NDArray[np.int64], context: Tensor, t: Tensor, luck: Generator) -> Batch:
        x0 = self.prepared.latents(split, rows, luck)
        noise = torch.randn(x0.shape, generator=luck)
        return Batch(*(part.to(self.device) for part in (x0, noise, context, t)))

    def _loss(self, unet: Any, batch: Batch, precision: str, gamma: float | None) -> Tensor:
        sigma = self.prediction.sigma_of(batch.t.cpu())
        x = self.prediction.scale_input(self.prediction.noised(batch.x0, batch.noise, sigma), sigma)
        with autocast(self.device, precision):
            output = unet(x, batch.t, batch.context, return_dict=False)[0]
        return noise_loss(self.prediction, output.float(), batch.x0, batch.noise, sigma, gamma)


def even_steps(count: int, luck: Generator) -> Tensor:
    """Timesteps 0 to 999, one at random from each of `count` equal stretches: less noise in the loss than free draws.
    (count,) int64."""
    return ((torch.arange(count) + torch.rand(count, generator=luck)) / count * 1000).long().clamp(max=999)


def empty_prompt() -> Tensor:
    """The ids of the empty prompt. (77,)."""
    ids = torch.full((77,), END)
    ids[0] = START
    return ids
