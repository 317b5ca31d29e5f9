from pathlib import Path

import numpy as np
import pytest

from danqing.base.errors import TrainingError
from danqing.training.mini.dataset import read_split
from danqing.training.mini.packing import pack, unpack


def test_a_packed_data_set_comes_back_nearly_as_it_was(built: Path, tmp_path: Path) -> None:
    packed = pack(built, tmp_path / "packed", {"train": 10, "validation": 99})
    unpack(packed, tmp_path / "work")
    there, back = read_split(built, "train"), read_split(tmp_path / "work", "train")
    assert len(back) == 10
    assert back.contents == there.contents[:10]
    assert back.captions == there.captions[:10]
    assert np.array_equal(back.ids, there.ids[:10])
    assert np.abs(back.pictures.astype(int) - there.pictures[:10]).mean() < 2


def test_what_figures_are_taken_on_is_packed_without_loss(built: Path, tmp_path: Path) -> None:
    unpack(pack(built, tmp_path / "packed", {"validation": 99}), tmp_path / "work")
    assert np.array_equal(
        read_split(tmp_path / "work", "validation").pictures, read_split(built, "validation").pictures
    )


def test_a_folder_without_a_packed_data_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no packed data set"):
        unpack(tmp_path, tmp_path / "work")
