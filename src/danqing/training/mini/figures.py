"""How good the embedded model is, in figures: what the judge finds of what prompts ask for, retrieval, likeness to
validation pictures, memorisation, speed. Fixed steps, guidance and seeds; nothing is chosen among several."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from danqing.base.errors import TrainingError
from danqing.training.losses import psnr
from danqing.training.mini.clip import build_clip, features, trimmed
from danqing.training.mini.dataset import read_split
from danqing.training.mini.judge import Judge, accuracy, answers_of, build_judge
from danqing.training.mini.looking import prompt_ids
from danqing.training.mini.plans import Plan
from danqing.training.mini.prompts import Asked, judging_prompts
from danqing.training.mini.questions import Question, questions_of
from danqing.training.mini.unet import empty_prompt
from danqing.training.mini.vae import pixels_of, reconstruct, tensor_of
from danqing.training.mini.world import load_world
from danqing.training.resume import read_state
from danqing.training.runs import open_run
from danqing.training.samples import Manner, Networks, paint_samples

Figures = dict[str, float]


@dataclass(frozen=True, eq=False)
class Bench:
    """Who judges, on what."""

    judge: Judge
    questions: tuple[Question, ...]
    clip: Any
    device: torch.device


def open_bench(plan: Plan, work: Path, device: torch.device) -> Bench:
    """The trained judge and CLIP of a work folder."""
    questions = questions_of(load_world())
    judge = build_judge(plan["judge"].settings["widths"], questions)
    clip = build_clip(plan["clip"].settings)
    for part, network in (("judge", judge), ("clip", clip)):
        state = read_state(open_run(work, f"{plan.name}-{part}").state)
        if state is None:
            raise TrainingError(f"the {part} of plan {plan.name!r} has no state yet: train it first")
        network.load_state_dict(state.average)
        network.to(device).eval()
    return Bench(judge, questions, clip, device)


def judge_figures(bench: Bench, work: Path, vae: Any) -> dict[str, Figures]:
    """The judge's own error: on renders it never saw, and on the same after the VAE; PSNR beside it."""
    held = read_split(work, "unseen")
    answers = answers_of(bench.questions, held.contents)
    made, _ = reconstruct(vae, held.pictures, bench.device)
    through = pixels_of(made)
    quality = psnr(made, tensor_of(held.pictures, torch.device("cpu"))).mean().item()
    return {
        "renders": accuracy(bench.judge, bench.questions, held.pictures, answers, bench.device),
        "reconstructions": {
            **accuracy(bench.judge, bench.questions, through, answers, bench.device),
            "psnr": quality,
        },
    }


def model_figures(
    bench: Bench,
    networks: Networks,
    work: Path,
    count: int = 500,
    manner: Manner = Manner(),  # noqa: B008
) -> dict[str, Figures]:
    """Accuracy by question on seen and unseen combinations, retrieval, Fréchet and nearest distances, seconds."""
    asked = judging_prompts(load_world(), count)
    pictures = paint_all(networks, asked, manner)
    found: dict[str, Figures] = {}
    for name, wanted in (("seen", False), ("unseen", True)):
        rows = [i for i, one in enumerate(asked) if one.unseen == wanted]
        answers = answers_of(bench.questions, [asked[i].content for i in rows])
        found[name] = accuracy(bench.judge, bench.questions, pictures[rows], answers, bench.device)
    painted, held = (judged_features(bench, some) for some in (pictures, read_split(work, "validation").pictures))
    known = judged_features(bench, read_split(work, "train").pictures[:8000])
    found["whole"] = {
        "retrieval": retrieval(bench, asked, pictures),
        "frechet": frechet_distance(painted, held),
        "nearest": nearest_distance(painted, known),
        "nearest of validation": nearest_distance(held, known),
        "seconds": seconds_alone(networks, manner),
    }
    found["size"] = sizes(networks)
    return found


def seconds_alone(networks: Networks, manner: Manner, rounds: int = 5) -> float:
    """Of one picture by itself, words included: the median of some."""
    taken = []
    for seed in range(rounds):
        began = time.monotonic()
        paint_samples(networks, prompt_ids(["a red apple"]), empty_prompt(), [seed], manner)
        taken.append(time.monotonic() - began)
    return sorted(taken)[rounds // 2]


def sizes(networks: Networks) -> Figures:
    """Megabytes of each part in fp16. Of the text tower only the words that a caption ever used, for zeros compress
    away."""
    words = networks.text.get_input_embeddings().weight
    silent = int((words.abs().sum(1) == 0).sum()) * words.shape[1]
    parts = {"unet": networks.unet, "vae": networks.vae, "text": networks.text}
    counts = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
    counts["text"] -= silent
    return {name: count * 2 / 1e6 for name, count in counts.items()}


def paint_all(networks: Networks, asked: Sequence[Asked], manner: Manner, batch: int = 20) -> NDArray[np.uint8]:
    """One picture a prompt; the seed of a prompt is its place."""
    ids = prompt_ids([one.prompt for one in asked])
    painted = []
    for start in range(0, len(ids), batch):
        some = ids[start : start + batch]
        painted.append(paint_samples(networks, some, empty_prompt(), range(start, start + len(some)), manner))
    return np.concatenate(painted)


@torch.no_grad()
def judged_features(bench: Bench, pictures: NDArray[np.uint8]) -> Tensor:
    """What the judge sees in pictures. (N, F) float64."""
    see: Callable[[Tensor], Tensor] = bench.judge.features
    rows = [see(tensor_of(pictures[i : i + 50], bench.device)).double().cpu() for i in range(0, len(pictures), 50)]
    return torch.cat(rows)


@torch.no_grad()
def retrieval(bench: Bench, asked: Sequence[Asked], pictures: NDArray[np.uint8]) -> float:
    """Share of prompts whose own picture is the one that CLIP finds first."""
    ids = trimmed(prompt_ids([one.prompt for one in asked]))
    texts, seen = features(bench.clip, ids.to(bench.device), tensor_of(pictures, bench.device))
    return (texts @ seen.T).argmax(1).cpu().eq(torch.arange(len(asked))).float().mean().item()


def frechet_distance(one: Tensor, other: Tensor) -> float:
    """Distance of two clouds of features taken as normal distributions. (N, F) each. Heusel et al. 2017,
    arXiv:1706.08500, eq. 6."""
    means = [cloud.mean(0) for cloud in (one, other)]
    spreads = [torch.cov(cloud.T) for cloud in (one, other)]
    # The trace of the root of the product: of its eigenvalues, which are real and not negative but for rounding.
    roots = torch.linalg.eigvals(spreads[0] @ spreads[1]).real.clamp_min(0).sqrt().sum()
    apart = (means[0] - means[1]).square().sum()
    return float(apart + spreads[0].trace() + spreads[1].trace() - 2 * roots)


def nearest_distance(some: Tensor, among: Tensor) -> float:
    """Median distance from each to its nearest training picture: far below that of validation pictures, it copies."""
    return float(torch.cdist(some, among).min(1).values.median())
