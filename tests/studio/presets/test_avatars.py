"""Sets of avatars: round with real alpha, all different; where not, it is said."""

import numpy as np
import pytest

from danqing.pixels.files import read_picture
from danqing.studio.presets.avatars import Avatars, AvatarSettings, check_avatars, rounded_off
from tests.pixels.pictures import noise
from tests.studio.presets.conftest import Presets, apple, verdicts


def wrong(*squares: np.ndarray, **said: object) -> set[str]:
    settings = AvatarSettings.model_validate(said)
    made = Avatars((), tuple(rounded_off(square) for square in squares), squares)
    return {finding.what for finding in check_avatars(made, settings) if not finding.good}


def test_given_pictures_become_round_avatars(presets: Presets) -> None:
    done = presets("avatars", apple(), apple(ground=(20, 160, 60)), side=64)
    assert done.good, done.findings
    avatar = read_picture(presets.folder / "avatar-2.png")
    assert avatar.shape == (64, 64, 4)
    assert tuple(avatar[0, 0]) == (0, 0, 0, 0)
    assert (avatar[..., 3] == 255).mean() == pytest.approx(np.pi / 4, abs=0.05)
    assert read_picture(presets.folder / "sheet.png").shape == (3 + 64 + 3, 3 + 2 * (64 + 3), 3)


def test_moods_are_painted_from_one_seed(presets: Presets) -> None:
    presets("avatars", prompt="a fox", moods="sad; happy", side=64, seed=4, shape="square")
    stories = [
        presets.studio.images.told(presets.studio.images.put(path)).infotext or ""
        for path in sorted((presets.folder / "painted").iterdir())
    ]
    assert {story.splitlines()[0] for story in stories} == {
        "a fox, sad, portrait, blue background",
        "a fox, happy, portrait, blue background",
    }
    assert all("Seed: 4," in story for story in stories)
    assert read_picture(presets.folder / "avatar-1.png").shape == (64, 64, 3)


def test_without_moods_seeds_count_up(presets: Presets) -> None:
    presets("avatars", prompt="a fox", moods="", count=2, side=64, seed=4)
    assert {path.stem for path in (presets.folder / "painted").iterdir()} == {"4", "5"}


def test_twins_are_said() -> None:
    assert wrong(apple(), apple()) == {"all different"}
    assert wrong(apple(), apple(ground=(20, 160, 60))) == set()


def test_a_subject_that_the_round_edge_cuts_is_said() -> None:
    corner = np.roll(apple(96, radius=0.2), (-30, -30), (0, 1))
    assert wrong(corner) == {"framing"}


def test_a_background_that_is_not_plain_lets_nothing_be_measured() -> None:
    assert wrong(noise(64, 64)) == {"framing"}


def test_a_round_avatar_without_alpha_is_said() -> None:
    square = apple()
    for avatar in (square, np.dstack([square, np.full(square.shape[:2], 255, np.uint8)])):
        findings = check_avatars(Avatars((), (avatar,), (square,)), AvatarSettings(shape="round"))
        assert {one.what for one in findings if not one.good} == {"real alpha"}
    assert check_avatars(Avatars((), (square,), (square,)), AvatarSettings(shape="square")) == ()


def test_a_set_that_is_good_is_called_good(presets: Presets) -> None:
    assert verdicts(presets("avatars", apple(), side=64)) == {"real alpha": True, "framing": True}
