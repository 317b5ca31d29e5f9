import pytest

from danqing.prompt.compel import Conjunction, Swap, compel_attention, compel_parts, swaps_in
from danqing.prompt.composition import WeightedText
from danqing.prompt.reading import ReadingOptions, read_prompt
from tests.prompt.golden import vocabulary


def listed(text: str) -> list[tuple[str, float]]:
    return [(span.text, round(span.weight, 6)) for span in compel_attention(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("a cat+ b", [("a ", 1.0), ("cat", 1.1), (" b", 1.0)]),
        ("cat++, dog--", [("cat", 1.21), (", ", 1.0), ("dog", 0.81)]),
        ("(big cat)1.3", [("big cat", 1.3)]),
        ("(big cat)+", [("big cat", 1.1)]),
        ("(a (b)2 c)0.5", [("a ", 0.5), ("b", 1.0), (" c", 0.5)]),
        ("(plain)", [("plain", 1.0)]),
        ("state-of-the-art well-known+", [("state-of-the-art ", 1.0), ("well-known", 1.1)]),
        (r"\(a\) b\+", [("(a) b+", 1.0)]),
        ("a) (b", [("a) b", 1.0)]),
        ("", [("", 1.0)]),
    ],
)
def test_pluses_and_numbers_weigh(text: str, expected: list[tuple[str, float]]) -> None:
    assert listed(text) == expected


def test_a_blend_has_weights() -> None:
    made = compel_parts('("a, (b)", "c").blend(0.7, .3)')
    assert made == Conjunction((WeightedText("a, (b)", 0.7), WeightedText("c", 0.3)), "blend")


def test_an_and_without_weights_weighs_one() -> None:
    assert compel_parts('("a", "b").and()') == Conjunction((WeightedText("a"), WeightedText("b")), "and")


@pytest.mark.parametrize("text", ['("a", "b")', "(a).and()", '"a".and()', '("a" "b").and()', 'x ("a", "b").and()', ""])
def test_what_is_no_call_is_one_prompt(text: str) -> None:
    assert compel_parts(text).joint == "one"


def test_a_blend_is_painted_by_shares() -> None:
    made = read_prompt('("a cat", "a dog").blend(1, 3)', vocabulary(), ReadingOptions(dialect="compel"))
    assert [(part.weight, part.spans[0].text) for part in made.parts] == [(0.25, "a cat"), (0.75, "a dog")]
    assert made.around_empty


def test_an_and_lays_its_parts_in_chunks_of_their_own() -> None:
    made = read_prompt('("a cat", "a dog").and(1, 1.5)', vocabulary(), ReadingOptions(dialect="compel"))
    first, second = made.parts[0].spans[0].chunks
    assert (first.weights[1], second.weights[1]) == (1.0, 1.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat.swap(dog) x", ("a ", Swap("cat", "dog", 0.2), " x")),
        (
            'a ("fluffy cat").swap("smiling dog", s_start=0.1, t_end=0.9) y',
            ("a ", Swap("fluffy cat", "smiling dog", 0.1), " y"),
        ),
        ("(a cat).swap(a dog, shape_freedom=.5)", ("", Swap("a cat", "a dog", 0.5), "")),
        ("cat.swap(a, b)", ("", Swap("cat", "a, b", 0.2), "")),
        ("cat.swap(dog", ("cat.swap(dog",)),
        ("a cat", ("a cat",)),
    ],
)
def test_a_swap_has_two_sides_and_a_beginning(text: str, expected: tuple[object, ...]) -> None:
    assert swaps_in(text) == expected


def test_a_swap_is_painted_as_a_switch() -> None:
    reading = ReadingOptions(dialect="compel", steps=20)
    (part,) = read_prompt("a cat.swap(dog, s_start=0.3) x", vocabulary(), reading).parts
    assert [(stretch.until, stretch.text) for stretch in part.spans] == [(6, "a cat x"), (20, "a dog x")]


def test_two_swaps_have_their_own_beginnings() -> None:
    reading = ReadingOptions(dialect="compel", steps=10)
    (part,) = read_prompt("a.swap(b, s_start=0.5) c.swap(d, s_start=0.2)", vocabulary(), reading).parts
    assert [(stretch.until, stretch.text) for stretch in part.spans] == [(2, "a c"), (5, "a d"), (10, "b d")]


def test_in_a_hires_pass_every_swap_is_over() -> None:
    reading = ReadingOptions(dialect="compel", steps=10, first_pass_steps=20)
    (part,) = read_prompt("a cat.swap(dog)", vocabulary(), reading).parts
    assert [stretch.text for stretch in part.spans] == ["a dog"]


@pytest.mark.parametrize("text", ["a.swap(b)" * 12000, ".swap(" * 20000, "(" * 60000 + ").swap(b)"])
def test_hostile_swaps_are_read(text: str) -> None:
    assert read_prompt(text[:60000], vocabulary(), ReadingOptions(dialect="compel")).parts


@pytest.mark.parametrize("text", ["(" * 50000, "(a" * 30000 + ")+" * 30000, "a+" * 50000, "+" * 100000, '("' * 40000])
def test_hostile_text_is_read(text: str) -> None:
    assert compel_attention(text)
    assert compel_parts(text).parts
