"""Hashes: as A1111 names files, and remembered until the file changes."""

import hashlib
import os
from pathlib import Path

import pytest
import torch

from danqing.base.errors import ModelError
from danqing.weights import hashes
from danqing.weights.hashes import HashCache, auto_v1, auto_v2, lora_hash, sha256_of_model
from danqing.weights.save import write_tensors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "m.ckpt").write_bytes(bytes(range(256)) * 8192)  # 2 MiB
    return tmp_path / "m.ckpt"


def test_sha256_and_its_short_form(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert sha256_of_model(path) == digest
    assert auto_v2(digest) == digest[:10]


def test_the_hash_of_old_looks_at_64_kib_behind_the_first_mib(path: Path) -> None:
    assert auto_v1(path) == hashlib.sha256(path.read_bytes()[0x100000:0x110000]).hexdigest()[:8]


def test_a_loras_hash_leaves_its_header_out(tmp_path: Path) -> None:
    path = tmp_path / "l.safetensors"
    write_tensors(path, {"w": torch.ones(4)}, {"a": "b"})
    assert lora_hash(path, {}) == hashlib.sha256(torch.ones(4).numpy().tobytes()).hexdigest()[:12]
    assert lora_hash(path, {"sshs_model_hash": "0123456789abcdef"}) == "0123456789ab"


def test_a_folders_hash_changes_with_its_weights_and_not_with_its_place(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name / "unet").mkdir(parents=True)
        (tmp_path / name / "unet" / "model.safetensors").write_bytes(content)
        (tmp_path / name / "README.md").write_text(name, "utf-8")
    first, moved, changed = (sha256_of_model(tmp_path / name) for name in "abc")
    assert first == moved != changed


def test_a_hash_is_computed_once_until_the_file_changes(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Path] = []
    real = hashes.sha256_of_model
    monkeypatch.setattr(hashes, "sha256_of_model", lambda one: (counted.append(one), real(one))[1])
    cache = HashCache(tmp_path / "cache" / "hashes.json")
    assert cache.known(path) == ""
    first = cache.sha256(path)
    assert cache.sha256(path) == cache.known(path) == first
    assert HashCache(tmp_path / "cache" / "hashes.json").sha256(path) == first
    assert len(counted) == 1
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    assert cache.sha256(path) != first
    assert len(counted) == 2


def test_a_damaged_cache_is_begun_anew(path: Path, tmp_path: Path) -> None:
    for broken in ("", "{", "[]", '{"x": 3}', '{"x": [1]}'):
        (tmp_path / "hashes.json").write_text(broken, "utf-8")
        assert HashCache(tmp_path / "hashes.json").sha256(path) == sha256_of_model(path)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="can't be read"):
        HashCache(tmp_path / "hashes.json").sha256(tmp_path / "none.ckpt")
