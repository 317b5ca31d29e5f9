"""Looks over the machine and the home folder: each look gives findings, and none of them stops the others."""

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import psutil

import danqing
from danqing.base.errors import DanqingError
from danqing.base.refs import ModelRef
from danqing.studio.writable import check_writable
from danqing.weights.assets import embedded_model

if TYPE_CHECKING:
    from danqing.studio.studio import Studio

State = Literal["good", "note", "bad"]
LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "numpy", "pillow", "pydantic")
FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_tile")
LITTLE_ROOM = 2.0
"""GB on the disk below which a few models or a long series of pictures fill it."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and whether it stands in the way."""

    about: str
    found: str
    state: State = "good"


def checkup(studio: "Studio") -> Iterator[Finding]:
    """All findings; a look that fails is a finding itself."""
    for look in _LOOKS:
        try:
            yield from look(studio)
        except DanqingError as problem:
            yield Finding(look.__name__.strip("_").replace("_", " "), str(problem), "bad")


def _versions(studio: "Studio") -> Iterator[Finding]:
    yield Finding("danqing", f"{danqing.__version__}, Python {platform.python_version()}, {platform.platform()}")
    found = {name: _version_of(name) for name in LIBRARIES}
    missing = [name for name, number in found.items() if not number]
    yield Finding("libraries", ", ".join(f"{name} {number}" for name, number in found.items() if number))
    if missing:
        yield Finding("libraries", f"{', '.join(missing)} can't be found: install danqing again", "bad")


def _machine(studio: "Studio") -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    flags = processor_flags()
    yield Finding("processor", f"{cores} cores, {_processor()}{', ' + ' '.join(flags) if flags else ''}")
    yield Finding("memory", f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB of it free")


def _device(studio: "Studio") -> Iterator[Finding]:
    import torch

    from danqing.weights.place import choose_place

    asked = studio.settings
    place = choose_place(asked.device, asked.dtype, asked.low_memory, compiled=asked.compile)
    yield Finding("device", f"{place.device}, {torch.get_num_threads()} threads")
    opened = "chosen for each model by its size" if place.dtype_name == "auto" else place.dtype_name
    yield Finding("number format", opened)
    for number in range(torch.cuda.device_count()):
        memory = torch.cuda.mem_get_info(number)[1]
        yield Finding(f"cuda:{number}", f"{torch.cuda.get_device_name(number)}, {memory / 1e9:.1f} GB")


def _home(studio: "Studio") -> Iterator[Finding]:
    home = studio.home
    yield Finding("home", f"{home.root}{'' if home.root.is_dir() else ' (made at the first picture)'}")
    for about, folder in (("outputs", studio.gallery.root), ("cache", home.cache), ("inputs", home.inputs)):
        try:
            check_writable(folder) if folder.is_dir() else check_writable_above(folder)
        except DanqingError as problem:
            yield Finding(about, str(problem), "bad" if about == "outputs" else "note")
        else:
            yield Finding(about, f"{folder} can be written to")
    room = shutil.disk_usage(_nearest(studio.gallery.root)).free / 1e9
    yield Finding("room for pictures", f"{room:.1f} GB free", "good" if room > LITTLE_ROOM else "note")


def _settings(studio: "Studio") -> Iterator[Finding]:
    said = [f"{name} from {source}" for name, source in sorted(studio.loaded.sources.items())]
    yield Finding("settings", ", ".join(said) or "all defaults")
    for sentence in studio.notes:
        yield Finding("settings", sentence, "note")


def _models(studio: "Studio") -> Iterator[Finding]:
    listed = list(studio.catalog.listing())
    kinds = sorted({one.file.kind for one in listed if one.usable})
    counts = [f"{sum(1 for one in listed if one.usable and one.file.kind == kind)} {kind}" for kind in kinds]
    yield Finding("models", ", ".join(counts))
    for one in listed:
        if not one.usable:
            yield Finding("models", f"{one.file.path}: {one.note}", "note")
    yield Finding("default model", studio.catalog.find(ModelRef()).title)


def _embedded_model(studio: "Studio") -> Iterator[Finding]:
    """Its files are hashed anew: a cache would not see a bit that has rotted."""
    from danqing.weights.hashes import sha256_of_model

    path = embedded_model()
    if not path.is_dir():
        yield Finding("embedded model", f"{path} is missing: install danqing again", "bad")
        return
    yield Finding("embedded model", f"{path.name} [{sha256_of_model(path)[:10]}]")


_LOOKS: tuple[Callable[["Studio"], Iterator[Finding]], ...] = (
    _versions,
    _machine,
    _device,
    _home,
    _settings,
    _models,
    _embedded_model,
)


def processor_flags() -> list[str]:
    """Those of the processor's abilities that decide how fast it paints; [] where the system doesn't tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    line = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")
    return [flag for flag in FLAGS if flag in line.split()]


def check_writable_above(folder: Path) -> None:
    """Whether a folder that isn't there yet could be made: its nearest parent takes files. Raises FileWriteError."""
    check_writable(_nearest(folder))


def _nearest(folder: Path) -> Path:
    return next((one for one in (folder, *folder.parents) if one.exists()), Path.cwd())


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
