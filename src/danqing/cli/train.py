"""`danqing train`: networks are taught by a plan. Whatever was begun goes on where it was left."""

import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from danqing.base.errors import TrainingError
from danqing.base.progress import Progress, Verdict, Watch
from danqing.base.table import did_you_mean
from danqing.cli.leaving import Left
from danqing.cli.options import DeviceOption, HomeOption, QuietOption
from danqing.cli.talking import talk

if TYPE_CHECKING:
    from danqing.training.mini.plans import Plan

STOPPED = 130
ABOUT_BASE = """
Teach a model from nothing: the embedded one, by the plan "mini".

Parts in order: vae, clip, judge, unet, decoder, upscaler; then the result is exported into the work folder. A part that has had its
steps costs nothing. Ctrl-C (or SIGTERM) saves and stops; the same command goes on from there, and a state is saved every ten
minutes anyway. "prepare" encodes the pictures anew for the UNet, with what VAE and CLIP have learned since.
"""


def add_to(app: typer.Typer, name: str, help: str) -> None:  # noqa: A002 - what it is called below
    """The commands join the application."""
    train = typer.Typer(name=name, help=help, no_args_is_help=True)
    train.callback()(_train)
    train.command("base", help=ABOUT_BASE, short_help="Teach a model from nothing, by a plan.")(base)
    app.add_typer(train, name=name)


def _train() -> None:
    """Keeps `base` a word of its own."""


def base(
    plan: Annotated[str, typer.Option("--plan", metavar="NAME", help="mini, or toy to try it in seconds.")] = "mini",
    part: Annotated[
        str,
        typer.Option(
            "--part", metavar="PART", help="vae, clip, judge, prepare, unet, decoder, upscaler, export or all."
        ),
    ] = "all",
    work: Annotated[
        Path | None,
        typer.Option("--work", metavar="FOLDER", help="Where the data set lies; training/PLAN in the home without it."),
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", metavar="N", help="Save and stop after so many.")] = 0.0,
    threads: Annotated[int, typer.Option("--threads", metavar="N", help="Of the processor; 0: as many as it has.")] = 0,
    home: HomeOption = None,
    device: DeviceOption = None,
    quiet: QuietOption = False,
) -> None:
    """Teaches and says where it stands."""
    import torch

    from danqing.studio.training import training_folder
    from danqing.training.loop import until
    from danqing.training.mini.plans import read_plan

    talk(quiet)
    if threads:
        torch.set_num_threads(threads)
    chosen = read_plan(plan)
    folder = work or training_folder(home, plan)
    with saved_when_stopped() as bell:
        watch = until(time.time() + minutes * 60, bell.watch) if minutes else bell.watch
        verdict = teach_part(chosen, part, folder, watch, device or "auto")
    if verdict is not Verdict.CONTINUE:
        raise Left(STOPPED, f"stopped and saved in {folder / 'runs'}; the same command goes on from there")
    print(folder)


def teach_part(plan: "Plan", part: str, work: Path, watch: Watch, device: str) -> Verdict:
    """One part, or what comes between them, or all. Raises TrainingError for a word that is none of these."""
    import torch

    from danqing.training.mini.export import export_all, export_upscaler
    from danqing.training.mini.plans import PARTS
    from danqing.training.mini.prepared import prepare
    from danqing.training.mini.train import train, train_part
    from danqing.weights.place import choose_place

    if part in PARTS:
        verdict = train_part(plan, part, work, watch, device)
        if part == "upscaler":  # it needs no other part, so it is exported whenever it was taught
            export_upscaler(plan, work)
        return verdict
    if part == "prepare":
        prepare(plan, work, torch.device(choose_place(device).device), anew=True)
        return Verdict.CONTINUE
    if part not in ("export", "all"):
        known = [*PARTS, "prepare", "export", "all"]
        raise TrainingError(f"no part named {part!r}{did_you_mean(part, known)}; there are {', '.join(known)}")
    verdict = train(plan, work, watch, device) if part == "all" else Verdict.CONTINUE
    if verdict is Verdict.CONTINUE:
        export_all(plan, work)
    return verdict


@dataclass
class Bell:
    """Rings when the process is asked to end."""

    rung: bool = False

    def watch(self, progress: Progress) -> Verdict:
        """FINISH_NOW once it has rung: the loop then saves and stops."""
        return Verdict.FINISH_NOW if self.rung else Verdict.CONTINUE


@contextmanager
def saved_when_stopped() -> Generator[Bell]:
    """While this lasts Ctrl-C and SIGTERM ring the bell; a second Ctrl-C interrupts as usual."""
    bell = Bell()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if bell.rung and number == signal.SIGINT:
            raise KeyboardInterrupt
        bell.rung = True

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield bell
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
