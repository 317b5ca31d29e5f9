"""Pictures enlarged in files: what they told of themselves they tell still, and what was done to them too."""

import logging
from pathlib import Path

import numpy as np
import pytest

from danqing.base.errors import FileWriteError, ImageError, RecipeError
from danqing.base.infotext import read_infotext
from danqing.base.picture import Picture, Pixels, Provenance
from danqing.base.recipe import Recipe
from danqing.base.refs import Use
from danqing.painting.upscaling import UpscaleRequest
from danqing.pixels.files import read_metadata, read_picture, write_picture
from danqing.studio.extras import Extras, check_enlarging, with_note
from danqing.studio.story import infotext_of, story_in, story_of
from danqing.studio.studio import Studio
from danqing.weights.hashes import sha256_of_model
from tests.painting.upscaler_files import write_repeater

PARAMETERS = "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 120x80"
NOTE = "Postprocess upscale by: 2, Postprocess upscaler: double"
DOUBLE = UpscaleRequest(upscaler="double", by=2)


def pixels() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    write_repeater(tmp_path / "home" / "models" / "ESRGAN" / "double.safetensors", 2)
    return Studio(tmp_path / "home", environment={})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "cat.png"
    write_picture(path, pixels(), infotext=PARAMETERS, texts={"workflow": '{"nodes": []}', "Software": "x"})
    return path


def test_a_picture_lands_under_its_own_name_in_a1111s_folder(studio: Studio, source: Path) -> None:
    before = source.read_bytes()
    first = Extras(studio).enlarge(source, DOUBLE)
    again = Extras(studio).enlarge(source, DOUBLE)
    folder = studio.home.root / "outputs" / "extras-images"
    assert (first.path, again.path) == (folder / "cat.png", folder / "cat-1.png")
    assert (first.size, first.upscaler) == ((24, 16), "double")
    assert np.array_equal(read_picture(first.path), pixels().repeat(2, 0).repeat(2, 1))
    assert source.read_bytes() == before


def test_a1111s_parameters_stay_with_a_note_behind_them(studio: Studio, source: Path) -> None:
    told = read_metadata(Extras(studio).enlarge(source, DOUBLE).path)
    assert told.infotext == f"{PARAMETERS}, {NOTE}"
    assert told.raw["postprocessing"] == NOTE
    assert (told.raw["workflow"], told.raw["Software"]) == ('{"nodes": []}', "x")
    assert told.recipe_json is None
    assert read_infotext(told.infotext).order.recipe.seed == 42


@pytest.mark.parametrize("ending", [".jpg", ".webp"])
def test_other_formats_keep_the_parameters_too(ending: str, studio: Studio, source: Path, tmp_path: Path) -> None:
    made = Extras(studio).enlarge(source, DOUBLE, to=tmp_path / f"large{ending}")
    assert made.path == tmp_path / f"large{ending}"
    assert read_metadata(made.path).infotext == f"{PARAMETERS}, {NOTE}"


def test_a_picture_of_our_own_says_that_it_is_no_longer_as_it_was_painted(studio: Studio, tmp_path: Path) -> None:
    provenance = Provenance(recipe=Recipe(prompt="a cat", seed=7), seconds=1.5)
    picture = Picture(pixels(), provenance)
    source = tmp_path / "own.png"
    write_picture(source, picture.pixels, infotext=infotext_of(picture), recipe_json=story_of(picture))
    once = Extras(studio).enlarge(source, DOUBLE)
    twice = Extras(studio).enlarge(once.path, UpscaleRequest(upscaler="None", by=0.5))
    told = story_in(read_metadata(twice.path).recipe_json or "")
    assert told.recipe == provenance.recipe
    assert told.provenance.but(after=()) == provenance
    file = sha256_of_model(studio.home.root / "models" / "ESRGAN" / "double.safetensors")
    assert told.provenance.after == (
        Use(name="upscale", settings={"upscaler": "double", "by": 2, "size": "24x16", "files": {"double": file}}),
        Use(name="upscale", settings={"upscaler": "Lanczos", "by": 0.5, "size": "12x8", "files": {}}),
    )


def test_a_picture_that_told_nothing_gets_no_parameters(studio: Studio, tmp_path: Path) -> None:
    write_picture(tmp_path / "photo.png", pixels())
    told = read_metadata(Extras(studio).enlarge(tmp_path / "photo.png", DOUBLE).path)
    assert (told.infotext, told.recipe_json) == (None, None)
    assert dict(told.raw) == {"postprocessing": NOTE}


def test_a_story_that_can_not_be_read_is_left_out_and_said(
    studio: Studio, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_picture(tmp_path / "odd.png", pixels(), infotext=PARAMETERS, recipe_json='{"recipe": 999}')
    with caplog.at_level(logging.WARNING):
        told = read_metadata(Extras(studio).enlarge(tmp_path / "odd.png", DOUBLE).path)
    assert told.recipe_json is None
    assert told.infotext == f"{PARAMETERS}, {NOTE}"
    assert "can't be read" in caplog.text


def test_the_note_stands_on_its_own_line_where_there_are_no_parameters() -> None:
    assert with_note("a cat\n", NOTE) == f"a cat\n{NOTE}"


def test_without_a_name_the_best_that_is_there_is_taken(studio: Studio, source: Path) -> None:
    made = Extras(studio).enlarge(source, UpscaleRequest(by=2))
    assert made.upscaler in ("Lanczos", "danqing 4x")


def test_what_can_not_be_done_is_said_beforehand(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="did you mean double"):
        check_enlarging(studio, UpscaleRequest(upscaler="dubl"), None, 1)
    with pytest.raises(RecipeError, match="no upscaler named 'gone'"):
        check_enlarging(studio, DOUBLE.but(second="gone", visibility=0.5), None, 1)
    with pytest.raises(RecipeError, match="2 pictures can't all be written to"):
        check_enlarging(studio, DOUBLE, tmp_path / "one.png", 2)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileWriteError):
        check_enlarging(studio, DOUBLE, tmp_path / "file", 1)


def test_a_damaged_picture_leaves_nothing_behind(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(ImageError):
        Extras(studio).enlarge(tmp_path / "bad.png", DOUBLE)
    assert not (studio.home.root / "outputs" / "extras-images").exists()
