"""Sheets: where pictures, words and failures stand."""

import json
from pathlib import Path

import numpy as np
import pytest

from danqing.base.errors import ImageError
from danqing.base.picture import Pixels
from danqing.pixels.sheet import Legends, grid_shape, sheet

GOLDEN = Path(__file__).parents[1] / "golden"
SHAPES = [
    case
    for case in json.loads((GOLDEN / "size_rounding.json").read_text(encoding="utf-8"))["cases"]
    if case["kind"] == "grid_rows_cols"
]


def flat(value: int, width: int = 64, height: int = 48) -> Pixels:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize("case", SHAPES, ids=[case["id"] for case in SHAPES])
def test_grids_have_the_golden_shape(case: dict[str, object]) -> None:
    asked = case["in"]
    assert isinstance(asked, dict)
    assert list(grid_shape(int(asked["count"]))) == case["expected"]


def test_without_words_pictures_stand_side_by_side() -> None:
    found = sheet([flat(1), flat(2), flat(3), flat(4)])
    assert found.shape == (96, 128, 3)
    assert [int(found[y, x, 0]) for y, x in ((0, 0), (0, 127), (95, 0), (95, 127))] == [1, 2, 3, 4]


def test_the_gap_is_white_and_an_empty_cell_too() -> None:
    found = sheet([flat(1), None, flat(3)], columns=2, gap=6)
    assert found.shape == (102, 134, 3)
    assert (found[:, 64:70] == 255).all()
    assert (found[:48, 70:] == 255).all()


def test_pictures_of_different_sizes_are_centred() -> None:
    found = sheet([flat(9), flat(0, 32, 16)], columns=2)
    assert (found[16:32, 80:112] == 0).all()
    assert (found[:16, 64:] == 255).all()


def test_legends_add_room_and_leave_the_pictures_whole() -> None:
    words = Legends(columns=["Steps: 10", "步数 20"], rows=["Euler a", "빨간 사과"], title="X/Y plot")
    found = sheet([flat(7), flat(8), flat(9), flat(10)], legends=words)
    height, width = found.shape[:2]
    assert height > 96
    assert width > 128
    assert (found[height - 48 :, width - 64 :] == 10).all()
    assert (found[height - 96 : height - 48, width - 128 : width - 64] == 7).all()
    above, beside = found[: height - 96], found[height - 96 :, : width - 128]
    assert above.min() < 100
    assert beside.min() < 100


def test_a_failed_cell_shows_its_words_and_the_others_stay() -> None:
    found = sheet([flat(7), "no sampler named 'Eulre'; did you mean Euler?"], columns=2)
    assert (found[:, :64] == 7).all()
    assert len(np.unique(found[:, 64:])) > 3


def test_transparent_pictures_lie_on_white() -> None:
    clear = np.zeros((8, 8, 4), np.uint8)
    assert (sheet([clear]) == 255).all()


@pytest.mark.parametrize("text", ["", " ", "a" * 5000, "词" * 3000, "a b " * 2000, "\n\n", "\ud800\0"])
def test_legends_may_be_any_text(text: str) -> None:
    found = sheet([flat(1)], legends=Legends([text], [text], text[:50]))
    assert found.shape[0] < 2000
    assert (found[-48:, -64:] == 1).all()


def test_a_sheet_of_nothing_or_of_too_much_is_refused() -> None:
    with pytest.raises(ImageError, match="at least one"):
        sheet([])
    wide: Pixels = np.broadcast_to(np.zeros(3, np.uint8), (9000, 9000, 3))
    with pytest.raises(ImageError, match="too large"):
        sheet([wide] * 4)
