from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.prompt.lint import Finding, LintOptions, lint, read_contradictions
from danqing.prompt.reading import Dialect
from tests.prompt.golden import ROOT, vocabulary
from tests.prompt.test_grammar import DIALECTS

LIST = (ROOT / "src/danqing/assets/wordlists/contradictions.json").read_text(encoding="utf-8")


def found(text: str, code: str, **options: Any) -> list[Finding]:
    return [finding for finding in lint(text, LintOptions(**options)) if finding.code == code]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("a (cat:1.4)", "strong-weight", "'cat' weighs 1.4; above 1.3 pictures tend to break"),
        ("((a (b:1.2)))", "strong-weight", "'b' weighs 1.45"),
        ("[bad hands:1.4]", "square-weight", "is no weight: it adds the words after 140% of the steps"),
        ("a cat:1.3", "bare-weight", "the :1.3 at the end weighs the whole prompt"),
        ("[a:b:3] | c", "lone-bar", r"a | outside [a|b] makes all [ ] of this prompt plain text"),
        ("[a:b:30]", "late-switch", "switches at step 30, but there are 20 steps"),
        ("一只猫，（蓝色）", "full-width", "the full-width ， （ ） are no punctuation to the model; type , ( )"),
        ("a (b", "unbalanced", "the ( at character 3 is never closed"),
        ("a b]", "unbalanced", "the ] at character 4 closes nothing"),
        ("<foo:bar>", "unknown-tag", "there are no <foo:...> tags"),
        ("cat, dog, Cat", "repeated", "'cat' stands here 2 times"),
        ("long_hair, short hair", "contradictory", "'long hair' and 'short hair' contradict each other"),
        ("[a:" * 100 + "x" + ":5]" * 100, "unreadable", "nested more than 60 deep"),
    ],
)
def test_a_trap_is_named(text: str, code: str, message: str) -> None:
    findings = found(text, code, exclusive=read_contradictions(LIST))
    assert [message in finding.message for finding in findings] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "1girl, long green hair, glasses, smile, orange background",
        "(masterpiece:1.3), [blurry], [a:b:0.5], [c|d]",
        r"hatsune miku \(vocaloid\)",
        "a {red} cat AND a dog :0.5",
        "",
    ],
)
def test_a_good_prompt_has_no_findings(text: str) -> None:
    options = LintOptions(exclusive=read_contradictions(LIST), vocabulary=vocabulary(), embeddings={}, loras=())
    assert lint(text, options) == ()


def test_the_trap_of_square_weights_offers_the_weight_that_was_meant() -> None:
    assert [finding.remedy for finding in found("[xxx:1.4]", "square-weight")] == ["(xxx:0.71)"]


def test_full_width_signs_are_offered_in_plain_ones() -> None:
    (finding,) = found("猫，（狗：1.2）", "full-width")
    assert finding.remedy == "猫,(狗:1.2)"


def test_a_network_that_is_not_there_names_its_neighbour() -> None:
    (finding,) = found("<lora:inc:1> <lora:ink:1>", "unknown-network", loras=["ink"])
    assert finding.message == "no LoRA named 'inc'; did you mean ink?"
    assert (finding.start, finding.end) == (0, 12)
    (finding,) = found("<hypernet:x:1>", "unknown-network", loras=["x"], hypernets=["y"])
    assert finding.message.startswith("no hypernetwork named 'x'")


def test_names_are_not_doubted_while_nobody_knows_them() -> None:
    assert found("<lora:x:1> embedding:y", "unknown-network") == []
    assert found("<lora:x:1> embedding:y", "unknown-embedding") == []


def test_an_embedding_that_is_not_there_is_named() -> None:
    assert found("embedding:foo", "unknown-embedding", dialect="comfy", embeddings={"fool": 1})
    assert [finding.remedy for finding in found("embedding:foo", "comfy-embedding", embeddings={"foo": 1})] == ["foo"]


def test_comfys_folder_and_ending_belong_to_no_name() -> None:
    assert not found("embedding:styles/ink.pt", "unknown-embedding", dialect="comfy", embeddings={"ink": 1})


def test_a_misspelt_embedding_is_offered_its_name() -> None:
    (finding,) = found(
        "a cat, easynegativ, (bad-hands-5:1.1)", "near-embedding", embeddings={"EasyNegative": 8, "bad-hands-5": 1}
    )
    assert (finding.message, finding.remedy) == (
        "there is an embedding 'EasyNegative'; 'easynegativ' is not it",
        "EasyNegative",
    )
    assert (finding.start, finding.end) == (7, 18)


def test_a_finding_says_how_grave_it_is() -> None:
    text = "<lora:x:1> (a:1.4), b, b"
    severities = {finding.code: finding.severity for finding in lint(text, LintOptions(loras=()))}
    assert severities == {"unknown-network": "error", "strong-weight": "warning", "repeated": "hint"}


def test_tags_in_a_negative_prompt_do_nothing() -> None:
    assert found("<lora:ink:1>", "negative-tag", negative=True)
    assert not found("<lora:ink:1>", "negative-tag")


def test_a_negative_prompt_may_name_opposites() -> None:
    assert not found("day, night", "contradictory", negative=True, exclusive=[("day", "night")])


def test_tokens_beyond_a_chunk_are_counted() -> None:
    (finding,) = found("cat " * 76, "long", vocabulary=vocabulary())
    assert finding.message.startswith("76 tokens fill 2 chunks of 75")
    assert not found("cat " * 75, "long", vocabulary=vocabulary())


@pytest.mark.parametrize(("dialect", "strong"), [("novelai", False), ("comfy", True), ("midjourney", False)])
def test_weights_are_those_of_the_dialect(dialect: Dialect, strong: bool) -> None:
    assert bool(found("(a:1.5)", "strong-weight", dialect=dialect)) is strong


@given(st.text(st.sampled_from("ab, ()[]{}:|<>.13\\，"), max_size=60), st.sampled_from(DIALECTS), st.booleans())
def test_any_text_can_be_looked_at(text: str, dialect: Dialect, negative: bool) -> None:
    options = LintOptions(dialect, negative, embeddings={}, loras=["x"], vocabulary=vocabulary())
    assert all(0 <= finding.start <= finding.end <= len(text) for finding in lint(text, options))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "(" * 100000,
        "a," * 50000,
        "，" * 100000,
        "<a:b>" * 5000,
        "[a:1.4]" * 5000,
        "cat, " * 200000,
        "[" + ":" * 100000,
        "[" + ":1" * 50000,
    ],
)
def test_hostile_text_can_be_looked_at(text: str) -> None:
    assert lint(text, LintOptions(vocabulary=vocabulary(), exclusive=read_contradictions(LIST)))
