"""What stands at the head of a model file: tensor names, types and shapes, and its metadata. Needs no torch and reads no weights."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from danqing.base.errors import ModelError
from danqing.weights.pickles import PickledFile, looks_like_pickle, read_pickle, unstringed

MAX_HEADER = 100_000_000
"""The limit that the safetensors library itself sets, in bytes."""

ITEM_SIZES: Mapping[str, int] = MappingProxyType(
    {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "I64": 8, "I32": 4, "I16": 2, "I8": 1}
    | {"U64": 8, "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "C64": 8}
)


@dataclass(frozen=True)
class TensorInfo:
    """`dtype` in safetensors' words (F16, BF16 ...); `start` is the place of the first byte in the file, -1 where it lies elsewhere."""

    dtype: str
    shape: tuple[int, ...]
    start: int = -1

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * ITEM_SIZES[self.dtype]


@dataclass(frozen=True)
class Header:
    """`tensors` by name; `metadata` as the file has it (texts); `values` are plain values that stand beside the tensors in a pickle."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor, () when there is none of that name."""
        info = self.tensors.get(name)
        return info.shape if info else ()

    def __contains__(self, name: object) -> bool:
        return name in self.tensors

    def has_prefix(self, prefix: str) -> bool:
        return any(name.startswith(prefix) for name in self.tensors)

    def below(self, prefix: str) -> "Header":
        """The tensors whose names begin with `prefix`, named without it."""
        return Header({name[len(prefix) :]: info for name, info in self.tensors.items() if name.startswith(prefix)})


def read_header(path: Path) -> Header:
    """Names, types, shapes and metadata of a single model file of any container. Raises ModelError or HostileFileError."""
    first = first_bytes(path)
    _refuse_other_things(path, first)
    if looks_like_pickle(first):
        return header_of_pickle(read_pickle(path))
    return _safetensors_header(path, first)


def header_of_pickle(pickled: PickledFile) -> Header:
    """The header of a pickle that was read. What stands below "state_dict" and its like is lifted up."""
    tensors = {name: TensorInfo(leaf.dtype, leaf.shape) for name, leaf in pickled.tensors.items()}
    return Header(tensors, {}, pickled.values)


def first_bytes(path: Path) -> bytes:
    """The first 512 bytes of a file, by which its container is known. Raises ModelError when it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(512)
    except FileNotFoundError:
        raise ModelError(f"{path.name}: there is no such file") from None
    except OSError as problem:
        raise ModelError(f"{path.name}: can't be read ({problem.strerror})") from problem


def _refuse_other_things(path: Path, first: bytes) -> None:
    if not first:
        raise ModelError(f"{path.name}: the file is empty; fetch it again")
    start = first.lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        raise ModelError(f"{path.name}: this is a web page, not a model; the download was answered with an error page")
    if start.startswith(b"version https://git-lfs"):
        raise ModelError(
            f"{path.name}: this is a Git LFS pointer, not the model itself; run `git lfs pull` or fetch the file"
        )
    if first.startswith(b"GGUF"):
        raise ModelError(f"{path.name}: GGUF files aren't read; use the safetensors file of the same model")


def _safetensors_header(path: Path, first: bytes) -> Header:
    total = path.stat().st_size
    length = int.from_bytes(first[:8], "little")
    if len(first) < 10 or first[8:9] != b"{" or length > MAX_HEADER:
        raise ModelError(f"{path.name}: neither safetensors nor a PyTorch file; the file is damaged or something else")
    if 8 + length > total:
        raise ModelError(
            f"{path.name}: cut off within its header ({total} bytes, the header alone needs {8 + length}); fetch it again"
        )
    with path.open("rb") as file:
        file.seek(8)
        raw = file.read(length)
    try:
        parsed: Any = json.loads(raw)
        entries = dict(parsed)
        metadata = {str(key): str(value) for key, value in dict(entries.pop("__metadata__", None) or {}).items()}
        tensors = {str(name): _info(entry, 8 + length) for name, entry in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise ModelError(f"{path.name}: its header is damaged ({str(problem)[:80]}); fetch it again") from problem
    _check_extent(path.name, tensors, 8 + length, total)
    return Header(tensors, metadata)


def _info(entry: Any, data_start: int) -> TensorInfo:
    begin, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    info = TensorInfo(entry["dtype"], shape, data_start + begin)
    if entry["dtype"] not in ITEM_SIZES:
        raise ValueError(f"unknown type {str(entry['dtype'])[:20]!r}")
    if not all(isinstance(side, int) and side >= 0 for side in shape) or begin < 0 or end - begin != info.bytes:
        raise ValueError("a tensor's shape and its bytes don't agree")
    return info


def _check_extent(name: str, tensors: Mapping[str, TensorInfo], data_start: int, total: int) -> None:
    """Tensors must fill the file without holes or overlaps, as the format asks for."""
    place = data_start
    for info in sorted(tensors.values(), key=lambda info: (info.start, info.bytes)):
        if info.start != place:
            raise ModelError(f"{name}: its header is damaged (tensors overlap or leave holes); fetch it again")
        place += info.bytes
    if place > total:
        raise ModelError(f"{name}: cut off: {total} of {place} bytes are there; fetch it again")
    if place < total:
        raise ModelError(f"{name}: {total - place} bytes more than its header says; the file is damaged")


def metadata_json(header: Header, key: str) -> Any:
    """A metadata entry that is JSON by convention (kohya's `ss_tag_frequency`), None when missing or no JSON."""
    return unstringed(header.metadata.get(key, ""))
