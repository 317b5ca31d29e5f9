"""Trains the parts of the embedded model by a plan, each in a run of its own within the work folder. Any part can be
stopped and called again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray

from danqing.base.errors import TrainingError
from danqing.base.progress import Verdict, Watch, just_go_on
from danqing.training.loop import Lesson, teach
from danqing.training.mini.clip import ClipLesson, build_clip
from danqing.training.mini.dataset import read_split
from danqing.training.mini.degrading import shrunk
from danqing.training.mini.judge import JudgeLesson, answers_of, build_judge
from danqing.training.mini.plans import PARTS, Plan
from danqing.training.mini.prepared import learned_vae, prepare, read_prepared
from danqing.training.mini.questions import questions_of
from danqing.training.mini.unet import UNetLesson, build_unet
from danqing.training.mini.upscaler import Pairs, UpscalerLesson, build_upscaler
from danqing.training.mini.vae import VaeLesson, build_vae, pixels_of, reconstruct, tensor_of
from danqing.training.mini.world import load_world
from danqing.training.runs import Run, open_run
from danqing.weights.place import choose_place


def run_of(work: Path, plan: Plan, part: str) -> Run:
    """Where a part of a plan keeps its state and records."""
    return open_run(work, f"{plan.name}-{part}")


def train_part(plan: Plan, part: str, work: Path, watch: Watch = just_go_on, device: str = "auto") -> Verdict:
    """Teaches one part until its plan's last step or the watch's word, beginning where it was left."""
    if part not in LESSONS:
        raise TrainingError(f"no part named {part!r}; there are {', '.join(LESSONS)}")
    lesson = LESSONS[part](plan, work, torch.device(choose_place(device).device))
    return teach(lesson, plan[part].pace, run_of(work, plan, part), watch)


def train(plan: Plan, work: Path, watch: Watch = just_go_on, device: str = "auto") -> Verdict:
    """All parts in order; a part that is finished costs nothing."""
    verdict = Verdict.CONTINUE
    for part in PARTS:
        verdict = train_part(plan, part, work, watch, device)
        if verdict is not Verdict.CONTINUE:
            return verdict
    return verdict


def vae_lesson(plan: Plan, work: Path, device: torch.device) -> VaeLesson:
    """The whole VAE on crops of the training pictures."""
    part = plan["vae"]
    vae = build_vae(tuple(part.settings["channels"]), part.settings["latents"], part.pace.seed)
    sheet = run_of(work, plan, "vae").folder / "reconstructions.png"
    train_set, held = read_split(work, "train"), read_split(work, "validation")
    return VaeLesson(
        vae, train_set.pictures, held.pictures[:96], device, part.settings["crop"], part.settings["kl"], sheet=sheet
    )


def clip_lesson(plan: Plan, work: Path, device: torch.device) -> ClipLesson:
    """Both towers on pictures and captions."""
    part = plan["clip"]
    train_set, held = read_split(work, "train"), read_split(work, "validation")
    clip = build_clip(part.settings, part.pace.seed)
    return ClipLesson(clip, train_set.pictures, train_set.ids, (held.pictures, held.ids), device)


def judge_lesson(plan: Plan, work: Path, device: torch.device) -> JudgeLesson:
    """The judge on everything that can be drawn."""
    part, questions = plan["judge"], questions_of(load_world())
    sources, held = [read_split(work, name) for name in ("judge", "train")], read_split(work, "validation")
    return JudgeLesson(
        build_judge(part.settings["widths"], questions, part.pace.seed),
        questions,
        tuple((source.pictures, answers_of(questions, source.contents)) for source in sources),
        (held.pictures, answers_of(questions, held.contents)),
        device,
    )


def unet_lesson(plan: Plan, work: Path, device: torch.device) -> UNetLesson:
    """The UNet on prepared latents; prepares them when nobody has."""
    part = plan["unet"]
    prepared = prepare(plan, work, device)
    ids = {split: read_split(work, split).ids for split in ("train", "validation")}
    context, latents = plan["clip"].settings["text_width"], plan["vae"].settings["latents"]
    unet = build_unet(part.settings, context, latents, part.pace.seed)
    return UNetLesson(unet, prepared, ids, device, part.settings["drop"], part.settings["gamma"])


def decoder_lesson(plan: Plan, work: Path, device: torch.device) -> VaeLesson:
    """The decoder alone, of the VAE that the UNet's latents were made with."""
    vae = read_prepared(plan, work).vae.requires_grad_(True)
    sheet = run_of(work, plan, "decoder").folder / "reconstructions.png"
    train_set, held = read_split(work, "train"), read_split(work, "validation")
    crop = plan["decoder"].settings["crop"]
    return VaeLesson(
        vae, train_set.pictures, held.pictures[:96], device, crop, kl=0.0, frozen_encoder=True, sheet=sheet
    )


def upscaler_lesson(plan: Plan, work: Path, device: torch.device) -> UpscalerLesson:
    """The upscaler on large pictures, and on what the VAE makes of them once it has learned something."""
    part, run = plan["upscaler"], run_of(work, plan, "upscaler")
    training, held = (_pairs(plan, work, name, run, device) for name in ("large", "large_validation"))
    network = build_upscaler(part.settings, part.pace.seed)
    return UpscalerLesson(network, training, held, device, part.settings["crop"], run.folder / "enlarged.png")


def _pairs(plan: Plan, work: Path, name: str, run: Run, device: torch.device) -> Pairs:
    """A split of large pictures. What the VAE made of them is kept with the run, so that a resumed run sees the same;
    without the file the VAE of the day makes them anew."""
    large = read_split(work, name).pictures
    kept = run.folder / f"{name}_through.npy"
    if not kept.exists():
        vae = learned_vae(plan, work)
        if vae is None:
            return Pairs(large, None)
        small = np.concatenate([pixels_of(shrunk(tensor_of(some, device))) for some in _blocks(large)])
        made, _ = reconstruct(vae.to(device, memory_format=torch.channels_last), small, device)
        run.folder.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part.npy")
        np.save(part, pixels_of(made))
        part.replace(kept)
    return Pairs(large, np.load(kept))


def _blocks(pictures: NDArray[np.uint8], size: int = 16) -> Iterator[NDArray[np.uint8]]:
    return (pictures[start : start + size] for start in range(0, len(pictures), size))


LESSONS: MappingProxyType[str, Callable[[Plan, Path, torch.device], Lesson]] = MappingProxyType(
    {
        "vae": vae_lesson,
        "clip": clip_lesson,
        "judge": judge_lesson,
        "unet": unet_lesson,
        "decoder": decoder_lesson,
        "upscaler": upscaler_lesson,
    }
)
