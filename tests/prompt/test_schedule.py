from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.base.errors import PromptError
from danqing.prompt.schedule import Moments, read_timeline, schedule_of, text_at
from tests.prompt.golden import golden

TIMED = [case for case in golden("prompt_schedule") if "kind" not in case]
SIGNS = st.text(st.sampled_from("ab[]():|.35\\ "), max_size=40)


def listed(text: str, steps: int, hires_steps: int | None = None, old: bool = False) -> list[list[object]]:
    return [list(entry) for entry in schedule_of(text, steps, hires_steps, old)]


@pytest.mark.parametrize("case", golden("a1111_schedule"), ids=lambda case: repr(case["prompt"]))
def test_golden_a1111_schedule(case: dict[str, Any]) -> None:
    assert listed(case["prompt"], case["steps"], case["hires_steps"]) == case["out"]


@pytest.mark.parametrize("case", golden("a1111_schedule_old"), ids=lambda case: repr(case["prompt"]))
def test_golden_a1111_schedule_old(case: dict[str, Any]) -> None:
    assert listed(case["prompt"], case["steps"], old=True) == case["out"]


@pytest.mark.parametrize("case", TIMED, ids=lambda case: case["id"])
def test_golden_prompt_schedule(case: dict[str, Any]) -> None:
    made = listed(case["prompt"], case["base_steps"], case["hires_steps"], case["use_old_scheduling"])
    assert made == case["expected"]


def test_old_timelines_start_anew_in_the_hires_pass() -> None:
    assert listed("[a:b:0.5]", 20, 20, old=True) == [[10, "a"], [20, "b"]]


@given(SIGNS, st.integers(1, 12))
def test_stretches_go_up_and_end_with_the_last_step(text: str, steps: int) -> None:
    ends = [end for end, _ in schedule_of(text, steps)]
    assert ends == sorted(set(ends))
    assert ends[-1] == steps


@given(st.text(max_size=60).filter(lambda text: "[" not in text))
def test_a_text_without_square_brackets_never_changes(text: str) -> None:
    assert schedule_of(text, 9) == [(9, text)]


@given(SIGNS)
def test_switches_lose_no_letter_outside_them(text: str) -> None:
    outside = text.split("[", maxsplit=1)[0]
    assert all(now.startswith(outside) for _, now in schedule_of(text, 6))


def test_deep_nesting_is_read_without_recursion() -> None:
    deep = "[a:" * 20000 + "x" + ":5]" * 20000
    tree = read_timeline(deep)
    assert text_at(tree, 3, Moments(10)) == "a"
    assert text_at(tree, 6, Moments(10)) == "x"


def test_too_many_switches_are_refused_with_words() -> None:
    with pytest.raises(PromptError, match="can't switch on 150 steps"):
        schedule_of("[a|b]" * 5000, 150)
