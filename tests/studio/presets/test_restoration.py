"""Photographs that the tests scratched are restored; what is left, lost or invented is said."""

import numpy as np
import pytest

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Pixels
from danqing.pixels.files import read_picture
from danqing.pixels.mask import mask_of_box
from danqing.studio.presets.pieces import Finding
from danqing.studio.presets.restoration import (
    RestorationSettings,
    Restored,
    check_restored,
    found_damage,
    likeness_of_edges,
)
from tests.pixels.pictures import noise
from tests.pixels.test_restore import scene, scratched
from tests.studio.presets.conftest import Presets, verdicts


def faded(pixels: Pixels) -> Pixels:
    return (90 + pixels.astype(np.float32) * 0.3).astype(np.uint8)


def checked(before: Pixels, after: Pixels, **said: object) -> dict[str, Finding]:
    settings = RestorationSettings.model_validate(said)
    made = Restored((), before, found_damage(before, settings), after)
    return {finding.what: finding for finding in check_restored(made, settings)}


def test_a_scratched_and_faded_photograph_is_restored(presets: Presets) -> None:
    clean = scene(0)
    old, truth = scratched(scene(4))
    done = presets("restoration", faded(old), by=1)
    assert done.good, done.findings
    restored = read_picture(presets.folder / "restored.png").astype(int)
    damage = read_picture(presets.folder / "damage.png")[..., 0]
    assert (damage[truth > 0] > 0).mean() > 0.9
    before, after = (np.abs(each.astype(int) - clean).mean() for each in (faded(old), restored))
    assert after < before / 2


def test_it_is_enlarged(presets: Presets) -> None:
    presets("restoration", scene()[:80, :120], by=2)
    assert read_picture(presets.folder / "restored.png").shape == (160, 240, 3)


def test_a_toned_print_keeps_its_tone(presets: Presets) -> None:
    sepia = (faded(scene()).mean(axis=2, keepdims=True) * (1.06, 0.97, 0.8)).astype(np.uint8)
    presets("restoration", sepia, by=1)
    restored = read_picture(presets.folder / "restored.png")
    spreads = [np.ptp(one.reshape(-1, 3).mean(axis=0)) for one in (sepia, restored)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.3)


def test_no_colours_is_grey(presets: Presets) -> None:
    presets("restoration", scene(), tone="grey", by=1)
    restored = read_picture(presets.folder / "restored.png")
    assert (restored == restored[..., :1]).all()


def test_colours_of_a_model_are_called_invented(presets: Presets) -> None:
    grey = np.repeat(scene()[:64, :64, :1], 3, axis=2)
    done = presets("restoration", grey, tone="model", prompt="a house", seed=3, by=1, unfade=False, denoise=0)
    assert not verdicts(done)["colours"]
    restored = read_picture(presets.folder / "restored.png").astype(int)
    assert np.ptp(restored, axis=2).mean() > 2
    light = restored @ (0.299, 0.587, 0.114)
    assert np.abs(light - grey[..., 0]).mean() < 12


def test_a_marked_tear_is_painted_by_the_model(presets: Presets) -> None:
    torn = scene(0)[:64, :64].copy()
    torn[20:40, 20:40] = 255
    mask = np.repeat(mask_of_box((64, 64), (20, 20, 40, 40))[..., None], 3, axis=2)
    said = {"mask": presets.put(mask), "mend": "model", "denoise": 0, "unfade": False, "by": 1, "seed": 1}
    presets("restoration", torn, sensitivity=0.0, **said)
    restored = read_picture(presets.folder / "restored.png")
    assert np.array_equal(restored[:16], torn[:16])
    assert (restored[20:40, 20:40] != 255).any(axis=2).mean() > 0.9
    assert len(list((presets.folder / "painted").iterdir())) == 1


def test_scratches_that_are_still_there_are_said() -> None:
    old, _ = scratched(scene(4))
    assert not checked(old, old)["scratches left"].good
    assert checked(old, scene(4))["scratches left"].good


def test_damage_everywhere_is_not_believed() -> None:
    assert not checked(noise(64, 64), noise(64, 64), mask=None, sensitivity=1.0, widest=4)["damage"].good
    assert checked(scene(), scene())["damage"].good


def test_detail_that_went_is_said() -> None:
    assert not checked(scene(), np.full_like(scene(), 128))["detail"].good
    assert checked(scene(8), scene(0))["detail"].good


def test_edges_are_alike_where_they_are_compared() -> None:
    one, other = scene(0), scene(0)
    other[:, 120:] = noise(120, 240)
    left = np.arange(240)[None, :].repeat(240, 0) < 110
    assert likeness_of_edges(one, other, left) == pytest.approx(1, abs=1e-3)
    assert likeness_of_edges(one, other, ~left) < 0.5
    assert likeness_of_edges(one, other, np.zeros_like(left)) == 0


def test_a_picture_that_is_still_faded_is_said() -> None:
    assert not checked(scene(), faded(scene()))["range"].good


def test_more_grain_than_before_is_said() -> None:
    assert not checked(scene(2), scene(12))["grain"].good
    assert checked(scene(12), scene(2))["grain"].good


def test_one_photograph_at_a_time(presets: Presets) -> None:
    with pytest.raises(RecipeError, match="--picture"):
        presets("restoration")


def test_a_mask_that_marks_nothing_is_refused(presets: Presets) -> None:
    with pytest.raises(ImageError, match="black all over"):
        presets("restoration", scene(), mask=presets.put(np.zeros((8, 8, 3), np.uint8)))
