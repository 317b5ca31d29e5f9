"""The one training loop: a lesson says what is taught, a pace how long, and the loop keeps the state so that any
interruption can be resumed."""

import copy
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor, nn

from danqing.base.progress import Progress, Verdict, Watch
from danqing.training.luck import luck_of
from danqing.training.pace import Pace
from danqing.training.resume import State, read_state, write_state
from danqing.training.runs import Run

log = logging.getLogger(__name__)

Figures = dict[str, float]


class Lesson(Protocol):
    """What is taught: a network, the loss of a step, and a look at how good the averaged weights are."""

    @property
    def network(self) -> nn.Module:
        """Holds every weight that is taught; frozen ones have `requires_grad` off."""
        ...

    def loss(self, pace: Pace, luck: Generator) -> tuple[Tensor, Figures]:
        """The loss of one batch, and figures to report. All randomness comes from `luck`."""
        ...

    def look(self, network: nn.Module) -> Figures:
        """How good this network is on the validation pictures."""
        ...


@dataclass
class _Work:
    """What changes while the loop runs."""

    step: int
    seconds: float
    average: nn.Module
    optimizer: torch.optim.Optimizer


def teach(lesson: Lesson, pace: Pace, run: Run, watch: Watch, clock: Callable[[], float] = time.monotonic) -> Verdict:
    """Runs the lesson to its last step or until `watch` says otherwise; the state is saved in every case but
    ABANDON."""
    work = _begin(lesson.network, pace, run)
    run.record("start", step=work.step, steps=pace.steps, parameters=_count(lesson.network))
    since, saved, verdict = clock(), clock(), Verdict.CONTINUE
    sums, counted = {}, 0
    while work.step < pace.steps and verdict is Verdict.CONTINUE:
        figures = _one_step(lesson, pace, work)
        sums = {name: sums.get(name, 0.0) + value for name, value in figures.items()}
        counted += 1
        work.seconds += clock() - since
        since = clock()
        if work.step % pace.report == 0:
            run.record("report", step=work.step, seconds=round(work.seconds, 1), **_means(sums, counted))
            sums, counted = {}, 0
        if work.step % pace.look == 0 and work.step < pace.steps:
            _look(lesson, work, run)
            since = clock()
        if clock() - saved > pace.save_minutes * 60:
            _save(lesson.network, work, run)
            saved = since = clock()
        verdict = watch(Progress(0, 1, run.folder.name, work.step, pace.steps))
    if verdict is not Verdict.ABANDON:
        _save(lesson.network, work, run)
        _look(lesson, work, run)
    run.record("end", step=work.step, seconds=round(work.seconds, 1), verdict=verdict.value)
    return verdict


def averaged(lesson: Lesson, run: Run) -> nn.Module:
    """The lesson's network with the averaged weights of the run's state, or as it is when there is no state yet."""
    network = copy.deepcopy(lesson.network).eval().requires_grad_(False)
    state = read_state(run.state)
    if state is not None:
        network.load_state_dict(state.average)
    return network


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Mixed precision as the pace asks for it."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        yield


def _begin(network: nn.Module, pace: Pace, run: Run) -> _Work:
    taught = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        taught, pace.rate, betas=(pace.beta1, pace.beta2), weight_decay=pace.weight_decay, fused=True
    )
    average = copy.deepcopy(network).eval().requires_grad_(False)
    state = read_state(run.state)
    if state is None:
        return _Work(0, 0.0, average, optimizer)
    network.load_state_dict(state.network)
    average.load_state_dict(state.average)
    optimizer.load_state_dict(state.optimizer)
    log.info("%s goes on at step %d", run.folder.name, state.step)
    return _Work(state.step, state.seconds, average, optimizer)


def _one_step(lesson: Lesson, pace: Pace, work: _Work) -> Figures:
    lesson.network.train()
    for group in work.optimizer.param_groups:
        group["lr"] = pace.rate_at(work.step)
    work.optimizer.zero_grad(set_to_none=True)
    loss, figures = lesson.loss(pace, luck_of(pace.seed, work.step))
    loss.backward()
    norm = nn.utils.clip_grad_norm_([p for p in lesson.network.parameters() if p.requires_grad], pace.clip)
    if bool(torch.isfinite(norm)):
        work.optimizer.step()
    _follow(work.average, lesson.network, pace.ema_at(work.step))
    work.step += 1
    return {"loss": loss.item(), **figures}


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    pairs = [(a, p) for a, p in zip(average.parameters(), network.parameters(), strict=True) if p.requires_grad]
    torch._foreach_lerp_([a for a, _ in pairs], [p.detach() for _, p in pairs], 1 - decay)
    for kept, new in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(new)


def _look(lesson: Lesson, work: _Work, run: Run) -> None:
    with torch.no_grad():
        figures = lesson.look(work.average)
    rounded = {name: round(value, 4) for name, value in figures.items()}
    run.record("look", step=work.step, seconds=round(work.seconds, 1), **rounded)
    log.info("%s, step %d: %s", run.folder.name, work.step, rounded)


def _save(network: nn.Module, work: _Work, run: Run) -> None:
    state = State(work.step, work.seconds, network.state_dict(), work.average.state_dict(), work.optimizer.state_dict())
    run.folder.mkdir(parents=True, exist_ok=True)
    write_state(run.state, state)
    run.record("save", step=work.step)


def _means(sums: Figures, counted: int) -> Figures:
    return {name: round(total / counted, 5) for name, total in sums.items()}


def _count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def until(deadline: float, watch: Watch, clock: Callable[[], float] = time.time) -> Watch:
    """The watch, but finishing at a time of the clock."""

    def watching(progress: Progress) -> Verdict:
        verdict = watch(progress)
        return Verdict.FINISH_NOW if verdict is Verdict.CONTINUE and clock() >= deadline else verdict

    return watching
