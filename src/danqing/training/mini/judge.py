"""The judge: a small network that names what a picture of the embedded model's world shows. Trained on renders before
any UNet is, and then left alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from danqing.training.loop import Figures, autocast
from danqing.training.luck import choose
from danqing.training.mini.content import Content
from danqing.training.mini.questions import SILENT, Question
from danqing.training.mini.vae import tensor_of
from danqing.training.pace import Pace


class Residual(nn.Module):
    """Two convolutions beside a short path; the first may halve the side."""

    def __init__(self, inside: int, outside: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outside), nn.BatchNorm2d(outside)])
        # Means first, then a 1x1 convolution: that of stride 2 with channels last corrupts memory in its backward
        # (torch 2.13, CPU).
        self.short = nn.Sequential(
            nn.AvgPool2d(stride) if stride > 1 else nn.Identity(),
            nn.Conv2d(inside, outside, 1, bias=False) if inside != outside else nn.Identity(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, inside, H, W) to (B, outside, H / stride, W / stride)."""
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.short(x) + self.norms[1](self.second(y)))


class Judge(nn.Module):
    """Pictures (B, 3, 128, 128) in [-1, 1] to one row of logits a question, side by side."""

    def __init__(self, widths: Sequence[int], sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        a, b, c, d = widths
        self.body = nn.Sequential(
            nn.Conv2d(3, a, 4, 2, 1, bias=False),  # (B, a, 64, 64)
            nn.BatchNorm2d(a),
            nn.ReLU(),
            Residual(a, b, 2),  # (B, b, 32, 32)
            Residual(b, c, 2),  # (B, c, 16, 16)
            Residual(c, c),
            Residual(c, d, 2),  # (B, d, 8, 8)
            Residual(d, d),
        )
        # Mean over the picture says what there is; the 2x2 corners say where.
        self.heads = nn.Linear(5 * d, sum(self.sizes))

    def features(self, pictures: Tensor) -> Tensor:
        """What the Fréchet distance is taken in. (B, 5 d)."""
        seen = self.body(pictures.contiguous(memory_format=torch.channels_last))
        return torch.cat([seen.mean((2, 3)), F.adaptive_max_pool2d(seen, 2).flatten(1)], 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """One (B, answers) a question."""
        return self.heads(self.features(pictures)).split(self.sizes, 1)


def build_judge(widths: Sequence[int], questions: Sequence[Question], seed: int = 1) -> Judge:
    """A fresh judge."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Judge(widths, [len(q.answers) for q in questions])


def answers_of(questions: Sequence[Question], contents: Sequence[Content]) -> Tensor:
    """The right answers. (len(contents), len(questions)) int64, SILENT where a question doesn't apply."""
    return torch.tensor([[q.index(content) for q in questions] for content in contents])


@dataclass(frozen=True, eq=False)
class JudgeLesson:
    """Renders of everything, held-out combinations too: the judge must know what the model never saw."""

    judge: Judge
    questions: tuple[Question, ...]
    sources: tuple[tuple[NDArray[np.uint8], Tensor], ...]
    validation: tuple[NDArray[np.uint8], Tensor]
    device: torch.device

    def __post_init__(self) -> None:
        network: Any = self.judge
        network.to(self.device, memory_format=torch.channels_last)

    @property
    def network(self) -> nn.Module:
        """The judge."""
        return self.judge

    def loss(self, pace: Pace, luck: Generator) -> tuple[Tensor, Figures]:
        """Mean cross entropy over the questions, on pictures blurred and noised at random."""
        pictures, answers = self.sources[int(torch.randint(len(self.sources), (), generator=luck))]
        rows = choose(pace.batch, len(pictures), luck)
        seen = weathered(tensor_of(pictures[rows.numpy()], self.device), luck)
        with autocast(self.device, pace.precision):
            said = self.judge(seen)
        right = answers[rows].to(self.device)
        losses = [
            F.cross_entropy(logits.float(), right[:, i], ignore_index=SILENT)
            for i, logits in enumerate(said)
            if bool((right[:, i] != SILENT).any())
        ]
        return torch.stack(losses).sum() / len(said), {}

    def look(self, network: nn.Module) -> Figures:
        """Share of right answers, one figure a question, and their mean."""
        pictures, answers = self.validation
        return accuracy(network, self.questions, pictures, answers, self.device)


def weathered(pictures: Tensor, luck: Generator) -> Tensor:
    """A third of the pictures blurred, all a little noisy: a painted picture is softer than a render."""
    blurred = F.interpolate(F.avg_pool2d(pictures, 2), scale_factor=2.0, mode="bilinear")
    soft = (torch.rand((len(pictures), 1, 1, 1), generator=luck) < 0.33).to(pictures.device)
    grain = torch.randn(pictures.shape, generator=luck).to(pictures.device)
    amount = torch.rand((len(pictures), 1, 1, 1), generator=luck).to(pictures.device) * 0.06
    return torch.where(soft, blurred, pictures) + grain * amount


@torch.no_grad()
def ask(judge: Any, pictures: NDArray[np.uint8], device: torch.device, batch: int = 50) -> list[Tensor]:
    """The judge's logits for pictures (N, 128, 128, 3): one (N, answers) a question."""
    rows = []
    for start in range(0, len(pictures), batch):
        with autocast(device, "bfloat16"):
            rows.append([said.float().cpu() for said in judge(tensor_of(pictures[start : start + batch], device))])
    return [torch.cat(column) for column in zip(*rows, strict=True)]


def accuracy(
    judge: Any, questions: Sequence[Question], pictures: NDArray[np.uint8], answers: Tensor, device: torch.device
) -> Figures:
    """Share of right answers by question, and `mean` over all that were asked."""
    figures, rights = {}, []
    for i, (question, said) in enumerate(zip(questions, ask(judge, pictures, device), strict=True)):
        asked = answers[:, i] != SILENT
        if bool(asked.any()):
            right = (said.argmax(1) == answers[:, i])[asked].float()
            figures[question.name] = right.mean().item()
            rights.append(right)
    figures["mean"] = torch.cat(rights).mean().item()
    return figures
