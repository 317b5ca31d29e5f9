"""`danqing edit` on the toy family: through the real entry, into real files."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Danqing


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    return path


def test_outpainting_writes_a_larger_picture_with_the_old_one_in_it(
    danqing: Danqing, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "wide.png"
    assert (
        danqing(
            "edit",
            "outpaint",
            str(photo),
            "a beach",
            "--right",
            "32",
            "--seed",
            "3",
            "--out",
            str(out),
            "--set",
            "steps=2",
        ).code
        == 0
    )
    wide, old = np.array(Image.open(out)), np.array(Image.open(photo))
    assert wide.shape == (64, 96, 3)
    assert np.array_equal(wide[:, :64], old)


def test_a_loop_writes_every_picture(danqing: Danqing, photo: Path, tmp_path: Path) -> None:
    assert (
        danqing(
            "edit",
            "loopback",
            str(photo),
            "--loops",
            "3",
            "--seed",
            "4",
            "--out",
            str(tmp_path / "loop"),
            "--set",
            "steps=2",
        ).code
        == 0
    )
    assert sorted(path.stem for path in (tmp_path / "loop").iterdir()) == ["4", "5", "6"]


def test_zooming_out_goes_on_from_its_own_picture(danqing: Danqing, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "zoom"
    assert (
        danqing(
            "edit", "zoom-out", str(photo), "--loops", "2", "--seed", "4", "--out", str(out), "--set", "steps=2"
        ).code
        == 0
    )
    first, second = (np.array(Image.open(out / f"{seed}.png")) for seed in (4, 5))
    assert first.shape == second.shape == (64, 64, 3)
    assert not np.array_equal(first, second)


def test_a_wrong_ground_is_a_sentence(danqing: Danqing, photo: Path) -> None:
    said = danqing("edit", "outpaint", str(photo), "--left", "8", "--ground", "sky")
    assert said.code == 2
    assert "ground" in said.err
    assert "Traceback" not in said.err
