from typing import Any

import pytest

from danqing.prompt import attention as brackets
from danqing.prompt.attention import Brackets, Span, attention, number, weights_of
from tests.prompt.golden import golden

# Golden cases on which danqing deviates on purpose, with the reason; docs/prompt.md lists them too.
DEVIATIONS: dict[str, tuple[list[list[object]], str]] = {
    "(a:1.2.3)": ([["a:1.2.3", 1.1]], "A1111 aborts the job; here the letters are kept as text in plain brackets"),
    "(a:1.5.2)": ([["a:1.5.2", 1.1]], "A1111 aborts the job; here the letters are kept as text in plain brackets"),
    "(a BREAK b:1.2)": ([["a", 1.2], ["BREAK", -1], ["b", 1.2]], "A1111 encodes the word BREAK; here it breaks"),
    "(((a BREAK b)))": (
        [["a", 1.1 * 1.1 * 1.1], ["BREAK", -1], ["b", 1.1 * 1.1 * 1.1]],
        "A1111 encodes the word BREAK; here it breaks",
    ),
}
SHORT = [case for case in golden("prompt_attention") if "text" in case]
HUGE = {
    "prompt_attention-huge-deep_open": "(" * 400 + "a",
    "prompt_attention-huge-long_plain": "cat, " * 20000,
    "prompt_attention-huge-many_backslashes": "\\" * 999,
}


def listed(text: str, signs: Brackets = brackets.A1111) -> list[list[object]]:
    """Spans as the golden files write them."""
    spans = attention(text, signs)
    return [["BREAK", -1] if span.kind == "break" else [span.text, span.weight] for span in spans]


@pytest.mark.parametrize("case", golden("a1111_attention"), ids=lambda case: repr(case["in"]))
def test_golden_a1111_attention(case: dict[str, Any]) -> None:
    text = case["in"]
    expected = DEVIATIONS[text][0] if text in DEVIATIONS else case["out"]
    assert listed(text) == expected


@pytest.mark.parametrize("case", SHORT, ids=lambda case: case["id"])
def test_golden_prompt_attention(case: dict[str, Any]) -> None:
    text = case["text"]
    expected = DEVIATIONS[text][0] if text in DEVIATIONS else case["expected"]
    assert [words for words, _ in listed(text)] == [words for words, _ in expected]
    assert [weight for _, weight in listed(text)] == pytest.approx([weight for _, weight in expected], rel=1e-9)


@pytest.mark.parametrize(
    "case", [case for case in golden("prompt_attention") if "text" not in case], ids=lambda c: c["id"]
)
def test_golden_prompt_attention_of_huge_texts(case: dict[str, Any]) -> None:
    spans = attention(HUGE[case["id"]])
    assert len(spans) == case["expected_len"]
    assert spans[0].text.startswith(case["expected_first"][0])
    assert spans[0].weight == pytest.approx(case["expected_first"][1], rel=1e-9)
    assert sum(len(span.text) for span in spans) == case["expected_total_chars"]


@pytest.mark.parametrize("text", DEVIATIONS)
def test_every_deviation_is_one(text: str) -> None:
    cases = [*golden("a1111_attention"), *SHORT]
    original = [case.get("out", case.get("expected")) for case in cases if text in (case.get("in"), case.get("text"))]
    assert original
    assert listed(text) not in original


def test_braces_are_weaker_emphasis_in_danqing() -> None:
    assert listed("a {b} {{c}}", brackets.DANQING) == [["a ", 1.0], ["b", 1.05], [" ", 1.0], ["c", 1.05 * 1.05]]


def test_braces_and_brackets_multiply() -> None:
    assert listed("({a}:2)", brackets.DANQING) == [["a", 1.05 * 2]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a::b", [["a::b", 1.0]]),
        ("(a::1.2)", [["a:", 1.2]]),
        ("::: (x: :1.1) ::", [["::: ", 1.0], ["x: ", 1.1], [" ::", 1.0]]),
        ("(a:: .5 )", [["a:", 0.5]]),
    ],
)
def test_colons_in_a_row_are_text_up_to_a_weight(text: str, expected: list[list[object]]) -> None:
    assert listed(text) == expected


def test_an_escaped_brace_is_text() -> None:
    assert listed(r"\{a\}", brackets.DANQING) == [["{a}", 1.0]]


def test_novelai_knows_braces_and_squares_and_no_parentheses() -> None:
    assert listed("{a} [b] (c:1.2)", brackets.NOVELAI) == [
        ["a", 1.05],
        [" ", 1.0],
        ["b", 1 / 1.05],
        [" (c:1.2)", 1.0],
    ]


def test_brackets_that_cross_still_weigh_what_they_enclose() -> None:
    # A1111 keeps a stack for each kind, so `[` stays open behind `)`.
    assert listed("(a [b) c") == [["a ", 1.1], ["b", 1.1 * (1 / 1.1)], [" c", 1 / 1.1]]


def test_thousands_of_nested_brackets_weigh_what_they_should() -> None:
    factors = [(index, 3000 + index, 1.0 + index / 1e6) for index in range(3000)]
    exact = [1.0] * 6000
    for start, end, factor in factors:
        for place in range(start, end):
            exact[place] *= factor
    assert weights_of(6000, factors) == pytest.approx(exact, rel=1e-9)


def test_zero_and_negative_weights_survive_deep_nesting() -> None:
    factors = [(0, 2000, 1.0)] * 1000 + [(0, 2, -2.0), (1, 3, 0.0)]
    assert weights_of(2000, factors)[:4] == pytest.approx([-2.0, 0.0, 0.0, 1.0])


def test_a_weight_never_leaves_float32() -> None:
    weights = [span.weight for text in ("(" * 2000 + "a", "(a:" + "9" * 5000 + ")") for span in attention(text)]
    assert weights == [1e30, 1e30]


@pytest.mark.parametrize(("text", "value"), [("1.2", 1.2), (" +.5 ", 0.5), ("-1", -1.0), ("1.2.3", None), (".", None)])
def test_a_number_is_what_people_write(text: str, value: float | None) -> None:
    assert number(text) == value


def test_a_break_has_no_text() -> None:
    assert attention("a BREAK b")[1] == Span("", 1.0, "break")
