"""The hashes by which people name model files: sha256, AutoV1 and AutoV2 as A1111 writes them, and a cache of them. Needs no torch."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from danqing.base.errors import ModelError

BLOCK = 1 << 20
WEIGHT_ENDINGS = (".safetensors", ".bin", ".json")


def sha256_of_model(path: Path) -> str:
    """Hex sha256 of a file's bytes; of a diffusers folder, that of its sorted lines "sha256  relative/path" over weights and configs."""
    try:
        if path.is_dir():
            lines = [f"{sha256_of_model(part)}  {part.relative_to(path).as_posix()}\n" for part in _parts(path)]
            return hashlib.sha256("".join(lines).encode()).hexdigest()
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as problem:
        raise ModelError(f"{path.name}: can't be read ({problem.strerror})") from problem


def auto_v2(sha256: str) -> str:
    """A1111's "Model hash": the first ten hex digits of the sha256."""
    return sha256[:10]


def auto_v1(path: Path) -> str:
    """A1111's hash of old: eight hex digits of the sha256 of 64 KiB that begin at 1 MiB. Empty parts beyond the end hash as they are."""
    with path.open("rb") as file:
        file.seek(0x100000)
        return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]


def lora_hash(path: Path, metadata: dict[str, str]) -> str:
    """Twelve hex digits as "Lora hashes" has them: kohya's own `sshs_model_hash`, else the sha256 of what follows the safetensors header."""
    if metadata.get("sshs_model_hash"):
        return metadata["sshs_model_hash"][:12]
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little") if path.suffix == ".safetensors" else 0
        file.seek(8 + length if length else 0)
        return _rest(file)[:12]


def _rest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _parts(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in WEIGHT_ENDINGS and "tokenizer" not in path.parent.name:
            yield path


@dataclass
class HashCache:
    """sha256 by path, kept in a JSON file and believed as long as size and time of change are the same."""

    file: Path
    _entries: dict[str, list[Any]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sha256(self, path: Path) -> str:
        """The hash of a model, computed only when it isn't known."""
        known = self.known(path)
        if known:
            return known
        digest = sha256_of_model(path)
        with self._lock:
            self._read()[str(path)] = [*_stamp(path), digest]
            self._write()
        return digest

    def known(self, path: Path) -> str:
        """The hash if it is known already and the file hasn't changed, else ''."""
        with self._lock:
            entry = self._read().get(str(path))
        return str(entry[2]) if entry and len(entry) == 3 and entry[:2] == _stamp(path) else ""

    def _read(self) -> dict[str, list[Any]]:
        if self._entries is None:
            try:
                found: Any = json.loads(self.file.read_text("utf-8"))
                self._entries = {str(key): list(value) for key, value in found.items() if isinstance(value, list)}
            except (OSError, ValueError, AttributeError):
                self._entries = {}  # a lost cache costs time, nothing else
        return self._entries

    def _write(self) -> None:
        aside = self.file.with_name(f"{self.file.name}.{os.getpid()}.part")
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(self._entries, indent=0), "utf-8")
            aside.replace(self.file)
        except OSError:
            aside.unlink(missing_ok=True)  # a read-only home still paints


def _stamp(path: Path) -> list[int]:
    """Bytes and time of change in ns; of a folder, summed and newest over its parts."""
    try:
        stats = [part.stat() for part in (_parts(path) if path.is_dir() else [path])]
    except OSError as problem:
        raise ModelError(f"{path.name}: can't be read ({problem.strerror})") from problem
    return [sum(stat.st_size for stat in stats), max((stat.st_mtime_ns for stat in stats), default=0)]
