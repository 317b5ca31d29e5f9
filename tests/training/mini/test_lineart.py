from pathlib import Path

import numpy as np

from danqing.training.mini.dataset import read_split
from danqing.training.mini.lineart import build_lines, line_art, read_lines


def halves(left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray:
    picture = np.empty((32, 32, 3), np.uint8)
    picture[:, :16], picture[:, 16:] = left, right
    return picture


def test_a_plain_picture_has_no_lines() -> None:
    assert (line_art(np.full((32, 32, 3), 90, np.uint8)) == 255).all()


def test_where_two_colours_meet_the_darker_side_gets_a_line() -> None:
    row = line_art(halves((250, 240, 230), (40, 40, 60)))[16]
    assert row[16] < 60
    assert row[:15].min() == 255
    assert row[20:].min() == 255


def test_a_drawn_line_stays_one_line() -> None:
    picture = np.full((32, 32, 3), 240, np.uint8)
    picture[:, 15:17] = 0
    row = line_art(picture)[16]
    assert row[15:17].max() == 0
    assert (np.diff((row < 128).astype(int)) == 1).sum() == 1


def test_colours_of_one_brightness_are_told_apart() -> None:
    assert line_art(halves((200, 60, 60), (60, 131, 60))).min() < 60


def test_lines_lie_row_by_row_beside_the_pictures_and_are_drawn_once(built: Path) -> None:
    files = build_lines(built, ("validation",))
    lines, pictures = read_lines(built, "validation"), read_split(built, "validation").pictures
    assert lines.shape == pictures.shape[:3]
    assert np.array_equal(lines[5], line_art(pictures[5]))
    before = files[0].stat().st_mtime_ns
    assert build_lines(built, ("validation",))[0].stat().st_mtime_ns == before
