"""Safetensors: header and tensors as the safetensors library has them, memory-mapped; damage is called by name."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from danqing.base.errors import FileWriteError, ModelError
from danqing.weights.header import read_header
from danqing.weights.save import write_tensors
from danqing.weights.tensorfile import DTYPES, open_tensors

TENSORS = {
    "a.weight": torch.arange(12.0).view(3, 4),
    "b.half": torch.arange(5).half(),
    "c.brain": torch.tensor([[1.5]], dtype=torch.bfloat16),
    "d.scalar": torch.tensor(7, dtype=torch.int64),
    "e.flags": torch.tensor([True, False, True]),
    "f.empty": torch.empty(0, 8),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_file(TENSORS, tmp_path / "x.safetensors", {"modelspec.title": "tést"})
    return tmp_path / "x.safetensors"


def test_tensors_are_those_that_the_library_wrote(path: Path) -> None:
    file = open_tensors(path)
    assert set(file.header.tensors) == set(TENSORS)
    assert all(
        torch.equal(file.tensor(name), tensor) and file.tensor(name).dtype == tensor.dtype
        for name, tensor in TENSORS.items()
    )
    assert file.header.metadata["modelspec.title"] == "tést"


def test_the_header_alone_knows_shapes_and_types(path: Path) -> None:
    header = read_header(path)
    assert {name: info.shape for name, info in header.tensors.items()} == {
        name: tuple(t.shape) for name, t in TENSORS.items()
    }
    assert {name: DTYPES[info.dtype] for name, info in header.tensors.items()} == {
        name: t.dtype for name, t in TENSORS.items()
    }


def test_a_tensor_is_the_files_own_memory_and_writing_to_it_leaves_the_file_alone(path: Path) -> None:
    file = open_tensors(path)
    assert file.tensor("a.weight").data_ptr() == file.tensor("a.weight").data_ptr()
    file.tensor("a.weight").fill_(9)
    assert torch.equal(load_file(path)["a.weight"], TENSORS["a.weight"])


def test_what_we_write_the_library_reads(tmp_path: Path) -> None:
    write_tensors(tmp_path / "ours.safetensors", TENSORS, {"ss_tag": "x"})
    read = load_file(tmp_path / "ours.safetensors")
    assert all(torch.equal(read[name], tensor) for name, tensor in TENSORS.items())
    assert [one.name for one in tmp_path.iterdir()] == ["ours.safetensors"]


def test_a_folder_that_is_not_there_is_a_clear_error_when_writing(tmp_path: Path) -> None:
    with pytest.raises(FileWriteError, match="can't be written"):
        write_tensors(tmp_path / "missing" / "x.safetensors", TENSORS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>", "this is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
        (b"GGUF\x03\x00\x00\x00", "GGUF"),
        (b"hello, this is no model at all", "neither safetensors nor"),
        ((1 << 60).to_bytes(8, "little") + b"{}", "neither safetensors nor"),
        ((500).to_bytes(8, "little") + b'{"a"', "cut off within its header"),
        ((2).to_bytes(8, "little") + b"{}tail", "more than its header says"),
    ],
)
def test_other_things_are_called_by_name(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match=f"^x.safetensors: .*{words}"):
        open_tensors(tmp_path / "x.safetensors")


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        open_tensors(tmp_path / "none.safetensors")


def test_a_truncated_file_is_called_cut_off_wherever_it_is_cut(path: Path) -> None:
    whole = path.read_bytes()
    for length in range(1, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            open_tensors(path)


def test_a_flipped_byte_in_the_header_never_goes_unseen(path: Path) -> None:
    whole = path.read_bytes()
    good = read_header(path)
    for place in range(8 + int.from_bytes(whole[:8], "little")):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x01]) + whole[place + 1 :])
        try:
            header = open_tensors(path).header
        except ModelError:
            continue
        assert header.tensors != good.tensors or header.metadata != good.metadata


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
        {"dtype": "F32", "shape": [1]},
        {"dtype": "F32", "shape": "x", "data_offsets": [0, 4]},
        [],
        None,
    ],
)
def test_a_header_that_contradicts_itself_is_called_damaged(entry: object, tmp_path: Path) -> None:
    text = json.dumps({"w": entry}).encode()
    (tmp_path / "x.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(ModelError, match="damaged"):
        open_tensors(tmp_path / "x.safetensors")
