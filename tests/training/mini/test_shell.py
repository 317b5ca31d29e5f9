import os
import shutil
import subprocess
import sys
from pathlib import Path

from danqing.training.mini.plans import read_plan
from danqing.training.mini.train import run_of
from danqing.training.resume import read_state


def test_a_part_can_be_trained_from_a_shell(built: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(built, work)
    words = [sys.executable, "-m", "danqing.training.mini", "judge", "--plan", "toy", "--work", str(work)]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert done.returncode == 0, done.stderr
    state = read_state(run_of(work, read_plan("toy"), "judge").state)
    assert state is not None
    assert state.step == read_plan("toy")["judge"].pace.steps
