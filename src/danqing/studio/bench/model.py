"""`danqing bench model`: how good the weights of the embedded model are, in figures or on one sheet."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from danqing.base.errors import DanqingError
from danqing.studio.bench.words import Say, Words
from danqing.studio.training import training_folder

if TYPE_CHECKING:
    from danqing.training.samples import Networks

Groups = dict[str, dict[str, float]]

COLUMNS = ("renders", "reconstructions", "seen", "unseen")
HEADS = ("renders", "after VAE", "seen", "unseen")
"""The judge's own error on renders that it never saw, before and after the VAE; then what it finds of what prompts ask for,
in combinations that were trained on and in those that never were."""


def main(words: Sequence[str], say: Say, whisper: Say) -> int:
    """Measures, or paints the sheet. Returns the exit code. Raises DanqingError when something is missing."""
    parser = _parser()
    asked = parser.parse_args(list(words))
    if asked.help:
        say(parser.format_help())
        return 0
    if asked.count < 4:
        raise DanqingError(f"--count {asked.count} is too few to tell anything; at least 4 are needed")
    work = asked.work or training_folder(asked.home, asked.plan)
    if asked.sheet is not None:
        whisper("painting 64 pictures ...\n")
        say(f"{_sheet(asked, work)}\n")
        return 0
    whisper(f"asking the judge, then painting {asked.count} pictures ...\n")
    groups = _measure(asked, work)
    say((json.dumps(groups, indent=2) if asked.json else text_of(groups)) + "\n")
    return 0


def text_of(groups: Groups) -> str:
    """A table of right answers in per cent, and the figures of the whole below it."""
    questions = dict.fromkeys(name for column in COLUMNS for name in groups[column] if name != "psnr")
    width = max(len(name) for name in questions)
    lines = [" ".join([" " * width, *(head.rjust(10) for head in HEADS)])]
    for name in questions:
        cells = (f"{groups[column][name]:10.1%}" if name in groups[column] else " " * 10 for column in COLUMNS)
        lines.append(" ".join([name.ljust(width), *cells]).rstrip())
    whole, size = groups["whole"], groups["size"]
    parts = ", ".join(f"{name} {megabytes:.1f} MB" for name, megabytes in size.items())
    lines += [
        "",
        f"VAE: {groups['reconstructions']['psnr']:.2f} dB on unseen renders",
        f"CLIP finds the picture of a prompt: {whole['retrieval']:.1%}",
        f"Frechet distance to validation pictures: {whole['frechet']:.2f}",
        f"nearest training picture: {whole['nearest']:.3f} (of validation pictures: {whole['nearest of validation']:.3f})",
        f"one picture: {whole['seconds']:.2f} s",
        f"size in fp16: {parts}; together {sum(size.values()):.1f} MB",
    ]
    return "\n".join(lines)


def _measure(asked: argparse.Namespace, work: Path) -> Groups:
    from danqing.training.mini.figures import judge_figures, model_figures, open_bench
    from danqing.training.mini.plans import read_plan
    from danqing.training.samples import Manner

    networks = _networks(asked, work)
    bench = open_bench(read_plan(asked.plan), work, networks.device)
    own = judge_figures(bench, work, networks.vae)
    return {**own, **model_figures(bench, networks, work, asked.count, Manner(steps=asked.steps))}


def _sheet(asked: argparse.Namespace, work: Path) -> Path:
    from danqing.training.mini.looking import paint_sheet
    from danqing.training.samples import Manner

    return paint_sheet(_networks(asked, work), asked.sheet, Manner(steps=asked.steps))


def _networks(asked: argparse.Namespace, work: Path) -> "Networks":
    """Those of a diffusers folder, or those that the work folder holds."""
    import torch

    from danqing.training.mini.export import opened_networks, trained_networks
    from danqing.training.mini.plans import read_plan
    from danqing.weights.assets import embedded_model
    from danqing.weights.place import choose_place

    device = torch.device(choose_place(asked.device).device)
    if asked.embedded:
        return opened_networks(embedded_model(), device)
    if asked.model is not None:
        return opened_networks(asked.model, device)
    return trained_networks(read_plan(asked.plan), work, device)


def _parser() -> argparse.ArgumentParser:
    parser = Words(
        "danqing bench model",
        description="Accuracy by attribute beside the judge's own error, retrieval, distances, seconds and size of "
        "weights of the embedded model's make. Needs the data set and the judge and CLIP that "
        "`danqing train base` made; fixed steps, guidance and seeds, half of the prompts of combinations never trained on.",
        add_help=False,
    )
    option = parser.add_argument
    option("-h", "--help", action="store_true", help="show this and leave")
    option("--work", type=Path, metavar="FOLDER", help="the training's folder (training/PLAN in the home)")
    option("--plan", default="mini", metavar="NAME", help="the training's plan (mini)")
    option("--model", type=Path, metavar="FOLDER", help="a diffusers folder instead of what the training holds")
    option("--embedded", action="store_true", help="the weights that ship, instead of what the training holds")
    option("--sheet", type=Path, metavar="FILE.png", help="paint 64 fixed prompts on one sheet instead of measuring")
    option("--count", type=int, default=500, metavar="N", help="prompts (500)")
    option("--steps", type=int, default=20, metavar="N", help="steps; only for trying it out, figures are told of 20")
    option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, mps")
    option("--home", type=Path, metavar="FOLDER", help="the home folder")
    option("--json", action="store_true", help="print JSON instead of a table")
    return parser
