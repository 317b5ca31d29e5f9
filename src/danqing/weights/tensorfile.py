"""Tensors of a model file, memory-mapped: a tensor costs nothing until it is read, and stays the file's own bytes.

The file must not be rewritten in place while it is open; danqing, like every careful tool, replaces files by renaming.
"""

import math
import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from danqing.base.errors import ModelError
from danqing.weights.header import ITEM_SIZES, Header, first_bytes, header_of_pickle, read_header
from danqing.weights.pickles import PickledFile, looks_like_pickle, read_pickle

DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "F64": torch.float64,
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "F8_E4M3": torch.float8_e4m3fn,
        "F8_E5M2": torch.float8_e5m2,
        "I64": torch.int64,
        "I32": torch.int32,
        "I16": torch.int16,
        "I8": torch.int8,
        "U64": torch.uint64,
        "U32": torch.uint32,
        "U16": torch.uint16,
        "U8": torch.uint8,
        "BOOL": torch.bool,
        "C64": torch.complex64,
    }
)


@dataclass(frozen=True)
class TensorFile:
    """An open model file. `header` says what is in it, `tensor(name)` gives one."""

    path: Path
    header: Header
    memory: mmap.mmap
    pickled: PickledFile | None = None

    def tensor(self, name: str) -> Tensor:
        """The tensor of that name as the file has it; its memory is the file's. Writing to it changes a private copy of the page only."""
        if name not in self.header.tensors:
            raise ModelError(f"{self.path.name}: tensor {name!r} is missing")
        if self.pickled is not None:
            return self._stored(name, self.pickled)
        info = self.header.tensors[name]
        return self._flat(info.dtype, info.start, math.prod(info.shape)).view(info.shape)

    def release(self) -> None:
        """Lets the system take back the memory of what was read; it is read again when needed. Not after writing to a tensor."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.memory.madvise(mmap.MADV_DONTNEED)

    def _flat(self, dtype: str, start: int, items: int) -> Tensor:
        if items == 0:
            return torch.empty(0, dtype=DTYPES[dtype])
        if start % ITEM_SIZES[dtype] == 0:
            return torch.frombuffer(self.memory, dtype=DTYPES[dtype], count=items, offset=start)
        # old containers don't align their tensors; reading such memory in place isn't allowed on every processor
        return torch.frombuffer(bytearray(self.memory[start : start + items * ITEM_SIZES[dtype]]), dtype=DTYPES[dtype])

    def _stored(self, name: str, pickled: PickledFile) -> Tensor:
        leaf = pickled.tensors[name]
        start, length = pickled.storages[leaf.storage.key]
        storage = self._flat(leaf.dtype, start, length // leaf.storage.item_size)
        return storage.as_strided(leaf.shape, leaf.stride, leaf.storage.offset + leaf.offset)


def open_tensors(path: Path) -> TensorFile:
    """A single model file of any container. Raises ModelError for damage and HostileFileError for a pickle that asks for code."""
    pickled = read_pickle(path) if looks_like_pickle(first_bytes(path)) else None
    header = header_of_pickle(pickled) if pickled else read_header(path)
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    return TensorFile(path, header, memory, pickled)
