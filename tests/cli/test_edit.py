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


def test_a_blend_lies_between_its_pictures_and_joins_their_prompts(danqing: Danqing, tmp_path: Path) -> None:
    for name, seed in (("red", "1"), ("blue", "2")):
        assert (
            danqing(
                "paint", f"{name} apple", "--seed", seed, "--out", str(tmp_path / f"{name}.png"), "--set", "steps=2"
            ).code
            == 0
        )
    out = tmp_path / "both.png"
    words = ("edit", "blend", str(tmp_path / "red.png"), str(tmp_path / "blue.png"), "--seed", "3", "--set", "steps=2")
    assert danqing(*words, "--strength", "0", "--out", str(out)).code == 0
    recipe = danqing("read", str(out), "--json").json["recipe"]
    assert recipe["prompt"] == "red apple AND blue apple"
    alone = tmp_path / "alone.png"
    assert danqing(*words, "--strength", "0", "--weights", "1,0", "--out", str(alone)).code == 0
    assert not np.array_equal(np.array(Image.open(out)), np.array(Image.open(alone)))


def test_one_picture_makes_no_blend(danqing: Danqing, photo: Path) -> None:
    said = danqing("edit", "blend", str(photo))
    assert said.code == 2
    assert "two to five pictures" in said.err


def test_variations_are_the_pictures_own_recipe_with_another_second_seed(danqing: Danqing, tmp_path: Path) -> None:
    assert danqing("paint", "a cat", "--seed", "1", "--out", str(tmp_path / "cat.png"), "--set", "steps=2").code == 0
    out = tmp_path / "varied"
    assert (
        danqing("edit", "vary", str(tmp_path / "cat.png"), "--count", "2", "--seed", "8", "--out", str(out)).code == 0
    )
    recipes = [danqing("read", str(path), "--json").json["recipe"] for path in sorted(out.iterdir())]
    variations = sorted((recipe["variation"] for recipe in recipes), key=lambda one: one["seed"])
    assert variations == [{"seed": 8, "strength": 0.15}, {"seed": 9, "strength": 0.15}]
    assert {recipe["prompt"] for recipe in recipes} == {"a cat"}


def test_a_photograph_is_varied_by_painting_over_it(danqing: Danqing, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "over"
    assert (
        danqing(
            "edit", "vary", str(photo), "--strong", "--count", "1", "--seed", "8", "--out", str(out), "--set", "steps=2"
        ).code
        == 0
    )
    (path,) = out.iterdir()
    assert danqing("read", str(path), "--json").json["recipe"]["init"]["denoising_strength"] == 0.6


def test_a_folder_is_painted_over_picture_by_picture(danqing: Danqing, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(np.full((64, 64, 3), 90 * number, np.uint8)).save(folder / f"{number}.png")
    words = ("paint", "a cat", "--init-image", str(folder), "--inpaint-mask", "box:0,0,32,64", "--seed", "1")
    ran = danqing(*words, "--out", str(tmp_path / "out"), "--set", "steps=2", "--set", "inpaint.blur_x=0", "--quiet")
    assert ran.code == 0
    for number, path in enumerate(ran.paths):
        assert (np.array(Image.open(path))[:, 40:] == 90 * number).all()


@pytest.mark.parametrize("weights", ["0,1", "0,0", "1,-1", "a,b"])
def test_weights_that_mean_nothing_are_said(danqing: Danqing, photo: Path, weights: str) -> None:
    said = danqing("edit", "blend", str(photo), str(photo), "--weights", weights)
    assert said.code == 2
    assert "weight" in said.err


def test_a_mask_of_nothing_is_refused(danqing: Danqing, photo: Path, tmp_path: Path) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "black.png")
    for mask in (str(tmp_path / "black.png"), "box:100,100,200,200", "color:#010203,0"):
        said = danqing("paint", "a cat", "--init-image", str(photo), "--inpaint-mask", mask)
        assert said.code == 2
        assert "masks nothing" in said.err


def test_a_damaged_picture_in_a_folder_is_left_out_and_said(danqing: Danqing, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "bad.png").write_bytes(photo.read_bytes()[:200])
    (folder / "good.png").write_bytes(photo.read_bytes())
    ran = danqing("paint", "a cat", "--init-image", str(folder), "--seed", "1", "--set", "steps=2", "--quiet")
    assert ran.code == 0
    assert len(ran.paths) == 1
    assert "left out" in ran.err


def test_a_tile_smaller_than_two_latent_points_is_refused(danqing: Danqing) -> None:
    said = danqing("paint", "a cat", "--set", "tiled.width=8")
    assert said.code == 2
    assert "16 pixels at least" in said.err
