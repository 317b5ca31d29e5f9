"""Text on pictures: it fits its box, stands where it should, and takes a colour that can be read."""

import numpy as np
import pytest

from danqing.base.errors import ImageError, RecipeError
from danqing.pixels.color import contrast
from danqing.pixels.fonts import BUNDLED, typeface
from danqing.pixels.typeset import Type, drawn, legibility, readable_color, rim_for, set_in
from tests.pixels.pictures import noise, ramp

BOX = (20, 10, 220, 110)
PAPER = np.full((120, 240, 3), 255, np.uint8)


def type_of(**changes: object) -> Type:
    return Type(**{"face": typeface("text"), "size": 60, "smallest": 8, **changes})  # pyright: ignore[reportArgumentType]


def ink(text: str, type_: Type) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) of what is drawn."""
    dark = np.argwhere(drawn(PAPER, set_in(text, BOX, type_), type_, (0, 0, 0), (255, 0, 0)).max(axis=2) < 128)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    return int(left), int(top), int(right) + 1, int(bottom) + 1


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize(
    "text", ["A", "Ågy Qj", "the quick brown fox jumps over the lazy dog", "Ünïcødé, “quoted”: 50 €"]
)
def test_text_stays_in_its_box(name: str, text: str) -> None:
    left, top, right, bottom = ink(text, type_of(face=typeface(name)))
    assert BOX[0] - 2 <= left < right <= BOX[2] + 2
    assert BOX[1] - 2 <= top < bottom <= BOX[3] + 2


def test_text_is_as_large_as_wished_where_there_is_room() -> None:
    assert set_in("fox", BOX, type_of(size=30)).size == 30
    long = set_in("the quick brown fox jumps over the lazy dog", BOX, type_of(size=90))
    assert 8 < long.size < 90


def test_a_word_is_not_broken_while_it_fits_smaller() -> None:
    setting = set_in("incomprehensibilities", BOX, type_of())
    assert [line for line, _, _ in setting.lines] == ["incomprehensibilities"]


def test_text_without_room_is_refused() -> None:
    with pytest.raises(RecipeError, match="doesn't fit in 200x100"):
        set_in("word " * 400, BOX, type_of(smallest=20))


def test_alignment_moves_the_text() -> None:
    left, middle, right = (ink("fox", type_of(size=30, align=align)) for align in ("left", "center", "right"))
    assert abs(left[0] - BOX[0]) <= 4
    assert abs(right[2] - BOX[2]) <= 4
    assert abs((middle[0] + middle[2]) - (BOX[0] + BOX[2])) <= 4


def test_rest_moves_the_text_up_and_down() -> None:
    top, middle, bottom = (ink("fox", type_of(size=30, rest=rest))[1] for rest in ("top", "middle", "bottom"))
    assert top < middle - 15
    assert middle < bottom - 15


def test_tracking_spreads_the_letters() -> None:
    close, wide = (ink("IIII", type_of(size=30, tracking=share)) for share in (0.0, 0.5))
    assert (wide[2] - wide[0]) - (close[2] - close[0]) == pytest.approx(3 * 15, abs=2)


def test_a_rim_lies_around_the_letters_not_on_them() -> None:
    type_ = type_of(size=60, outline=0.08)
    setting = set_in("III", BOX, type_)
    plain = drawn(PAPER, setting, type_of(size=60), (0, 0, 0), (255, 0, 0))
    rimmed = drawn(PAPER, setting, type_, (0, 0, 0), (255, 0, 0))
    assert (rimmed[plain.max(axis=2) == 0] == 0).all()
    assert ((rimmed == (255, 0, 0)).all(axis=2)).sum() > 300


def test_the_picture_itself_is_not_changed() -> None:
    before = PAPER.copy()
    ink("fox", type_of())
    assert np.array_equal(PAPER, before)


def test_the_first_wish_that_can_be_read_is_taken() -> None:
    dark = ramp(40, 40) // 8
    assert readable_color(dark, [(40, 40, 40), (250, 240, 200), (255, 255, 255)], 4.5) == (250, 240, 200)


def test_without_a_readable_wish_it_is_black_or_white() -> None:
    assert readable_color(np.full((9, 9, 3), 250, np.uint8), [(255, 200, 200)], 4.5) == (0, 0, 0)
    assert readable_color(np.full((9, 9, 3), 30, np.uint8), [(60, 30, 30)], 4.5) == (255, 255, 255)


def test_legibility_is_that_of_the_worst_part() -> None:
    half = np.zeros((10, 10, 3), np.uint8)
    half[:, 5:] = 118
    assert legibility(half, (255, 255, 255)) == pytest.approx(contrast((118, 118, 118), (255, 255, 255)))
    assert legibility(half, (60, 60, 60)) == 1.0
    assert legibility(noise(40, 40), (120, 120, 120)) == 1.0


def test_a_rim_sets_off_its_text() -> None:
    assert rim_for((255, 255, 255), [(200, 200, 200), (20, 20, 60)]) == (0, 0, 0)
    assert rim_for((0, 0, 0), [(255, 255, 255)]) == (255, 255, 255)


def test_a_letter_that_no_font_has_is_named() -> None:
    with pytest.raises(ImageError, match=r"U\+10FFFF"):
        set_in("a\U0010ffff", BOX, type_of())


def test_a_letter_that_the_font_lacks_comes_from_another() -> None:
    face = typeface("display", (typeface("text").files[0],))
    runs = face.runs("aČb", 20)  # Fjalla One has no Č, Manrope does
    assert [part for part, _ in runs] == ["a", "Č", "b"]
    assert runs[1][1].getname()[0] == "Manrope"


def test_chinese_is_set_where_a_font_has_it() -> None:
    try:
        setting = set_in("丹青画报", BOX, type_of(size=40))
    except ImageError:
        pytest.skip("no font with Chinese letters is on this machine")
    assert setting.size == 40


@pytest.mark.parametrize("name", ["displey", "nothing.ttf"])
def test_a_font_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(ImageError, match=name):
        typeface(name)
