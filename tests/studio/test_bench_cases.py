import io
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from danqing.diffusion.moment import Moment
from danqing.studio.bench.cases import embedded, sd1, startup
from danqing.studio.bench.children import check_sd1, danqing_sd1, diffusers_picture, diffusers_sd1, findings, painter
from danqing.studio.bench.children.findings import Findings
from danqing.studio.bench.measure import Sample, timed
from danqing.studio.bench.peer import write_configs
from danqing.studio.bench.processes import Watched, peers_environment
from danqing.studio.bench.settings import BenchSettings
from danqing.studio.bench.task import FAST
from danqing.weights.model import DiffusionModel
from danqing.weights.step_cache import StepCache
from tests.toy.model import WIDTH, write_toy_file

TEXT = torch.zeros(1, 77, WIDTH)

ONCE = BenchSettings(rounds=1, big_rounds=1, side=64)


@pytest.fixture(scope="module")
def toy_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_file(tmp_path_factory.mktemp("bench") / "toy.safetensors")


class Painter:
    """A worker that paints in this very process."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        who, folder, side, steps = command[-4:]
        self.paint = painter.painter(who, Path(folder), int(side), int(steps))
        PAINTERS.append((who, environment))

    def ask(self, pictures: int, keep: str) -> None:
        np.save(keep, np.stack([np.asarray(picture) for picture in self.paint(pictures)]))

    def sample(self, pictures: int) -> Sample:
        return timed(lambda: self.paint(pictures))

    def __enter__(self) -> "Painter":
        return self

    def __exit__(self, *fault: object) -> None:
        pass


PAINTERS: list[tuple[str, Mapping[str, str] | None]] = []


def test_the_embedded_model_is_measured_in_float32_and_as_it_comes(
    toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    PAINTERS.clear()
    for name, value in (("embedded_model", lambda: toy_folder), ("SIDE", 64), ("STEPS", 2), ("Worker", Painter)):
        monkeypatch.setattr(embedded, name, value)
    rows = embedded.measure(ONCE, tmp_path).rows
    assert [row.name for row in rows] == [
        "float32, batch 1",
        "float32, batch 4",
        "default, batch 1",
        "default, batch 4",
        "default, cache 3, merging 0.5, batch 1",
        "default, cache 3, merging 0.5, batch 4",
    ]
    assert all(row.ours and row.theirs and row.ratio for row in rows)
    assert rows[0].note.startswith(("the two pictures differ by 0", "the two pictures differ by 1"))
    assert [who for who, _ in PAINTERS] == ["diffusers", "float32", "auto", "fast"]
    assert PAINTERS[0][1] == peers_environment()


@pytest.mark.parametrize("who", ["diffusers", "float32", "fast"])
def test_a_painter_answers_and_leaves_its_pictures(
    who: str, toy_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [{"pictures": 2, "keep": str(tmp_path / "two.npy")}, {"pictures": 1}]
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(json.dumps(one) + "\n" for one in asked)))
    painter.main([who, str(toy_folder), "64", "2"])
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert len(answers) == 2
    assert Sample(**answers[0]).seconds > 0
    assert np.load(tmp_path / "two.npy").shape == (2, 64, 64, 3)


def test_danqing_tells_its_time_at_every_step(toy_file: Path, tmp_path: Path) -> None:
    danqing_sd1.main([str(toy_file), "64", "3", str(tmp_path / "out.json")])
    found = findings.read(tmp_path / "out.json")
    assert len(found.steps) == 2
    assert all(sample.seconds > 0 for sample in (found.first, *found.steps, found.decode))


def test_danqing_can_paint_with_approximations(toy_file: Path, tmp_path: Path) -> None:
    danqing_sd1.main([str(toy_file), "64", "4", str(tmp_path / "out.json"), "fast"])
    assert len(findings.read(tmp_path / "out.json").steps) == 3


def test_diffusers_tells_its_time_at_every_step(toy_file: Path, toy_folder: Path, tmp_path: Path) -> None:
    diffusers_sd1.main([str(toy_file), "64", "3", str(tmp_path / "out.json"), str(toy_folder)])
    assert len(findings.read(tmp_path / "out.json").steps) == 2


def test_both_sides_mean_the_same_by_a_file(toy_file: Path, toy_folder: Path, tmp_path: Path) -> None:
    check_sd1.main([str(toy_file), "64", str(toy_folder), str(tmp_path / "check.json")])
    found = json.loads((tmp_path / "check.json").read_text("utf-8"))
    assert found["equal"] == found["tensors"] > 100
    assert found["unknown"] == 0
    assert found["steps"] < 1e-4
    assert found["unet"] < 0.05 < found["merged"] < 0.5
    assert 0.01 < found["lent"] < 0.5


def test_diffusers_paints_a_picture_into_a_file(toy_folder: Path, tmp_path: Path) -> None:
    diffusers_picture.main([str(toy_folder), "64", "2", str(tmp_path / "picture.png")])
    assert Image.open(tmp_path / "picture.png").size == (64, 64)


def test_the_configs_for_diffusers_are_complete(tmp_path: Path) -> None:
    folder = write_configs(tmp_path / "configs")
    index = json.loads((folder / "model_index.json").read_text("utf-8"))
    parts = {name for name, entry in index.items() if isinstance(entry, list) and entry[0]}
    assert {path.name for path in folder.iterdir() if path.is_dir()} == parts


def test_startup_compares_times_and_memory_of_fresh_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[Sequence[str]] = []

    def watch(
        command: Sequence[str], awaited: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> Watched:
        commands.append(command)
        ours = "paint" in command
        return Watched(Sample(1.0 if ours else 2.0, 0.5), 10**9 if ours else 3 * 10**9)

    monkeypatch.setattr(startup, "watch", watch)
    helped, first, memory = startup.measure(BenchSettings(rounds=3), tmp_path).rows
    assert (helped.theirs, first.ratio, memory.ratio) == (None, 2.0, 3.0)
    pictures = [command[-1] for command in commands if command[-1].endswith(".png")]
    assert len(set(pictures)) == len(pictures) == 8
    assert all(command[0] == sys.executable for command in commands)


def test_a_picture_of_20_steps_is_put_together() -> None:
    step = Sample(2.0, 1.0, 0.5)
    whole = sd1._whole(Findings(Sample(10.0, 5.0), (step, step), Sample(4.0, 4.0)))
    assert (whole.seconds, whole.cpu, whole.others) == (10 + 19 * 2 + 4, 5 + 19 + 4, 9.5)


def test_a_picture_with_lent_steps_is_put_together_of_both_kinds() -> None:
    """Of 20 steps those after the first are 1, 4, 7 ... 19 whole and 12 lent ones."""
    first, whole, lent, decode = (Sample(seconds, 0.0) for seconds in (10.0, 2.0, 0.25, 4.0))
    assert sd1._fast(Findings(first, (whole, lent, lent, whole), decode)).seconds == 10 + 7 * 2 + 12 * 0.25 + 4


def test_the_bench_knows_which_steps_are_whole(toy_model: DiffusionModel) -> None:
    counted: list[int] = []
    hook = toy_model.unet.mid_block.register_forward_pre_hook(lambda *_: counted.append(1))  # pyright: ignore
    cache = StepCache(toy_model.unet, FAST.step_cache)
    seen: list[bool] = []
    for step in range(8):
        counted.clear()
        with torch.inference_mode():
            cache(Moment(step, step, 8, 8.0 - step, 0.0), [0], torch.zeros(1, 4, 8, 8), torch.tensor(1.0), TEXT)
        seen.append(bool(counted))
    hook.remove()
    assert seen == [sd1._is_whole(step) for step in range(8)]


def test_sd1s_size_is_left_out_where_memory_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sd1.psutil, "virtual_memory", lambda: SimpleNamespace(available=10**9))
    (row,) = sd1.measure(ONCE, tmp_path).rows
    assert "1 GB of memory" in row.note


def test_sd1s_size_is_painted_in_turns_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []

    def watch(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Watched:
        child = " ".join(word.rpartition(".")[2] for word in command if word.endswith("_sd1") or word == "fast")
        called.append(child)
        seconds = {"danqing_sd1": 1.0, "danqing_sd1 fast": 0.5, "diffusers_sd1": 3.0}.get(child)
        if seconds is None:
            found = {"tensors": 9, "equal": 9, "ignored": 1, "unknown": 0, "steps": 1e-6, "unet": 0.01}
            found |= {"merged": 0.03, "lent": 0.05}
            Path(command[-1]).write_text(json.dumps(found), "utf-8")
        else:
            sample = Sample(seconds, seconds)
            findings.leave(Findings(sample, (sample,) * (int(command[5]) - 1), sample), Path(command[6]))
        return Watched(Sample(1.0, 1.0), 10**9 if child == "danqing_sd1" else 2 * 10**9)

    monkeypatch.setattr(sd1, "watch", watch)
    monkeypatch.setattr(sd1.psutil, "virtual_memory", lambda: SimpleNamespace(available=10**12))
    monkeypatch.setattr(sd1.random_model, "build", lambda folder: folder / "model.safetensors")
    section = sd1.measure(BenchSettings(big_rounds=2), tmp_path)
    assert called == ["danqing_sd1", "diffusers_sd1", "danqing_sd1 fast"] * 2 + ["check_sd1"]
    ratios = {row.name: row.ratio for row in section.rows}
    assert ratios["a step"] == 3.0
    assert ratios["20 steps, cache 3, merging 0.5"] == 6.0
    assert ratios["highest memory of the process"] == 2.0
