from pathlib import Path

import numpy as np
import pytest

from danqing.cli.replay import compared
from danqing.pixels.files import read_metadata, read_picture, write_picture
from tests.cli.conftest import Danqing
from tests.cli.test_paint import SMALL
from tests.cli.test_read import foreign_picture


def paint(danqing: Danqing, *words: str) -> list[Path]:
    ran = danqing("paint", "a red apple", "-q", "--seed", "7", *words, *SMALL)
    assert ran.code == 0, ran.err
    return ran.paths


def test_a_picture_replays_equal(danqing: Danqing) -> None:
    (path,) = paint(danqing)
    ran = danqing("replay", str(path))
    assert (ran.code, ran.out) == (0, "equal\n")
    assert danqing.files() == [path]


def test_the_third_of_a_batch_of_four_replays_equal(danqing: Danqing) -> None:
    path = paint(danqing, "--batch-size", "4")[2]
    ran = danqing("replay", str(path), "--json")
    assert ran.code == 0
    assert ran.json["equal"] is True
    assert ran.json["psnr"] is None
    assert "picture 3 of a batch of 4" in " ".join(ran.json["notes"])


def changed(path: Path) -> Path:
    """The picture with one row painted over, its story unchanged."""
    metadata = read_metadata(path)
    pixels = read_picture(path).copy()
    pixels[0] = 255 - pixels[0]
    other = path.with_name("changed.png")
    write_picture(other, pixels, infotext=metadata.infotext or "", recipe_json=metadata.recipe_json or "")
    return other


def test_a_picture_that_was_painted_over_differs(danqing: Danqing) -> None:
    ran = danqing("replay", str(changed(paint(danqing)[0])))
    assert ran.code == 1
    assert ran.out.startswith("different: 1.56 % of the pixels, PSNR ")


def test_the_new_picture_can_be_kept(danqing: Danqing, tmp_path: Path) -> None:
    (path,) = paint(danqing)
    ran = danqing("replay", str(path), "--out", str(tmp_path / "again.png"))
    assert ran.out.splitlines() == ["equal", str(tmp_path / "again.png")]
    assert np.array_equal(read_picture(tmp_path / "again.png"), read_picture(path))


def test_a_lossy_picture_says_that_it_can_not_come_out_equal(danqing: Danqing, tmp_path: Path) -> None:
    (path,) = paint(danqing, "--out", str(tmp_path / "fox.jpg"))
    ran = danqing("replay", str(path))
    assert ran.code == 1
    assert "only a PNG can come out equal" in ran.err


def test_a_device_that_is_not_here_is_told_and_another_taken(danqing: Danqing) -> None:
    (path,) = paint(danqing)
    metadata = read_metadata(path)
    told = (metadata.recipe_json or "").replace('"device":"cpu"', '"device":"cuda:99"')
    assert "cuda:99" in told
    other = path.with_name("far.png")
    write_picture(other, read_picture(path), recipe_json=told)
    ran = danqing("replay", str(other), "--json")
    assert ran.code in (0, 1)
    assert "painted on cuda:99 in float32 then; here not" in ran.json["notes"][0]


def test_a_device_that_was_asked_for_is_never_replaced(danqing: Danqing) -> None:
    (path,) = paint(danqing)
    ran = danqing("replay", str(path), "--device", "cuda:99")
    assert ran.code == 2
    assert "cuda:99" in ran.err


def test_a_foreign_picture_can_not_be_replayed(danqing: Danqing, tmp_path: Path) -> None:
    ran = danqing("replay", str(foreign_picture(tmp_path / "cat.png")))
    assert ran.code == 2
    assert "danqing paint --from cat.png" in ran.err


def test_a_model_that_has_gone_is_told(danqing: Danqing) -> None:
    (path,) = paint(danqing)
    (danqing.home / "models" / "Stable-diffusion" / "toy").unlink()
    ran = danqing("replay", str(path))
    assert ran.code == 2
    assert "'toy'" in ran.err


@pytest.mark.parametrize(("shift", "psnr"), [(1, 48.13), (16, 24.05)])
def test_the_difference_is_measured_in_decibels(shift: int, psnr: float) -> None:
    before = np.full((8, 8, 3), 100, np.uint8)
    assert compared(before, before + np.uint8(shift))[1] == pytest.approx(psnr, abs=0.01)


def test_pictures_of_two_sizes_are_never_equal() -> None:
    assert compared(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 16, 3), np.uint8)) == (False, 0.0)
