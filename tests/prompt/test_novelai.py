import pytest

from danqing.prompt.attention import NOVELAI, attention
from danqing.prompt.composition import WeightedText
from danqing.prompt.novelai import novelai_parts
from danqing.prompt.reading import ReadingOptions, read_prompt
from tests.prompt.golden import vocabulary


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.5::rain, night::, moon", [("rain, night", 1.5), (", moon", 1.0)]),
        ("-1::hat:: cat", [("hat", -1.0), (" cat", 1.0)]),
        ("0.5::a {b}::", [("a ", 0.5), ("b", 0.525)]),
        ("{2::a:: b}", [("a", 2.1), (" b", 1.05)]),
        (".5::a", [("a", 0.5)]),
        ("1.2::a 0.8::b:: c", [("a ", 1.2), ("b", 0.8), (" c", 1.0)]),
        ("2::year 2023 :: x", [("year 2023 ", 2.0), (" x", 1.0)]),
        ("2::year2023:: x", [("year2023", 2.0), (" x", 1.0)]),
        ("a:: b", [("a:: b", 1.0)]),
        ("9:16 at 5:30", [("9:16 at 5:30", 1.0)]),
    ],
)
def test_a_number_before_two_colons_weighs_what_follows(text: str, expected: list[tuple[str, float]]) -> None:
    assert [(span.text, round(span.weight, 6)) for span in attention(text, NOVELAI)] == expected


def test_other_dialects_read_no_such_numbers() -> None:
    assert [tuple(span) for span in attention("1.5::rain::")] == [("1.5::rain::", 1.0, "text")]


def test_bars_part_prompts_that_are_mixed() -> None:
    assert novelai_parts("a cat:1|happy:-0.2|fog") == (
        WeightedText("a cat", 1.0),
        WeightedText("happy", -0.2),
        WeightedText("fog", 1.0),
    )


@pytest.mark.parametrize("text", ["a cat:1.5", "{a|b}", "[a|b] c", ""])
def test_without_a_bar_outside_brackets_nothing_is_mixed(text: str) -> None:
    assert novelai_parts(text) == (WeightedText(text),)


def test_mixed_prompts_are_painted_by_shares() -> None:
    made = read_prompt("{a cat}:3|dog", vocabulary(), ReadingOptions(dialect="novelai"))
    assert [(part.weight, part.spans[0].text) for part in made.parts] == [(0.75, "{a cat}"), (0.25, "dog")]
    assert made.chunks[0].weights[1] == 1.05


def test_weights_that_sum_to_nothing_stay() -> None:
    made = read_prompt("a:1|b:-1", vocabulary(), ReadingOptions(dialect="novelai"))
    assert [part.weight for part in made.parts] == [1.0, -1.0]


@pytest.mark.parametrize("text", ["1::" * 40000, "::" * 60000, "|" * 120000, "{|" * 60000, "1" * 120000, "-" * 120000])
def test_hostile_text_is_read(text: str) -> None:
    assert read_prompt(text[:30000], vocabulary(), ReadingOptions(dialect="novelai")).parts
    assert attention(text, NOVELAI)
    assert novelai_parts(text)
