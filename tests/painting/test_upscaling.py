"""What is asked of upscalers, without torch: names, sizes, notes."""

from pathlib import Path

import pytest

from danqing.base.errors import ModelError, RecipeError
from danqing.base.order import Order
from danqing.base.picture_parts import Hires
from danqing.base.protocols import ModelFile
from danqing.base.recipe import Recipe
from danqing.painting.check import check
from danqing.painting.upscaling import (
    EMBEDDED,
    UpscaleRequest,
    default_upscaler,
    find_upscaler,
    postprocess_note,
    target_of,
    upscaler_names,
)
from tests.painting.upscaler_files import catalog_of, write_repeater
from tests.toy.fixtures import TOY_REF, FolderCatalog


@pytest.fixture
def catalog(tmp_path: Path) -> FolderCatalog:
    return catalog_of(tmp_path, RealESRGAN_x4plus=4, sharp=2)


@pytest.mark.parametrize(
    ("size", "request_", "scaled", "at", "result"),
    [
        ((100, 60), {"by": 2}, (200, 120), (0, 0), (200, 120)),
        ((33, 33), {"by": 4}, (132, 132), (0, 0), (132, 132)),
        ((101, 51), {"by": 1.5}, (151, 76), (0, 0), (151, 76)),
        ((3, 3), {"by": 0.1}, (1, 1), (0, 0), (1, 1)),
        ((100, 50), {"width": 400}, (400, 200), (0, 0), (400, 200)),
        ((100, 50), {"height": 400}, (800, 400), (0, 0), (800, 400)),
        ((100, 50), {"width": 200, "height": 200}, (400, 200), (-100, 0), (200, 200)),
        ((50, 100), {"width": 200, "height": 100}, (200, 400), (0, -150), (200, 100)),
        ((100, 50), {"width": 200, "height": 200, "crop": False}, (400, 200), (0, 0), (400, 200)),
    ],
)
def test_a_target_is_worked_out_as_in_extras(
    size: tuple[int, int],
    request_: dict[str, object],
    scaled: tuple[int, int],
    at: tuple[int, int],
    result: tuple[int, int],
) -> None:
    target = target_of(size, UpscaleRequest.model_validate(request_))
    assert (target.fit.scaled, target.fit.at, target.size) == (scaled, at, result)


@pytest.mark.parametrize("name", ["Lanczos", "lanczos", "None", "Nearest"])
def test_resampling_needs_no_file(name: str, catalog: FolderCatalog) -> None:
    assert find_upscaler(name, catalog) == ("Nearest" if name == "Nearest" else "Lanczos")


@pytest.mark.parametrize("name", ["RealESRGAN_x4plus", "realesrgan_X4PLUS", "R-ESRGAN 4x+", "r-esrgan 4x+"])
def test_a_file_goes_by_its_own_name_and_by_a1111s(name: str, catalog: FolderCatalog) -> None:
    found = find_upscaler(name, catalog)
    assert isinstance(found, ModelFile)
    assert found.name == "RealESRGAN_x4plus"
    assert len(found.sha256) == 64


def test_a_file_under_a1111s_name_is_found_by_its_old_one(tmp_path: Path) -> None:
    write_repeater(tmp_path / "R-ESRGAN AnimeVideo.safetensors", 4)
    found = find_upscaler("realesr-animevideov3", FolderCatalog(tmp_path))
    assert isinstance(found, ModelFile)
    assert found.name == "R-ESRGAN AnimeVideo"


def test_an_unknown_name_is_told_with_its_neighbour_and_where_more_come_from(catalog: FolderCatalog) -> None:
    with pytest.raises(RecipeError, match=r"no upscaler named 'shapr'; did you mean sharp\?.*pack:real-esrgan"):
        find_upscaler("shapr", catalog)


def test_a_damaged_file_is_not_taken_for_a_missing_one(catalog: FolderCatalog, tmp_path: Path) -> None:
    class Damaged(FolderCatalog):
        def find(self, *args: object) -> ModelFile:  # pyright: ignore[reportIncompatibleMethodOverride]
            raise ModelError("sharp: cut off")

    with pytest.raises(ModelError, match="cut off"):
        find_upscaler("sharp", Damaged(tmp_path))


def test_the_embedded_upscaler_is_the_default_where_it_is(catalog: FolderCatalog, tmp_path: Path) -> None:
    assert upscaler_names(catalog) == ["Lanczos", "Nearest", "RealESRGAN_x4plus", "sharp"]
    assert default_upscaler(catalog) == "Lanczos"
    assert find_upscaler("", catalog) == "Lanczos"
    write_repeater(tmp_path / f"{EMBEDDED}.safetensors", 4)
    assert default_upscaler(catalog) == EMBEDDED


@pytest.mark.parametrize(
    ("fields", "size", "note"),
    [
        ({"by": 4}, (512, 512), "Postprocess upscale by: 4, Postprocess upscaler: x"),
        (
            {"width": 64, "height": 32},
            (64, 32),
            "Postprocess upscale to: 64x32, Postprocess crop to: 64x32, Postprocess upscaler: x",
        ),
        ({"width": 64}, (64, 48), "Postprocess upscale to: 64x48, Postprocess upscaler: x"),
        (
            {"by": 1.5, "second": "a, b", "visibility": 0.25},
            (96, 96),
            'Postprocess upscale by: 1.5, Postprocess upscaler: x, Postprocess upscaler 2: "a, b", '
            "Postprocess upscaler 2 visibility: 0.25",
        ),
    ],
)
def test_the_note_is_written_as_a1111_writes_it(fields: dict[str, object], size: tuple[int, int], note: str) -> None:
    assert postprocess_note(UpscaleRequest.model_validate(fields), "x", size) == note


@pytest.mark.parametrize("name", ["sharp", "R-ESRGAN 4x+", "Lanczos", "None", "Latent (bicubic)"])
def test_hires_takes_every_upscaler_there_is(name: str, catalog: FolderCatalog, toy_folder: Path) -> None:
    (catalog.folder / "toy").symlink_to(toy_folder, target_is_directory=True)
    order = Order(recipe=Recipe(model=TOY_REF, hires=Hires(upscaler=name)), left_to_model=())
    assert [complaint.message for complaint in check(order, catalog) if complaint.fatal] == []


def test_hires_with_an_unknown_upscaler_is_refused_with_the_nearest_name(catalog: FolderCatalog) -> None:
    order = Order(recipe=Recipe(model=TOY_REF, hires=Hires(upscaler="shrp")), left_to_model=())
    messages = [complaint.message for complaint in check(order, catalog)]
    assert any("no hires upscaler named 'shrp'; did you mean sharp?" in message for message in messages)
