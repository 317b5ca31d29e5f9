from typing import Any

import pytest

from danqing.base.errors import PromptError
from danqing.prompt.tags import Tag, embeddings_named, extract_tags
from tests.prompt.golden import golden


@pytest.mark.parametrize("case", golden("a1111_extra_networks"), ids=lambda case: repr(case["in"]))
def test_golden_a1111_extra_networks(case: dict[str, Any]) -> None:
    text, tags = extract_tags(case["in"])
    nets: dict[str, list[dict[str, object]]] = {}
    for tag in tags:
        nets.setdefault(tag.kind, []).append({"positional": [tag.name, *tag.args], "named": dict(tag.named)})
    assert text == case["prompt"]
    assert nets == case["nets"]


@pytest.mark.parametrize(
    "case",
    [case for case in golden("prompt_schedule") if case.get("kind") == "extra_networks"],
    ids=lambda case: case["id"],
)
def test_golden_prompt_schedule_of_extra_networks(case: dict[str, Any]) -> None:
    text, tags = extract_tags(case["prompt"])
    assert text == case["expected"]["text"]
    assert [[tag.kind, [tag.name, *tag.args]] for tag in tags] == case["expected"]["networks"]


def test_a_weight_stands_by_place_or_by_name() -> None:
    (tag,) = extract_tags("<lora:ink:0.8:unet=0.5>")[1]
    assert tag.weight("te", 0) == 0.8
    assert tag.weight("unet", 1, 0.8) == 0.5
    assert tag.weight("dyn", 2, 0.0) == 0.0


@pytest.mark.parametrize("written", ["strong", "nan", "1e99", "1,5"])
def test_a_weight_that_is_no_number_is_named(written: str) -> None:
    with pytest.raises(PromptError, match=r"is no weight; write a number, as in <lora:ink:0\.8>"):
        Tag("lora", "ink", (written,)).weight()


def test_a_file_name_may_hold_an_equals_sign() -> None:
    assert extract_tags("<lora:a=b:0.5>")[1] == (Tag("lora", "a=b", ("0.5",)),)


def test_a_tag_is_written_as_it_was_read() -> None:
    written = "<lora:ink:0.8:te=1>"
    assert str(extract_tags(written)[1][0]) == written


def test_tags_are_values() -> None:
    assert len({Tag("lora", "a"), Tag("lora", "a"), Tag("lora", "b")}) == 2


def test_an_embedding_is_named_by_whole_words_in_any_case() -> None:
    known = ["bad-hands", "ink", "Charturner"]
    assert embeddings_named("(Bad-Hands:1.2), drinking charturner", known) == ("bad-hands", "Charturner")
