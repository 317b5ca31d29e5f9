"""Walks model folders and lists what lies there, by name and place only: nothing is opened."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from danqing.base.protocols import ModelKind
from danqing.studio.home import ModelFolder

ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".sft")
CHECKPOINT_ENDINGS = (".safetensors", ".ckpt", ".sft")


@dataclass(frozen=True)
class Entry:
    """A model file or diffusers folder. `label` is its path below the folder it was found in, A1111's title."""

    path: Path
    label: str
    kind: ModelKind

    @property
    def name(self) -> str:
        """What people call it: the file's name without its ending; a diffusers folder's name."""
        base = self.label.rpartition("/")[2]
        for ending in ENDINGS:
            if base.lower().endswith(ending):
                return base[: -len(ending)]
        return base


def entries_in(folders: Iterable[ModelFolder]) -> list[Entry]:
    """Everything that looks like a model, folder by folder in their order, sorted by name within each."""
    found: list[Entry] = []
    for folder in folders:
        found.extend(sorted(_walk(folder.path, "", folder.kind, ()), key=lambda entry: entry.label.casefold()))
    return found


def _walk(folder: Path, label: str, kind: ModelKind, above: tuple[tuple[int, int], ...]) -> Iterator[Entry]:
    """`above` are the folders on the way here, by device and number: a link back to one of them is not followed."""
    try:
        state = folder.stat()
        items = list(os.scandir(folder))
    except OSError:
        return  # gone or closed to us meanwhile: what can't be read isn't there
    here = (state.st_dev, state.st_ino)
    if here in above:
        return
    for item in items:
        if item.name.startswith("."):
            continue
        below = f"{label}/{item.name}" if label else item.name
        if item.is_dir():
            path = Path(item.path)
            if (path / "model_index.json").is_file():
                yield Entry(path, below, "checkpoint")
            else:
                yield from _walk(path, below, kind, (*above, here))
        elif item.name.lower().endswith(ENDINGS):
            yield Entry(Path(item.path), below, _kind_by_name(item.name.lower(), kind))


def _kind_by_name(name: str, kind: ModelKind) -> ModelKind:
    # A1111 keeps a checkpoint's own VAE beside it as name.vae.safetensors.
    if kind == "checkpoint" and (".vae." in name):
        return "vae"
    if kind == "checkpoint" and not name.endswith(CHECKPOINT_ENDINGS):
        return "unknown"
    return kind
