"""Stickers: real alpha, a border as wide as asked, sheets, and a check that says what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from danqing.base.errors import ImageError, RecipeError
from danqing.pixels.background import Cutout
from danqing.pixels.files import read_picture
from danqing.pixels.sticker import die_cut
from danqing.studio.presets.pieces import Finding
from danqing.studio.presets.sticker import Stickers, StickerSettings, check_stickers
from tests.pixels.pictures import disc
from tests.studio.presets.conftest import Presets, apple, verdicts

SMALL = {"dpi": 72, "paper": "A6"}


def cut(radius: float = 20.0, size: int = 80) -> Cutout:
    alpha = disc(size, radius)
    return Cutout(np.dstack([np.where(alpha[..., None] > 0, np.uint8(90), np.uint8(0)).repeat(3, 2), alpha]), 1.0)


def checked(made: Stickers) -> dict[str, Finding]:
    return {finding.what: finding for finding in check_stickers(made, StickerSettings())}


def stickers(border: float = 6.0, asked: float = 6.0, subject: Cutout | None = None) -> Stickers:
    subject = subject or cut()
    return Stickers((), (subject,), (die_cut(subject.pixels, border),), asked)


def test_a_subject_on_a_plain_ground_becomes_a_good_sticker(presets: Presets) -> None:
    done = presets("sticker", apple(), side=96, border=5, **SMALL)
    assert done.good, done.findings
    assert sorted(one.path.name for one in done.results) == ["sheet-1.png", "sheets.pdf", "sticker-1.png"]
    sticker = read_picture(presets.folder / "sticker-1.png")
    assert sticker.shape[2] == 4
    middle = sticker.shape[0] // 2
    assert sticker[0, 0, 3] == 0
    assert tuple(sticker[middle, middle]) == (200, 30, 20, 255)
    assert (sticker[middle, 2:5, :3] == 255).all()
    assert sticker[middle, 6, 3] == 255
    assert (presets.folder / "sheets.pdf").read_bytes().startswith(b"%PDF")


def test_the_sheet_is_as_large_as_its_paper_and_full(presets: Presets) -> None:
    presets("sticker", apple(), side=96, millimetres=30, **SMALL)
    sheet = read_picture(presets.folder / "sheet-1.png")
    assert (sheet.shape[1], sheet.shape[0]) == (round(105 / 25.4 * 72), round(148 / 25.4 * 72))
    halves = (sheet[: sheet.shape[0] // 2], sheet[sheet.shape[0] // 2 :])
    assert all((half[..., 0].astype(int) - half[..., 2] > 100).mean() > 0.05 for half in halves)


def test_a_picture_that_is_small_is_enlarged(presets: Presets) -> None:
    presets("sticker", apple(48), side=192, **SMALL)
    assert max(read_picture(presets.folder / "sticker-1.png").shape) > 100


def test_a_picture_with_alpha_keeps_it(presets: Presets) -> None:
    done = presets("sticker", cut().pixels, side=80, **SMALL)
    assert verdicts(done)["plain background"]
    assert verdicts(done)["real alpha"]


def test_a_painted_subject_is_kept_as_it_was_painted_even_where_no_sticker_comes_of_it(presets: Presets) -> None:
    with pytest.raises(ImageError, match="no subject"):  # the toy paints clouds
        presets("sticker", prompt="a cat", seed=7, side=64, count=2, **SMALL)
    assert len(list((presets.folder / "painted").iterdir())) == 2


def test_a_picture_without_a_subject_is_left_out_and_said(presets: Presets) -> None:
    done = presets("sticker", np.full((64, 64, 3), 90, np.uint8), apple(64), side=64, **SMALL)
    assert [one.path.name for one in done.results][:2] == ["sticker-1.png", "sheet-1.png"]
    assert [finding.sentence for finding in done.findings if not finding.good] == [
        "picture 1: no subject could be told from the background; it is left out"
    ]


def test_a_ground_that_is_not_plain_is_said() -> None:
    assert not checked(stickers(subject=replace(cut(), plainness=0.4)))["plain background"].good
    assert checked(stickers())["plain background"].good


def test_a_subject_that_leaves_the_picture_is_said(presets: Presets) -> None:
    cropped = np.ascontiguousarray(apple(120)[:, 45:])
    assert not verdicts(presets("sticker", cropped, side=120, **SMALL))["whole subject"]


@pytest.mark.parametrize(("border", "good"), [(6.0, True), (2.0, False)])
def test_the_border_is_measured(border: float, good: bool) -> None:
    finding = checked(stickers(border, asked=6.0))["border"]
    assert finding.good is good
    assert finding.value == pytest.approx(border, abs=1)


def test_a_sticker_in_two_pieces_is_said() -> None:
    one = cut(10, 60).pixels
    made = stickers(subject=Cutout(np.hstack([one, one]), 1.0), border=3)
    assert not checked(made)["one piece"].good
    assert checked(stickers())["one piece"].good


def test_alpha_that_is_none_is_said() -> None:
    solid = replace(cut(), pixels=np.full((40, 40, 4), 255, np.uint8))
    assert not checked(stickers(subject=solid))["real alpha"].good
    assert checked(stickers())["real alpha"].good


def test_nothing_to_show_is_refused_before_painting(presets: Presets) -> None:
    with pytest.raises(RecipeError, match="give --prompt"):
        presets("sticker")


def test_a_paper_that_is_not_known_is_refused_before_painting(presets: Presets) -> None:
    with pytest.raises(RecipeError, match="A4"):
        presets("sticker", prompt="a cat", paper="A44")
    assert not (presets.folder / "painted").exists()
