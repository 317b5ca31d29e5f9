"""`python -m danqing.training.mini dataset|PART --work FOLDER`: the data set and the training from a shell, until the
command line takes them over."""

import argparse
import json
import logging
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, MappingProxyType

import torch

from danqing.base.progress import Progress, Verdict
from danqing.training.loop import until
from danqing.training.mini.dataset import EXTRA_SPLITS, SPLITS, build_dataset
from danqing.training.mini.export import export, paint_sheet, trained_networks
from danqing.training.mini.figures import judge_figures, model_figures, open_bench
from danqing.training.mini.packing import pack, unpack
from danqing.training.mini.plans import PARTS, Plan, read_plan
from danqing.training.mini.prepared import prepare, read_prepared
from danqing.training.mini.train import train_part
from danqing.weights.place import choose_place


def _device() -> torch.device:
    return torch.device(choose_place().device)


class _Bell:
    """Rings when the process is asked to end; the loop then saves and stops."""

    def __init__(self) -> None:
        self._rung = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ring)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        self._rung = True

    def watch(self, progress: Progress) -> Verdict:
        """FINISH_NOW once the bell has rung."""
        return Verdict.FINISH_NOW if self._rung else Verdict.CONTINUE


def _prepare(plan: Plan, work: Path) -> None:
    prepare(plan, work, _device(), anew=True)


def _export(plan: Plan, work: Path) -> None:
    """The diffusers folder and its sheet, in `export` of the work folder."""
    paint_sheet(trained_networks(plan, work, _device()), work / "export" / "sheet.png")
    export(plan, work, work / "export" / "model")


def _judged(plan: Plan, work: Path) -> None:
    """The judge's own error, once the latents are prepared."""
    vae = read_prepared(plan, work).vae
    _tell(work / "export" / "judge.json", judge_figures(open_bench(plan, work, _device()), work, vae))


def _bench(plan: Plan, work: Path) -> None:
    """The model's figures over 500 prompts."""
    networks = trained_networks(plan, work, _device())
    _tell(work / "export" / "figures.json", model_figures(open_bench(plan, work, _device()), networks, work))


def _pack(plan: Plan, work: Path) -> None:
    """A data set of about 60 MB in `packed` of the work folder."""
    pack(work, work / "packed", {"train": 11_000, "judge": 5_000, "validation": 600, "unseen": 600})


def _unpack(plan: Plan, work: Path) -> None:
    """The data set from `packed` of the work folder, where node is not at hand."""
    unpack(work / "packed", work)


def _tell(path: Path, figures: dict[str, dict[str, float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    logging.getLogger(__name__).info("%s: %s", path.name, figures)


OTHERS: MappingProxyType[str, Callable[[Plan, Path], None]] = MappingProxyType(
    {"prepare": _prepare, "export": _export, "judged": _judged, "bench": _bench, "pack": _pack, "unpack": _unpack}
)


def main() -> None:
    """Reads the words of the shell and does one thing."""
    parser = argparse.ArgumentParser(prog="python -m danqing.training.mini", description=__doc__)
    parser.add_argument("what", choices=("dataset", *PARTS, "prepare", "export", "judged", "bench", "pack", "unpack"))
    parser.add_argument("--work", type=Path, required=True, help="folder for data set, states and records")
    parser.add_argument("--plan", default="mini")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.0, help="stop after so many minutes (0: at the plan's end)")
    parser.add_argument("--extra", action="store_true", help="dataset: the large renders instead of the usual splits")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(asked.threads)
    if asked.what == "dataset":
        build_dataset(asked.work, EXTRA_SPLITS if asked.extra else SPLITS)
        return
    if asked.what in OTHERS:
        OTHERS[asked.what](read_plan(asked.plan), asked.work)
        return
    watch = _Bell().watch
    if asked.minutes:
        watch = until(time.time() + asked.minutes * 60, watch)
    train_part(read_plan(asked.plan), asked.what, asked.work, watch)


if __name__ == "__main__":
    main()
