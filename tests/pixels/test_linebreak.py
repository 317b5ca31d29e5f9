"""Lines of Latin, Chinese, Japanese and Korean text, measured by a ruler of the tests' own: Latin 1, CJK 2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.pixels.linebreak import NOT_FIRST, NOT_LAST, balanced, pieces, wrapped


def ruler(text: str) -> float:
    return sum(2 if ord(letter) > 0x1100 else 1 for letter in text)


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("the quick brown fox", 10, ["the quick", "brown fox"]),
        ("丹青是一套作画的工具", 8, ["丹青是一", "套作画的", "工具"]),
        ("他说：“你好，世界。”", 8, ["他说：", "“你好，", "世界。”"]),  # neither quote nor comma goes astray
        ("きゃっとフード", 6, ["きゃっ", "とフー", "ド"]),
        ("초록 머리 소녀", 9, ["초록 머리", "소녀"]),  # Korean breaks between words
        ("用danqing作画", 8, ["用", "danqing", "作画"]),
        ("well-known face", 6, ["well-", "known", "face"]),
        ("one\n\ntwo", 9, ["one", "", "two"]),
        ("", 9, [""]),
        ("（甲）乙", 6, ["（甲）", "乙"]),
        ("稍等……好", 6, ["稍", "等……", "好"]),
    ],
)
def test_lines_end_where_they_may(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width, ruler) == lines


def test_an_endless_word_is_broken_where_the_line_ends() -> None:
    assert wrapped("abcdefghij kl", 4, ruler) == ["abcd", "efgh", "ij", "kl"]


SCRIPT = st.text(alphabet="abc de，。！（）「」“”、墨色は青カー초록 ", max_size=60)


@given(SCRIPT)
def test_pieces_are_the_text(text: str) -> None:
    assert "".join(pieces(text)) == text


@given(SCRIPT)
def test_no_piece_begins_or_ends_with_what_it_may_not(text: str) -> None:
    found = pieces(text)
    assert not any(piece[0] in NOT_FIRST for piece in found[1:])
    assert not any(piece[-1] in NOT_LAST for piece in found[:-1])


@given(SCRIPT, st.integers(2, 30))
def test_no_line_is_too_long_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = wrapped(text, width, ruler)
    assert all(ruler(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


@given(SCRIPT, st.integers(4, 30))
def test_balanced_lines_are_no_more_and_no_longer(text: str, width: int) -> None:
    plain, even = wrapped(text, width, ruler), balanced(text, width, ruler)
    assert len(even) <= len(plain)
    assert max(map(ruler, even)) <= max(map(ruler, plain))


def test_a_balanced_title_leaves_no_word_alone() -> None:
    title = "How a small model learned to paint pictures"
    assert wrapped(title, 38, ruler) == ["How a small model learned to paint", "pictures"]
    assert balanced(title, 38, ruler) == ["How a small model learned", "to paint pictures"]
