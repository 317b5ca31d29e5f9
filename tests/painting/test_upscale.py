"""Pictures enlarged by networks whose result can be told beforehand."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Pixels
from danqing.base.progress import Progress, Verdict
from danqing.painting.upscale import FAR, Upscalers, tiling_of
from danqing.painting.upscaling import UpscaleRequest, UpscaleStopped
from danqing.weights.place import Place
from danqing.weights.upscalers.loading import load_upscaler
from danqing.weights.upscalers.upscaler import Upscaler
from tests.painting.upscaler_files import catalog_of, write_repeater, write_upscaler

LANCZOS = Image.Resampling.LANCZOS


def picture(width: int = 20, height: int = 12, channels: int = 3) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def repeated(pixels: Pixels, times: int) -> Pixels:
    return pixels.repeat(times, 0).repeat(times, 1)


def lanczos(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    across = Image.fromarray(pixels).resize((size[0], pixels.shape[0]), LANCZOS)
    return np.asarray(across.resize(size, LANCZOS))


def differ(one: Pixels, other: Pixels) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other).max())


@pytest.fixture
def upscalers(tmp_path: Path) -> Upscalers:
    return Upscalers(catalog_of(tmp_path, double=2, fourfold=4, same=1), Place())


def test_a_factor_that_the_network_has_needs_no_resampling(upscalers: Upscalers) -> None:
    made = upscalers.upscale(picture(), UpscaleRequest(upscaler="fourfold", by=4))
    assert differ(made, repeated(picture(), 4)) == 0


def test_a_smaller_factor_is_the_networks_result_shrunk(upscalers: Upscalers) -> None:
    made = upscalers.upscale(picture(), UpscaleRequest(upscaler="fourfold", by=3))
    assert differ(made, lanczos(repeated(picture(), 4), (60, 36))) <= 1


def test_a_larger_factor_applies_the_network_again(upscalers: Upscalers) -> None:
    made = upscalers.upscale(picture(), UpscaleRequest(upscaler="double", by=8))
    assert differ(made, repeated(picture(), 8)) == 0


def test_a_network_is_applied_three_times_at_most(upscalers: Upscalers) -> None:
    made = upscalers.upscale(picture(6, 5), UpscaleRequest(upscaler="double", by=12))
    assert differ(made, lanczos(repeated(picture(6, 5), 8), (72, 60))) <= 1


def test_a_factor_of_one_runs_the_network_once_and_a_smaller_one_not_at_all(tmp_path: Path) -> None:
    write_repeater(tmp_path / "bright.safetensors", 2, brighter=0.1)
    upscalers = Upscalers(catalog_of(tmp_path), Place())
    grey = np.full((16, 16, 3), 100, np.uint8)
    assert upscalers.upscale(grey, UpscaleRequest(upscaler="bright", by=1)).mean() == pytest.approx(125.5, abs=1)
    assert upscalers.upscale(grey, UpscaleRequest(upscaler="bright", by=0.5)).mean() == 100


def test_a_size_is_covered_and_cropped_in_the_middle(upscalers: Upscalers) -> None:
    request = UpscaleRequest(upscaler="fourfold", width=40, height=48)
    made = upscalers.upscale(picture(), request)
    whole = repeated(picture(), 4)
    assert differ(made, whole[:, 20:60]) == 0
    assert upscalers.upscale(picture(), request.but(crop=False)).shape == (48, 80, 3)


def test_a_second_upscaler_shows_through_as_much_as_it_is_visible(tmp_path: Path) -> None:
    write_repeater(tmp_path / "bright.safetensors", 4, brighter=0.4)
    upscalers = Upscalers(catalog_of(tmp_path, fourfold=4), Place())
    grey = np.full((8, 8, 3), 100, np.uint8)
    request = UpscaleRequest(upscaler="fourfold", second="bright", by=4)
    for visibility, level in ((0, 100), (0.25, 125), (0.5, 151), (1, 202)):
        made = upscalers.upscale(grey, request.but(visibility=visibility))
        assert np.abs(made.astype(int) - level).max() <= 1


def test_a_second_upscaler_that_is_missing_is_said_before_the_first_one_works(upscalers: Upscalers) -> None:
    told: list[Progress] = []

    def watch(progress: Progress) -> Verdict:
        told.append(progress)
        return Verdict.CONTINUE

    with pytest.raises(RecipeError, match="no upscaler named 'gone'"):
        upscalers.upscale(picture(), UpscaleRequest(upscaler="double", second="gone", visibility=0.5), watch)
    assert told == []


@pytest.mark.parametrize("name", ["fourfold", "Lanczos", "Nearest"])
def test_transparency_is_kept(name: str, upscalers: Upscalers) -> None:
    pixels = picture(channels=4)
    pixels[:6, :, 3], pixels[6:, :, 3] = 255, 0
    made = upscalers.upscale(pixels, UpscaleRequest(upscaler=name, by=4))
    assert made.shape == (48, 80, 4)
    assert (made[:10, :, 3] > 250).all()
    assert (made[38:, :, 3] < 5).all()


def test_colours_that_are_hidden_do_not_bleed_into_those_that_are_seen(tmp_path: Path) -> None:
    write_upscaler(tmp_path / "sharp.safetensors", layers=4)
    upscalers = Upscalers(catalog_of(tmp_path), Place())
    pixels = np.full((16, 16, 4), 200, np.uint8)
    pixels[8:] = (0, 0, 0, 0)
    other = pixels.copy()
    other[8:, :, :3] = 255
    pixels[..., 3], other[..., 3] = [np.where(np.arange(16)[:, None] < 8, 255, 0)] * 2
    request = UpscaleRequest(upscaler="sharp", by=4)
    assert differ(upscalers.upscale(pixels, request), upscalers.upscale(other, request)) == 0


def test_opaque_pictures_with_alpha_stay_opaque_and_equal_those_without(upscalers: Upscalers) -> None:
    pixels = np.dstack([picture(), np.full((12, 20), 255, np.uint8)])
    made = upscalers.upscale(pixels, UpscaleRequest(upscaler="fourfold", by=3))
    assert (made[..., 3] == 255).all()
    assert differ(made[..., :3], upscalers.upscale(picture(), UpscaleRequest(upscaler="fourfold", by=3))) == 0


def test_a_large_picture_in_tiles_is_the_same_as_in_one_piece(tmp_path: Path) -> None:
    path = write_upscaler(tmp_path / "sharp.safetensors", scale=2, layers=6)
    pixels = picture(600, 310)
    made = Upscalers(catalog_of(tmp_path), Place()).upscale(pixels, UpscaleRequest(upscaler="sharp", by=2))
    wanted = np.floor(load_upscaler(path, Place()).enlarged(pixels) + 0.5).astype(np.uint8)
    assert differ(made, wanted) <= 1
    assert wanted.std() > 20


def test_each_tile_is_told_and_may_be_the_last(upscalers: Upscalers) -> None:
    told: list[tuple[int, int]] = []

    def watch(progress: Progress) -> Verdict:
        told.append((progress.step, progress.steps))
        return Verdict.ABANDON if progress.step == 3 else Verdict.CONTINUE

    with pytest.raises(UpscaleStopped):
        upscalers.upscale(picture(600, 600), UpscaleRequest(upscaler="double", by=2), watch)
    assert told == [(1, 9), (2, 9), (3, 9)]


def test_a_result_that_is_too_large_is_refused_before_anything_is_loaded(upscalers: Upscalers) -> None:
    with pytest.raises(ImageError, match="too large"):
        upscalers.upscale(picture(2000, 2000), UpscaleRequest(upscaler="double", by=16))


def test_a_network_that_sees_no_farther_than_its_halo_is_cut_exactly() -> None:
    assert tiling_of(Upscaler("a", lambda x: x, 4, reach=18)).halo == 18
    deep, unknown = (tiling_of(Upscaler("a", lambda x: x, 4, reach=reach)) for reach in (FAR + 1, 0))
    assert deep == unknown
    assert deep.fade == 16
