"""Pickles: PyTorch's containers are read as torch reads them; hostile ones are refused by name, and nothing of them runs."""

import collections
import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from danqing.base.errors import HostileFileError, ModelError
from danqing.weights.header import read_header
from danqing.weights.tensorfile import open_tensors


class Call:
    """Pickles into a call of any function."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def zipped(
    path: Path, program: bytes, members: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", program)
        for name, content in (members or {"archive/version": b"3"}).items():
            archive.writestr(name, content)
    return path


def opcodes(*parts: bytes) -> bytes:
    return b"\x80\x02" + b"".join(parts) + b"."


def a_tensor(shape: bytes, stride: bytes, numel: bytes = b"K\x04") -> bytes:
    """The program of one tensor in storage "0" of four floats."""
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + numel + b"tQ"
    return opcodes(
        b"}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(", storage, b"K\x00", shape, stride, b"\x89}tRs"
    )


STORAGE = {"archive/data/0": bytes(16)}


def system_call(canary: Path) -> bytes:
    return pickle.dumps({"state_dict": {"w": Call(os.system, f"touch {canary}")}}, 2)


def hostile_reduce(path: Path, canary: Path) -> None:
    zipped(path, system_call(canary))


def hostile_by_stack_global(path: Path, canary: Path) -> None:
    zipped(path, pickle.dumps(Call(os.system, f"touch {canary}"), 4))


def hostile_in_the_old_stream(path: Path, canary: Path) -> None:
    torch.save({"w": Call(os.system, f"touch {canary}")}, path, _use_new_zipfile_serialization=False)


def hostile_before_the_magic_number(path: Path, canary: Path) -> None:
    path.write_bytes(pickle.dumps(Call(os.system, f"touch {canary}"), 2))


def hostile_nested_deep(path: Path, canary: Path) -> None:
    inner: Any = Call(eval, f"open({str(canary)!r}, 'w')")
    for _ in range(50):
        inner = collections.OrderedDict(a=[inner])
    zipped(path, pickle.dumps(inner, 2))


def hostile_through_getattr(path: Path, canary: Path) -> None:
    zipped(path, pickle.dumps(Call(getattr, "text", "format"), 2))


def hostile_dotted_name(path: Path, canary: Path) -> None:
    program = b"\x80\x04\x8c\x05torch\x8c\x17serialization.os.system\x93\x8c\x04true\x85R."
    zipped(path, program)


def hostile_under_a_harmless_module(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"cnumpy.testing._private.utils\nrunstring\n(X\x01\x00\x00\x00x}tR"))


def hostile_reconstructor(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"ccopy_reg\n_reconstructor\n(csubprocess\nPopen\nc__builtin__\nobject\nNtR"))


def hostile_instance(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"(S'true'\nios\nsystem\n"))


def hostile_call_of_data(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"X\x04\x00\x00\x00text(tR"))


def hostile_extension_code(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"\x82\x01"))


def hostile_member_name(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"}"), {"../../outside": b"x"})


def hostile_script(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"}"), {"archive/code/__torch__.py": b"import os"})


def hostile_compression(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"}"), {"archive/data/0": bytes(1 << 24)}, zipfile.ZIP_DEFLATED)


def hostile_old_tar(path: Path, canary: Path) -> None:
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo("pickle")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"\x80\x02}."))


def hostile_tensor_beyond_its_storage(path: Path, canary: Path) -> None:
    zipped(path, a_tensor(b"K\x08\x85", b"K\x01\x85"), STORAGE)


def hostile_tensor_without_end(path: Path, canary: Path) -> None:
    zipped(path, a_tensor(b"J\xff\xff\xff\x7f\x85", b"K\x00\x85"), STORAGE)


def hostile_storage_type(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"(X\x07\x00\x00\x00storagectorch\nload\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ"))


def hostile_dictionary_in_itself(path: Path, canary: Path) -> None:
    zipped(path, opcodes(b"}q\x00X\x01\x00\x00\x00ah\x00s"))


def hostile_lists_that_unfold(path: Path, canary: Path) -> None:
    levels = b"".join(b"]q" + bytes([n]) + b"(" + (b"h" + bytes([n - 1])) * 40 + b"e" for n in range(1, 12))
    zipped(path, opcodes(b"]q\x00(" + b"K\x01" * 40 + b"e", levels))


HOSTILE = {name.removeprefix("hostile_"): value for name, value in globals().items() if name.startswith("hostile_")}


@pytest.mark.parametrize("write", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_of_it_runs(write: Callable[[Path, Path], None], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / "bad.ckpt"
    write(path, canary)
    with pytest.raises(HostileFileError) as refusal:
        open_tensors(path)
    assert str(refusal.value).startswith("bad.ckpt: ")
    assert not canary.exists()


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (hostile_reduce, "system"),
        (hostile_nested_deep, "eval"),
        (hostile_reconstructor, "subprocess.Popen"),
        (hostile_member_name, "'../../outside'"),
        (hostile_script, "TorchScript"),
        (hostile_compression, "compressed"),
        (hostile_old_tar, "tar archive"),
        (hostile_extension_code, "EXT1"),
        (hostile_tensor_beyond_its_storage, "reaches beyond"),
    ],
)
def test_the_refusal_names_the_reason(write: Callable[[Path, Path], None], reason: str, tmp_path: Path) -> None:
    write(tmp_path / "bad.pt", tmp_path / "canary")
    with pytest.raises(HostileFileError, match=reason):
        read_header(tmp_path / "bad.pt")


@pytest.mark.parametrize(
    "program",
    [
        opcodes(b"\x8d" + (1 << 60).to_bytes(8, "little") + b"short"),
        opcodes(b"\x8b\xff\xff\xff\x7f\x01"),
        opcodes(b"r\xff\xff\xff\xff"),
        opcodes(b"]r\xff\xff\xff\xffj\xfe\xff\xff\xff"),
        opcodes(b"h\x07"),
        opcodes(b"tttt"),
        opcodes(b"u"),
        b"\x80\x02}",
        b"\x80\x02\xfe\xfe",
        opcodes(b"(X\x07\x00\x00\x00storageK\x01tQ"),
        a_tensor(b"K\x04\x85", b"J\xff\xff\xff\xff\x85"),
        a_tensor(b"K\x04\x85", b")"),
    ],
)
def test_a_program_without_sense_is_called_damaged(program: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="damaged"):
        open_tensors(zipped(tmp_path / "bad.pt", program, STORAGE))


@pytest.mark.parametrize("newer", [True, False])
def test_both_containers_of_torch_give_its_own_tensors(newer: bool, tmp_path: Path) -> None:
    base = torch.arange(60.0).view(3, 4, 5)
    saved = {
        "plain": base,
        "view": base[1:, ::2],
        "half": base.half(),
        "brain": base.bfloat16(),
        "whole": base.long(),
        "flags": base > 3,
        "empty": torch.empty(0, 4),
        "number": torch.tensor(2.5),
        "parameter": torch.nn.Parameter(base * 2),
        "parameter.transposed": base.transpose(0, 2),
    }
    path = tmp_path / "good.pt"
    torch.save(collections.OrderedDict(saved), path, _use_new_zipfile_serialization=newer)
    file = open_tensors(path)
    assert set(file.header.tensors) == set(saved)
    assert all(torch.equal(file.tensor(name), tensor) for name, tensor in saved.items())
    assert file.header.shape("view") == (2, 2, 5)


def test_a_checkpoint_with_a_trainers_leftovers_opens(tmp_path: Path) -> None:
    import argparse

    import numpy as np

    path = tmp_path / "old.ckpt"
    leftovers = {"hyper": argparse.Namespace(lr=1e-4), "best": np.float64(0.25), "state_dict": {"w": torch.ones(2)}}
    torch.save({**leftovers, "global_step": 840_000, "epoch": 3}, path)
    file = open_tensors(path)
    assert list(file.header.tensors) == ["w"]
    assert file.header.values["global_step"] == 840_000
    assert file.header.values["best"] == 0.25


def test_a_pickle_named_safetensors_is_still_a_pickle(tmp_path: Path) -> None:
    path = tmp_path / "sly.safetensors"
    hostile_reduce(path, tmp_path / "canary")
    with pytest.raises(HostileFileError):
        open_tensors(path)


@pytest.mark.parametrize("newer", [True, False])
def test_a_cut_off_pickle_is_called_damaged(newer: bool, tmp_path: Path) -> None:
    path = tmp_path / "cut.pt"
    torch.save({"w": torch.randn(1000)}, path, _use_new_zipfile_serialization=newer)
    whole = path.read_bytes()
    for share in (0.02, 0.3, 0.6, 0.95):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ModelError):
            open_tensors(path)


def test_every_single_flipped_byte_gives_tensors_or_a_model_error(tmp_path: Path) -> None:
    path = tmp_path / "flipped.pt"
    torch.save({"w": torch.randn(3), "name": "x"}, path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        try:
            file = open_tensors(path)
            [file.tensor(name) for name in file.header.tensors]
        except ModelError:
            continue
