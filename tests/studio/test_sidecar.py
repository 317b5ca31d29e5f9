from pathlib import Path

import pytest

from danqing.base.errors import ImageError
from danqing.studio.sidecar import MOST_MARKS, NO_MARKS, Marks, read_marks, sidecar_of, write_marks


def test_marks_come_back_from_beside_the_picture(tmp_path: Path) -> None:
    picture = tmp_path / "00000-7.png"
    marks = Marks(favourite=True, rating=4, boards=("wall",), tags=("红发", "사과"))
    write_marks(picture, marks)
    assert sidecar_of(picture).name == "00000-7.png.danqing.json"
    assert read_marks(picture) == marks


def test_a_picture_without_marks_has_no_file(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    assert read_marks(picture) == NO_MARKS
    write_marks(picture, Marks(rating=1))
    write_marks(picture, NO_MARKS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"rating": 9}', '{"tags": 7}', "\x00" * 50, "[" * 100000])
def test_a_file_that_says_nothing_sensible_counts_as_none(tmp_path: Path, text: str) -> None:
    sidecar_of(tmp_path / "a.png").write_text(text, encoding="utf-8")
    assert read_marks(tmp_path / "a.png") == NO_MARKS


def test_what_a_later_danqing_wrote_beside_is_passed_over(tmp_path: Path) -> None:
    sidecar_of(tmp_path / "a.png").write_text('{"rating": 3, "mood": "blue"}', encoding="utf-8")
    assert read_marks(tmp_path / "a.png") == Marks(rating=3)


def test_names_are_kept_once_and_in_order() -> None:
    assert Marks(tags=(" b ", "a", "b", "", "two  words")).tags == ("a", "b", "two words")


@pytest.mark.parametrize(
    "fields",
    [{"rating": 6}, {"rating": -1}, {"tags": ("x" * 101,)}, {"boards": tuple(map(str, range(MOST_MARKS + 1)))}],
)
def test_marks_without_measure_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ImageError):
        Marks.model_validate(fields)
