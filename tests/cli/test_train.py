"""From an empty folder two commands make a model: here at toy length, from drawn sprites."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danqing.base.progress import Progress, Verdict
from danqing.cli.train import saved_when_stopped
from danqing.training.mini.dataset import build_dataset
from danqing.training.mini.plans import PARTS, read_plan
from danqing.training.mini.train import run_of
from danqing.training.resume import read_state
from danqing.weights.place import choose_place
from danqing.weights.upscalers.loading import load_upscaler
from tests.cli.conftest import Danqing
from tests.training.mini.drawn import SMALL, DrawnSprites

TOY = read_plan("toy")


def build(work: Path) -> Path:
    build_dataset(work, SMALL, sprites=DrawnSprites(), processes=1)
    return work


def test_all_parts_are_taught_exported_measured_and_looked_at(danqing: Danqing) -> None:
    work = build(danqing.home / "training" / "toy")
    ran = danqing("train", "base", "--plan", "toy", "--device", "cpu", "--quiet")
    assert ran.code == 0, ran.err
    assert ran.out.strip() == str(work)
    for part in PARTS:
        state = read_state(run_of(work, TOY, part).state)
        assert state is not None
        assert state.step == TOY[part].pace.steps
    upscaler = load_upscaler(work / "export" / "danqing-mini-4x.safetensors", choose_place("cpu"))
    assert upscaler.enlarged(np.zeros((8, 8, 3), np.uint8)).shape == (32, 32, 3)

    model = str(work / "export" / "model")
    measured = danqing("bench", "model", "--plan", "toy", "--count", "4", "--steps", "1", "--model", model, "--json")
    assert measured.code == 0, measured.err
    assert set(measured.json) == {"renders", "reconstructions", "seen", "unseen", "whole", "size"}

    painted = danqing("bench", "model", "--plan", "toy", "--steps", "1", "--sheet", str(work / "sheet.png"))
    assert painted.code == 0, painted.err
    with Image.open(work / "sheet.png") as sheet:
        assert sheet.width == 8 * 132
    assert len((work / "sheet.txt").read_text(encoding="utf-8").splitlines()) == 64


def test_the_bench_prints_a_table(danqing: Danqing) -> None:
    from danqing.studio.bench.model import text_of

    whole = {"retrieval": 0.5, "frechet": 3.25, "nearest": 1.0, "nearest of validation": 1.2, "seconds": 0.4}
    groups = {
        "renders": {"object": 0.98, "mean": 0.99},
        "reconstructions": {"object": 0.9, "mean": 0.95, "psnr": 30.123},
        "seen": {"object": 0.5, "mean": 0.6},
        "unseen": {"object": 0.25, "mean": 0.3},
        "whole": whole,
        "size": {"unet": 32.5, "vae": 6.5},
    }
    lines = text_of(groups).splitlines()
    assert lines[1].split() == ["object", "98.0%", "90.0%", "50.0%", "25.0%"]
    assert "VAE: 30.12 dB on unseen renders" in lines
    assert lines[-1].endswith("unet 32.5 MB, vae 6.5 MB; together 39.0 MB")


def test_what_is_missing_is_told(danqing: Danqing) -> None:
    work = str(danqing.home / "empty")
    ran = danqing("train", "base", "--plan", "toy", "--part", "vae", "--work", work)
    assert ran.code == 2
    assert "danqing dataset mini --to" in ran.err
    ran = danqing("train", "base", "--plan", "toy", "--part", "vea", "--work", work)
    assert ran.code == 2
    assert "did you mean vae?" in ran.err
    ran = danqing("bench", "model", "--plan", "toy", "--work", work, "--embedded")
    assert ran.code == 2
    assert "has no state yet: train it first" in ran.err


def test_the_bell_ends_a_training_and_is_taken_down_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with saved_when_stopped() as bell:
        assert bell.watch(Progress(0, 1, "toy-vae", 1, 4)) is Verdict.CONTINUE
        signal.raise_signal(signal.SIGTERM)
        assert bell.watch(Progress(0, 1, "toy-vae", 1, 4)) is Verdict.FINISH_NOW
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_training_that_is_asked_to_end_saves_and_goes_on_from_there(tmp_path: Path) -> None:
    work = build(tmp_path / "work")
    words = [sys.executable, "-m", "danqing", "train", "base", "--plan", "mini", "--part", "judge", "--work", str(work)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    running = subprocess.Popen([*words, "--threads", "1"], env=environment, stderr=subprocess.PIPE, text=True)
    records = work / "runs" / "mini-judge" / "run.jsonl"
    while not (records.exists() and '"start"' in records.read_text()):
        assert running.poll() is None
        time.sleep(0.2)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=100)
    assert running.returncode == 130, said
    assert "goes on from there" in said
    events = [json.loads(line) for line in records.read_text().splitlines()]
    assert events[-1]["verdict"] == "finish now"
    state = read_state(records.parent / "state.pt")
    assert state is not None
    assert state.step == events[-1]["step"] >= 1


@pytest.mark.parametrize("words", [("dataset", "--help"), ("train", "--help"), ("train", "base", "--help")])
def test_help_loads_no_torch(words: tuple[str, ...]) -> None:
    code = f"import sys; from danqing.cli import main; main({list(words)!r}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
