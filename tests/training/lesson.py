"""A lesson so small that a step takes microseconds: a line through points."""

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn

from danqing.base.progress import Progress, Verdict, Watch
from danqing.training.pace import Pace


def small_network() -> nn.Module:
    network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    with torch.no_grad():
        for i, parameter in enumerate(network.parameters()):
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).view_as(parameter) + 0.1 * i)
    return network


@dataclass(eq=False)
class Line:
    network: nn.Module = field(default_factory=small_network)
    looks: list[float] = field(default_factory=list)

    def loss(self, pace: Pace, luck: Generator) -> tuple[Tensor, dict[str, float]]:
        x = torch.randn((pace.batch, 2), generator=luck)
        wrong = (self.network(x) - x.sum(1, keepdim=True)).square().mean()
        return wrong, {"wrong": wrong.item()}

    def look(self, network: nn.Module) -> dict[str, float]:
        x = torch.randn((64, 2), generator=Generator().manual_seed(0))
        wrong = (network(x) - x.sum(1, keepdim=True)).square().mean().item()
        self.looks.append(wrong)
        return {"wrong": wrong}


PACE = Pace(steps=12, batch=8, rate=0.05, warmup=2, cooldown=4, ema=0.9, report=3, look=4)


def answering(verdict: Verdict, at: int) -> Watch:
    """A watch that gives a verdict at a step."""

    def watch(progress: Progress) -> Verdict:
        return verdict if progress.step == at else Verdict.CONTINUE

    return watch
