"""Reads PyTorch's pickled files without ever calling anything that they name: a small machine builds plain data from the opcodes.

Not a general unpickler: what isn't tensors and plain values is refused by name, or kept as an inert `Leftover` where old trainers put it.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from danqing.base.errors import HostileFileError, ModelError
from danqing.weights.pickle_machine import DamagedError, Machine, StoredTensor

MAX_PROGRAM = 256_000_000
MAX_DEPTH = 16
MAX_LEAVES = 200_000
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001
MEMBER = re.compile(
    r"[^/\\:]*/(data\.pkl|data/\d+|version|byteorder|\.data/serialization_id|\.format_version|\.storage_alignment)"
)
WRAPPERS = ("state_dict", "params_ema", "params")
"""Keys below which trainers put the weights; upscalers use the latter two."""


@dataclass(frozen=True)
class PickledFile:
    """`tensors` by dotted name, `values` likewise; `storages` says where each storage's bytes lie: (start, bytes) in the file."""

    tensors: Mapping[str, StoredTensor]
    values: Mapping[str, Any]
    storages: Mapping[str, tuple[int, int]]


def looks_like_pickle(first: bytes) -> bool:
    """Whether a file that begins so is one of PyTorch's containers: zip, the stream of old, or the tar of yore."""
    return (
        first[:4] == b"PK\x03\x04"
        or (first[:1] == b"\x80" and first[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"))
        or first[257:262] == b"ustar"
    )


def read_pickle(path: Path) -> PickledFile:
    """Contents of a `.ckpt`, `.pt`, `.pth` or `.bin` file. Raises HostileFileError naming what it asked for, ModelError for damage."""
    try:
        with path.open("rb") as file:
            first = file.read(512)
            file.seek(0)
            if first[257:262] == b"ustar":
                raise HostileFileError(
                    f"{path.name}: a tar archive as PyTorch wrote it before 2017; such files aren't opened. Convert it to safetensors"
                )
            return _read_zip(path, file) if first[:2] == b"PK" else _read_stream(path, file)
    except DamagedError as problem:
        raise ModelError(f"{path.name}: the file is damaged ({problem}); fetch it again") from problem
    except HostileFileError as problem:
        if str(problem).startswith(path.name):
            raise
        raise HostileFileError(f"{path.name}: refused: {problem}. Nothing of it was executed") from problem
    except OSError as problem:
        raise ModelError(f"{path.name}: can't be read ({problem.strerror})") from problem


def _read_zip(path: Path, file: BinaryIO) -> PickledFile:
    try:
        archive = zipfile.ZipFile(file)
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as problem:
        raise DamagedError(str(problem)[:80]) from problem
    for member in members:
        _check_member(member)
    programs = [member for member in members if member.filename.endswith("/data.pkl")]
    if len(programs) != 1:
        raise ModelError(f"{path.name}: a zip archive without PyTorch weights in it")
    if programs[0].file_size > MAX_PROGRAM:
        raise HostileFileError(f"its description of the tensors claims {programs[0].file_size} bytes")
    root = programs[0].filename.removesuffix("data.pkl")
    storages: dict[str, tuple[int, int]] = {}
    for member in members:
        if member.filename == root + "byteorder" and _bytes_of(file, member).strip() not in (b"little", b""):
            raise ModelError(f"{path.name}: written on a big-endian machine; convert it to safetensors there")
        if member.filename.startswith(root + "data/"):
            start = _start_of(file, member)
            if start + member.file_size > path.stat().st_size:
                raise DamagedError("cut off")
            storages[member.filename.removeprefix(root + "data/")] = (start, member.file_size)
    machine = Machine()
    contents = machine.run(io.BytesIO(_bytes_of(file, programs[0])))
    return _flat(contents, storages)


def _check_member(member: zipfile.ZipInfo) -> None:
    shown = repr(member.filename[:60])
    if "/code/" in member.filename or member.filename.endswith("constants.pkl"):
        raise HostileFileError(f"it is a TorchScript program ({shown}), not plain weights")
    if not MEMBER.fullmatch(member.filename) or member.filename.startswith(".."):
        raise HostileFileError(f"it holds a member with a strange name, {shown}")
    if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
        raise HostileFileError(f"its member {shown} is compressed, which PyTorch never does")
    if member.flag_bits & 0x1:
        raise HostileFileError(f"its member {shown} is encrypted")


def _start_of(file: BinaryIO, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin: behind its local header, whose name and extra field have lengths of their own."""
    file.seek(member.header_offset)
    local = file.read(30)
    if len(local) != 30 or local[:4] != b"PK\x03\x04":
        raise DamagedError("a member isn't where the archive's directory says")
    return member.header_offset + 30 + int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")


def _bytes_of(file: BinaryIO, member: zipfile.ZipInfo) -> bytes:
    file.seek(_start_of(file, member))
    found = file.read(member.file_size)
    if len(found) != member.file_size:
        raise DamagedError("cut off")
    return found


def _read_stream(path: Path, file: BinaryIO) -> PickledFile:
    """The container of PyTorch before 1.6: five pickles one after the other, then the storages."""
    magic = Machine().run(file)
    if magic != LEGACY_MAGIC:
        raise ModelError(f"{path.name}: a Python pickle, but not one that PyTorch wrote")
    if Machine().run(file) != LEGACY_PROTOCOL:
        raise ModelError(f"{path.name}: an unknown version of PyTorch's old format")
    Machine().run(file)  # sizes of C types on the writer's machine
    machine = Machine()
    contents = machine.run(file)
    keys = Machine().run(file)
    if not isinstance(keys, list):
        raise DamagedError("the list of storages is missing")
    total = path.stat().st_size
    storages: dict[str, tuple[int, int]] = {}
    for key in keys:
        if key not in machine.storages:
            raise DamagedError(f"storage {str(key)[:40]!r} belongs to no tensor")
        item_size, numel = machine.storages[key]
        length = file.read(8)
        if int.from_bytes(length, "little") != numel:
            raise DamagedError("a storage's length differs from what its tensors say")
        start = file.tell()
        if start + numel * item_size > total:
            raise DamagedError("cut off")
        storages[key] = (start, numel * item_size)
        file.seek(numel * item_size, io.SEEK_CUR)
    return _flat(contents, storages)


def _flat(contents: Any, storages: Mapping[str, tuple[int, int]]) -> PickledFile:
    for wrapper in WRAPPERS:
        inner = contents.get(wrapper) if isinstance(contents, dict) else None
        if isinstance(inner, dict) and any(isinstance(value, StoredTensor) for value in inner.values()):
            around = {
                name: value
                for name, value in contents.items()
                if name != wrapper and not isinstance(value, dict | list)
            }
            contents = {**around, **inner}
            break
    tensors: dict[str, StoredTensor] = {}
    values: dict[str, Any] = {}
    for name, leaf in _leaves(contents, "", 0):
        if isinstance(leaf, StoredTensor):
            leaf.check(storages)
            tensors[name] = leaf
        else:
            values[name] = leaf
        if len(tensors) + len(values) > MAX_LEAVES:
            raise HostileFileError("its contents unfold without end")
    return PickledFile(tensors, values, storages)


def _leaves(node: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH:
        raise HostileFileError("its contents are nested without end")
    if isinstance(node, dict):
        inner: Iterator[tuple[Any, Any]] = iter(node.items())
    elif isinstance(node, list | tuple):
        inner = iter(enumerate(node))
    else:
        yield name, node
        return
    for key, value in inner:
        yield from _leaves(value, f"{name}.{key}" if name else str(key), depth + 1)


def unstringed(text: str) -> Any:
    """The JSON value in a text, None when it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None
