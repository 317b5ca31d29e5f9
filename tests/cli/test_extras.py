from pathlib import Path

import numpy as np
import pytest

from danqing.pixels.files import read_metadata, read_picture, write_picture
from tests.cli.conftest import Danqing
from tests.painting.upscaler_files import write_repeater

NOISE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


@pytest.fixture
def pictures(danqing: Danqing, tmp_path: Path) -> Path:
    """A folder of two pictures and a text, and an upscaler in the home."""
    write_repeater(danqing.home / "models" / "ESRGAN" / "double.safetensors", 2)
    for name in ("a", "b"):
        write_picture(tmp_path / "in" / f"{name}.png", NOISE)
    (tmp_path / "in" / "notes.txt").write_text("not a picture")
    return tmp_path / "in"


def test_a_picture_is_enlarged_by_a_factor(danqing: Danqing, pictures: Path) -> None:
    path = danqing("extras", pictures / "a.png", "--upscaler", "double", "--by", "2", "--quiet").out.strip()
    assert Path(path) == danqing.home / "outputs" / "extras-images" / "a.png"
    assert np.array_equal(read_picture(Path(path)), NOISE.repeat(2, 0).repeat(2, 1))


def test_a_folder_of_pictures_is_enlarged_to_a_size(danqing: Danqing, pictures: Path, tmp_path: Path) -> None:
    ran = danqing("extras", pictures, "-u", "double", "--to", "30x30", "--out", tmp_path / "out", "--json")
    assert [(one["width"], one["height"], one["upscaler"]) for one in ran.json["pictures"]] == [(30, 30, "double")] * 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize(("size", "made"), [("24x", "24x16"), ("x24", "36x24"), ("20x10", "20x10")])
def test_a_side_that_is_not_said_keeps_the_shape(size: str, made: str, danqing: Danqing, pictures: Path) -> None:
    assert f"{made}, Lanczos" in danqing("extras", pictures / "a.png", "-u", "lanczos", "--to", size).out


def test_a_second_upscaler_is_noted(danqing: Danqing, pictures: Path) -> None:
    words = ("-u", "double", "--by", "2", "--second", "Nearest", "--visibility", "0.5", "--quiet")
    path = Path(danqing("extras", pictures / "a.png", *words).out.strip())
    assert (
        read_metadata(path)
        .raw["postprocessing"]
        .endswith(
            "Postprocess upscaler: double, Postprocess upscaler 2: Nearest, Postprocess upscaler 2 visibility: 0.5"
        )
    )


def test_one_picture_that_can_not_be_read_does_not_stop_the_others(danqing: Danqing, pictures: Path) -> None:
    (pictures / "a.png").write_bytes(b"broken")
    ran = danqing("extras", pictures, "-u", "double", "--by", "2", "--json")
    assert ran.code == 2
    assert [Path(one["picture"]).name for one in ran.json["pictures"]] == ["b.png"]
    assert [Path(one["picture"]).name for one in ran.json["refused"]] == ["a.png"]
    assert "1 of 2 could not be enlarged: a.png" in danqing("extras", pictures, "-u", "double", "--by", "2").err


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("a.png", "-u", "dubl"), "did you mean double?"),
        (("a.png", "--to", "big"), "write 2048x1024, 2048x or x1024"),
        (("a.png", "--by", "0"), "by must be at least"),
        (("gone.png",), "there is no file"),
        ((), "name a picture"),
    ],
)
def test_what_can_not_be_done_is_said(words: tuple[str, ...], word: str, danqing: Danqing, pictures: Path) -> None:
    ran = danqing("extras", *(str(pictures / one) if one.endswith(".png") else one for one in words))
    assert ran.code == 2
    assert word in ran.err
    assert danqing.files("outputs/extras-images") == []


def test_an_empty_folder_is_told(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "there are no pictures in" in danqing("extras", tmp_path / "empty").err


def test_upscalers_are_listed(danqing: Danqing, pictures: Path) -> None:
    assert danqing("extras", "--upscalers").out.splitlines()[0].startswith("Lanczos")
    listed = danqing("extras", "--upscalers", "--json").json
    assert {"Lanczos", "Nearest", "double"} <= set(listed["upscalers"])
    assert listed["default"] in listed["upscalers"]


def test_an_enlarged_picture_says_so_and_is_not_replayed(danqing: Danqing, pictures: Path) -> None:
    painted = danqing("paint", "a cat", "--seed", "3", "--quiet").out.strip()
    large = danqing("extras", painted, "-u", "double", "--by", "2", "--quiet").out.strip()
    assert "then upscale: by 2.0, size 256x256, upscaler double" in danqing("read", large).out
    ran = danqing("replay", large)
    assert ran.code == 2
    assert "no longer as it was painted (upscale)" in ran.err
    assert danqing("paint", "--from", large, "--quiet").code == 0
