from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.base.errors import PromptError
from danqing.prompt.styles import (
    Extracted,
    Style,
    apply_styles,
    extract_styles,
    lay_on,
    read_styles,
    take_off,
    write_styles,
)
from tests.prompt.golden import golden

CASES = golden("a1111_styles")
PHOTO = Style("photo", "photo of {prompt}, 35mm", "drawing")
NIGHT = Style("night", "at night")
WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\0"), max_size=30)


@pytest.mark.parametrize("case", CASES["merge"], ids=lambda case: repr(case["style"]))
def test_golden_a1111_styles_laid_on(case: dict[str, Any]) -> None:
    assert lay_on(case["style"], case["prompt"]) == case["out"]


@pytest.mark.parametrize("case", CASES["extract"], ids=lambda case: repr(case["style"]))
def test_golden_a1111_styles_taken_off(case: dict[str, Any]) -> None:
    assert list(take_off(case["style"], case["prompt"])) == case["out"]


def test_styles_are_laid_on_in_order_and_found_again() -> None:
    styles = {style.name: style for style in (PHOTO, NIGHT)}
    prompt, negative = apply_styles("a cat", "blurry", ["photo", "night"], styles)
    assert (prompt, negative) == ("photo of a cat, 35mm, at night", "blurry, drawing")
    assert extract_styles(prompt, negative, styles.values()) == Extracted("a cat", "blurry", ("photo", "night"))


def test_a_style_whose_negative_is_missing_is_not_found() -> None:
    assert extract_styles("photo of a cat, 35mm", "", [PHOTO]).styles == ()


def test_an_unknown_style_names_its_neighbour() -> None:
    with pytest.raises(PromptError, match="no style named 'phto'; did you mean photo"):
        apply_styles("", "", ["phto"], {"photo": PHOTO})


def test_a_file_of_a1111_is_read() -> None:
    text = (
        '\ufeffname,prompt,negative_prompt\r\n# Mine,,\r\nphoto,"photo of {prompt}, 35mm",drawing\r\nnight,at night\r\n'
    )
    assert read_styles(text) == {"photo": PHOTO, "night": NIGHT}


def test_the_old_header_is_read() -> None:
    assert read_styles("name,text\nnight,at night\n") == {"night": NIGHT}


@pytest.mark.parametrize("text", ["", "name,prompt\n", "\0\0\n", "name,prompt,negative_prompt\na,b,c,d,e\n"])
def test_odd_files_do_no_harm(text: str) -> None:
    try:
        styles = read_styles(text)
    except PromptError:
        return
    assert set(styles) <= {"a"}


def test_a_file_without_names_is_refused() -> None:
    with pytest.raises(PromptError, match="no column 'name'"):
        read_styles("title,words\na,b\n")


def test_a_field_beyond_reason_is_refused_with_its_line() -> None:
    with pytest.raises(PromptError, match="line 2"):
        read_styles("name,prompt\na," + "x" * 200000 + "\n")


@given(
    st.dictionaries(WORDS.filter(lambda name: name and not name.startswith("#")), st.tuples(WORDS, WORDS), max_size=5)
)
def test_what_is_written_is_read_again(texts: dict[str, tuple[str, str]]) -> None:
    styles = {name: Style(name, *both) for name, both in texts.items()}
    assert read_styles(write_styles(styles.values())) == styles
