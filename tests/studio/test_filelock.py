import subprocess
import sys
import threading
from pathlib import Path

import pytest

from danqing.base.errors import JobError
from danqing.studio.filelock import FileLock

HOLD = """
import sys, time
from pathlib import Path
from danqing.studio.filelock import FileLock
FileLock(Path(sys.argv[1])).take("taken")
print("held", flush=True)
time.sleep(60)
"""


def held_elsewhere(path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_one_process_at_a_time_and_a_killed_one_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "new" / "lock"
    holder = held_elsewhere(path)
    lock = FileLock(path)
    with pytest.raises(JobError, match=r"somebody has it"):
        lock.take("somebody has it")
    holder.kill()
    holder.wait()
    lock.take("somebody has it", patience=5)
    lock.release()


def test_patience_waits_until_it_is_free(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    first.take("taken")
    threading.Timer(0.2, first.release).start()
    second.take("taken", patience=10)
    with pytest.raises(JobError):
        first.take("taken")
    second.release()
    with first.held():
        pass
