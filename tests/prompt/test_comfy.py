from typing import Any

import pytest

from danqing.prompt.comfy import comfy_attention
from tests.prompt.golden import golden


def listed(text: str) -> list[list[object]]:
    return [[span.text, span.weight] for span in comfy_attention(text)]


@pytest.mark.parametrize("case", golden("comfy_weights"), ids=lambda case: repr(case["in"]))
def test_golden_comfy_weights(case: dict[str, Any]) -> None:
    assert listed(case["in"]) == case["out"]


def test_neighbours_of_equal_weight_stay_apart() -> None:
    assert listed("(a)(b)") == [["a", 1.1], ["b", 1.1]]


def test_a_bracket_too_many_swallows_the_next_pair() -> None:
    assert listed("a) (b) (c)") == [["a) (b) (c)", 1.0]]


def test_an_unclosed_bracket_that_ends_with_one_still_weighs() -> None:
    assert listed("((a)") == [["(a", 1.1]]


def test_a_number_outweighs_the_brackets_round_it() -> None:
    assert listed("(((a:1.5) b))") == [["a", 1.5], [" b", pytest.approx(1.1 * 1.1)]]


@pytest.mark.parametrize("written", ["nan", "x", "1.2.3", ""])
def test_what_is_no_number_is_text(written: str) -> None:
    assert listed(f"(a:{written})") == [[f"a:{written}", 1.1]]


def test_a_cut_off_number_leaves_the_bracket_before_it() -> None:
    # The last bracket closes nothing, so its contents end with the `)` before the number.
    assert [row[0] for row in listed("(((a):1.2)")] == ["(a"]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["(" * 50000, "(" * 25000 + ")" * 24999, ")(" * 25000], ids=["open", "deep", "crossed"]
)
def test_fifty_thousand_brackets_are_read(text: str) -> None:
    assert sum(len(span.text) for span in comfy_attention(text)) <= len(text)
