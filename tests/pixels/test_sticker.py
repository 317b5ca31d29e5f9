"""Stickers: borders of the width that was asked for, shadows below, sheets true to the millimetre."""

import numpy as np
import pytest

from danqing.base.errors import ImageError, RecipeError
from danqing.base.picture import Pixels
from danqing.pixels.fill import flattened
from danqing.pixels.sticker import (
    PrintSheet,
    Shadow,
    border_width,
    die_cut,
    pdf_of,
    printed,
    shadowed,
    sticker_parts,
    trimmed,
)
from tests.pixels.pictures import disc


def figure(size: int = 80, radius: float = 20, *, hole: float = 0) -> Pixels:
    """A red disc, perhaps with a hole, on nothing."""
    alpha = disc(size, radius, soft=1)
    if hole:
        alpha -= disc(size, hole, soft=1)
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = 220, alpha
    return pixels


@pytest.mark.parametrize("border", [3, 8, 15.5])
def test_the_border_is_as_wide_as_asked(border: float) -> None:
    sticker = die_cut(figure(radius=20), border)
    middle = sticker[sticker.shape[0] // 2]
    assert (middle[:, 3] / 255).sum() == pytest.approx(40 + 2 * border, abs=1.5)
    white = (middle[:, :3] > 200).all(axis=1) & (middle[:, 3] > 127)
    assert white.sum() / 2 == pytest.approx(border, abs=1.5)


@pytest.mark.parametrize("border", [3, 8, 15.5])
def test_the_border_of_a_sticker_is_measured(border: float) -> None:
    subject = np.roll(figure(radius=20), (7, -5), axis=(0, 1))
    subject[70, 70, 3] = 90  # a veil far from the subject moves nothing
    assert border_width(subject, die_cut(subject, border)) == pytest.approx(border, abs=1)
    assert border_width(subject, trimmed(subject)) < 1.5
    assert border_width(np.zeros_like(subject), subject) == 0


def test_pieces_of_paper_are_counted() -> None:
    one = figure(radius=20)
    assert sticker_parts(one) == 1
    assert sticker_parts(np.hstack([one, one])) == 2
    assert sticker_parts(np.zeros_like(one)) == 0


def test_the_outline_is_round_and_soft() -> None:
    sticker = die_cut(figure(radius=20), 10)
    alpha = sticker[..., 3] / 255
    assert alpha.sum() == pytest.approx(np.pi * 30**2, rel=0.03)
    assert ((alpha > 0.1) & (alpha < 0.9)).sum() > 100


def test_a_sticker_has_no_holes() -> None:
    sticker = die_cut(figure(radius=30, hole=20), 4)
    middle = sticker[sticker.shape[0] // 2, sticker.shape[1] // 2]
    assert middle.tolist() == [255, 255, 255, 255]


def test_the_subject_itself_is_not_changed() -> None:
    subject = figure(radius=20)
    sticker = die_cut(subject, 6)
    solid = sticker[(sticker[..., 1] == 0) & (sticker[..., 3] == 255)]
    assert (solid == (220, 0, 0, 255)).all()
    assert len(solid) == (subject[..., 3] == 255).sum()


def test_a_narrow_bay_is_closed() -> None:
    comb = np.zeros((60, 60, 4), np.uint8)
    comb[10:50, 10:28] = comb[10:50, 32:50] = (0, 0, 200, 255)  # two bars, 4 pixels apart
    sticker = die_cut(comb, 5)
    assert (sticker[:, sticker.shape[1] // 2, 3] > 0).sum() > 46


def test_other_borders_than_white_are_possible() -> None:
    sticker = die_cut(figure(), 8, (0, 90, 0))
    assert (sticker[sticker.shape[0] // 2, 7] == (0, 90, 0, 255)).all()


def test_a_shadow_darkens_below_and_leaves_the_sticker() -> None:
    sticker = figure(radius=20)
    shaded = shadowed(sticker, Shadow(right=0, down=10, blur=2, opacity=0.5))
    room = (shaded.shape[0] - sticker.shape[0]) // 2
    inner = shaded[room:-room, room:-room]
    assert np.array_equal(inner[sticker[..., 3] == 255], sticker[sticker[..., 3] == 255])
    ground = flattened(shaded).astype(int)
    middle = shaded.shape[1] // 2
    assert ground[room + 40 + 25, middle].max() < 160
    assert ground[room + 40 - 25, middle].min() > 250


def test_trimming_leaves_what_is_visible() -> None:
    assert trimmed(figure(80, 20)).shape == (40, 40, 4)
    assert trimmed(figure(80, 20), 3).shape == (46, 46, 4)


def test_nothing_visible_is_no_sticker() -> None:
    with pytest.raises(ImageError, match="nothing of the picture is visible"):
        trimmed(np.zeros((9, 9, 4), np.uint8))


@pytest.mark.parametrize(
    ("sheet", "pixels", "shape"),
    [
        (PrintSheet(), (2480, 3508), (3, 5)),  # A4 at 300 dpi, as everybody knows it
        (PrintSheet(paper="A5", dpi=100, sticker=128, margin=10), (583, 827), (1, 1)),
        (PrintSheet(paper="Letter", dpi=254, sticker=30, gap=0, margin=10), (2159, 2794), (6, 8)),
    ],
)
def test_a_sheet_has_its_size(sheet: PrintSheet, pixels: tuple[int, int], shape: tuple[int, int]) -> None:
    assert (sheet.size, sheet.shape) == (pixels, shape)


def test_stickers_stand_in_their_places_to_the_millimetre() -> None:
    sheet = PrintSheet(paper="A6", dpi=254, sticker=40, gap=5, margin=5, cut_marks=False)  # 10 pixels to the mm
    square = np.zeros((30, 30, 4), np.uint8)
    square[..., 3] = 255
    (page,) = printed([square] * 3, sheet)
    dark = page.max(axis=2) == 0
    assert dark.sum() == 3 * 400 * 400
    columns = np.flatnonzero(dark.any(axis=0))
    assert columns[0] == 100  # (105 - 2 * 40 - 5) / 2 mm
    assert np.flatnonzero(dark[:, 700]).tolist() == list(
        range(np.flatnonzero(dark[:, 700])[0], np.flatnonzero(dark[:, 700])[0] + 400)
    )


def test_cut_marks_stay_outside_of_the_stickers() -> None:
    square = np.full((30, 30, 4), 255, np.uint8)
    sheet = PrintSheet(paper="A6", dpi=254, sticker=40, gap=5, margin=5)
    (page,) = printed([square], sheet)
    marks = np.argwhere(page.min(axis=2) < 200)
    assert len(marks) > 0
    plain = printed([square], PrintSheet(paper="A6", dpi=254, sticker=40, gap=5, margin=5, cut_marks=False))[0]
    assert (plain == 255).all()
    top, left = marks.min(axis=0)
    bottom, right = marks.max(axis=0)
    assert (bottom - top, right - left) == pytest.approx((400 + 2 * 22, 400 + 2 * 22), abs=3)


def test_more_stickers_take_more_pages() -> None:
    sheet = PrintSheet(paper="A6", dpi=72, sticker=40)
    pages = printed([figure()] * 7, sheet)
    assert [page.shape for page in pages] == [(420, 298, 3)] * 2


def test_a_pdf_has_its_pages_at_true_size() -> None:
    data = pdf_of(printed([figure()] * 7, PrintSheet(paper="A6", dpi=72, sticker=40)), 72)
    assert data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") == 2
    assert b"298" in data[data.index(b"/MediaBox") :][:60]


@pytest.mark.parametrize(
    ("sheet", "words"),
    [(PrintSheet(paper="A44"), "no paper named 'A44'"), (PrintSheet(sticker=300), "doesn't fit on A4")],
)
def test_impossible_sheets_are_refused(sheet: PrintSheet, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        printed([figure()], sheet)


def test_a_sheet_of_nothing_is_refused() -> None:
    with pytest.raises(ImageError, match="at least one"):
        printed([], PrintSheet())
