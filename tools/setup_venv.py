"""Makes `.venv` ready for danqing: the one way in for make, start.bat and CI.

It runs before anything is installed, so it uses the standard library only.

    python tools/setup_venv.py          what painting needs
    python tools/setup_venv.py --dev    and what the tests and checks need

A second run with nothing changed reads one small file and is done. On a Linux machine without an NVIDIA GPU it takes
a CPU build of torch where one can be had: the one that pip would take anyway, if that is a CPU build, else the one of
PyTorch's own CPU index.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST, NEWEST = (3, 11), (3, 13)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CUDA_PACKAGES = ("nvidia-", "cuda-", "triton")


class SetupError(Exception):
    """One sentence for the person at the keyboard, with the remedy in it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 ready, 2 something that the user can mend."""
    parser = argparse.ArgumentParser(description="Makes .venv ready for danqing.")
    parser.add_argument("--dev", action="store_true", help="also install what tests and checks need")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where (default: .venv beside this project)")
    options = parser.parse_args(arguments)
    try:
        another = python_to_use_instead()
        if another:
            return subprocess.call([another, str(Path(__file__)), *(sys.argv[1:] if arguments is None else arguments)])
        make_ready(options.venv.absolute(), dev=options.dev)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("setup: stopped; run it again to go on where it was", file=sys.stderr)
        return 130
    return 0


def python_to_use_instead() -> str | None:
    """None where the Python that runs this file will do; else the path of one that does."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return None
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        # A pyenv shim is found by `which` even where that version isn't installed: ask it.
        if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:
            return found
    mine = platform.python_version()
    raise SetupError(
        f"danqing needs Python 3.11, 3.12 or 3.13, and this one is {mine}; install one from python.org or your system"
    )


def make_ready(venv: Path, dev: bool) -> None:
    """Creates and fills the environment unless its stamp says that this very set is in it already."""
    stamp = venv / "danqing-setup.json"
    wanted = fingerprint()
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists() and is_stamped(stamp, wanted, dev):
        return
    if not python.exists():
        print(f"setup: making {venv.name} with Python {platform.python_version()}", flush=True)
        create_environment(venv)
    install_torch(python)
    print(f"setup: installing danqing{' with its test tools' if dev else ''} (a minute or two)", flush=True)
    pip(python, "install", "-q", "-c", "constraints.txt", "-e", ".[dev]" if dev else ".")
    stamp.write_text(json.dumps({"fingerprint": wanted, "dev": dev}), encoding="utf-8")


def fingerprint() -> str:
    """Changes whenever another set of packages is asked for."""
    asked = [(ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256(b"\0".join([*asked, str(ROOT).encode()])).hexdigest()


def is_stamped(stamp: Path, wanted: str, dev: bool) -> bool:
    try:
        found = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if not isinstance(found, dict):
        return False
    return found.get("fingerprint") == wanted and (bool(found.get("dev")) or not dev)


def create_environment(venv: Path) -> None:
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(venv, ignore_errors=True)
        said = (made.stdout + made.stderr).strip().splitlines()
        raise SetupError(
            f"Python could not make {venv} ({said[-1] if said else 'no reason given'}); "
            "on Debian and Ubuntu `apt-get install python3-venv` mends that"
        )


def install_torch(python: Path) -> None:
    """The pinned torch, before everything else, so that nothing pulls in another build of it."""
    pin = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("torch=="))
    if torch_is_there(python, pin):
        return
    print(f"setup: installing {pin}", flush=True)
    if wants_cpu_build() and would_bring_cuda(python, pin):
        print("setup: no NVIDIA GPU here, so a CPU build of torch: asking PyTorch's CPU index", flush=True)
        if try_pip(python, "install", "-q", "--index-url", CPU_INDEX, "--timeout", "20", "--retries", "1", pin):
            return
        print(
            "setup: that index can't be reached; taking the build with CUDA packages, which also runs on the CPU",
            flush=True,
        )
    pip(python, "install", "-q", "-c", "constraints.txt", pin)


def torch_is_there(python: Path, pin: str) -> bool:
    probe = (
        f"from importlib.metadata import version; assert version('torch').split('+')[0] == {pin.partition('==')[2]!r}"
    )
    return subprocess.run([str(python), "-c", probe], capture_output=True).returncode == 0


def wants_cpu_build() -> bool:
    """Only Linux: elsewhere PyPI's torch is a CPU build (Windows) or Apple's (macOS) anyway."""
    if platform.system() != "Linux":
        return False
    smi = shutil.which("nvidia-smi")
    return not (smi and subprocess.run([smi], capture_output=True).returncode == 0)


def would_bring_cuda(python: Path, pin: str) -> bool:
    """What pip would install for `pin` from wherever it is set up to look, without installing it."""
    # Before 23.3 a dry run fetches the whole wheel, hundreds of MB, only to throw it away.
    if pip_version(python) < (23, 3):
        pip(python, "install", "-q", "--upgrade", "pip>=24")
    command = [str(python), "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--report", "-", pin]
    asked = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if asked.returncode:
        raise SetupError(f"pip can't find {pin}: {last_line(asked.stderr)}; is the network up?")
    names = [item["metadata"]["name"].lower() for item in json.loads(asked.stdout)["install"]]
    return any(name.startswith(CUDA_PACKAGES) for name in names)


def pip_version(python: Path) -> tuple[int, ...]:
    said = subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(int(part) for part in said.split()[1].split(".")[:2])


def try_pip(python: Path, *arguments: str) -> bool:
    return subprocess.run([str(python), "-m", "pip", *arguments], cwd=ROOT, capture_output=True).returncode == 0


def pip(python: Path, *arguments: str) -> None:
    ran = subprocess.run([str(python), "-m", "pip", *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    if ran.returncode:
        raise SetupError(
            f"pip could not install: {last_line(ran.stderr)}; mend that (network? room on the disk?) and run it again"
        )


def last_line(said: str) -> str:
    errors = [line for line in said.strip().splitlines() if line.startswith("ERROR")] or said.strip().splitlines()
    return errors[-1].removeprefix("ERROR: ") if errors else "it gave no reason"


if __name__ == "__main__":
    sys.exit(main())
