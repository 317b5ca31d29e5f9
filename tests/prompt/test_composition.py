from typing import Any

import pytest

from danqing.prompt.composition import and_parts
from tests.prompt.golden import golden


@pytest.mark.parametrize("case", golden("a1111_and"), ids=lambda case: repr(case["in"]))
def test_golden_a1111_and(case: dict[str, Any]) -> None:
    assert [list(part) for part in and_parts(case["in"])] == case["out"]


@pytest.mark.parametrize(
    "case", [case for case in golden("prompt_schedule") if case.get("kind") == "AND"], ids=lambda case: case["id"]
)
def test_golden_prompt_schedule_of_and(case: dict[str, Any]) -> None:
    assert [list(part) for part in and_parts(case["prompt"])] == case["expected"]


def test_a_weight_of_a_thousand_digits_stays_a_number() -> None:
    assert and_parts("a:" + "9" * 1000)[0] == ("a", 1e30)
