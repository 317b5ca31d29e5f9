import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.base.errors import DanqingError, PromptError
from danqing.prompt.variants import draw_variant, every_variant
from danqing.prompt.wildcards import Wildcards, wildcards_of
from tests.prompt.golden import ROOT, golden

# Golden cases on which danqing deviates on purpose, with the reason; docs/prompt.md lists them too.
DEVIATIONS: dict[str, tuple[list[str], str]] = {
    "{{a}}": (["{{a}}"], "braces without a choice are emphasis in danqing, not a variant with one option"),
    "{}": (["{}"], "braces without a choice are no variant in danqing"),
    "__colors": (["__colors"], "an underscore pair that nothing closes is text, not an error"),
}
OWN_CHANCE = {"${v=!{x|y}}${v} ${v}", "{@a|b} {@c|d}"}
"""Drawn by chance these go beyond their combinatorial list, in the original too."""

DYNAMIC = golden("dynamicprompts")
ABOUT: str = json.loads((ROOT / "tests/golden/wildcard.json").read_text(encoding="utf-8"))["about"]
FILES: dict[str, str] = json.loads(ABOUT[ABOUT.index("{") :].rstrip("."))
CASES = [
    *((case["in"], case["combinatorial_sorted"], DYNAMIC["wildcards"]) for case in DYNAMIC["cases"]),
    *((case["template"], case.get("combinatorial"), FILES) for case in golden("wildcard")),
]
TEMPLATE = st.text(st.sampled_from("ab{}|$_:2!@=#(%.) "), max_size=40)


@pytest.mark.parametrize(("text", "expected", "files"), CASES, ids=[case[0] for case in CASES])
def test_golden_dynamicprompts_and_wildcard(text: str, expected: list[str] | None, files: dict[str, str]) -> None:
    wildcards = wildcards_of(files)
    if text in DEVIATIONS:
        expected = DEVIATIONS[text][0]
    if expected is None:
        with pytest.raises(PromptError, match="never closed"):
            every_variant(text, wildcards)
        return
    assert sorted(every_variant(text, wildcards)) == sorted(expected)
    drawn = {draw_variant(text, random.Random(seed), wildcards, seed) for seed in range(20)}
    assert text in OWN_CHANCE or drawn <= set(expected)


@pytest.mark.parametrize("text", DEVIATIONS)
def test_every_deviation_is_one(text: str) -> None:
    assert [case[1] for case in CASES if case[0] == text] != [DEVIATIONS[text][0]]


@pytest.mark.parametrize("text", ["{{a}}", "{}"])
def test_without_emphasis_every_brace_is_a_variant(text: str) -> None:
    assert every_variant(text, emphasis=False) == [text.strip("{}")]


@pytest.mark.parametrize(
    "text",
    [
        "{a|b} {c|d|e}",
        "{2$$a|b|{c|d}}",
        "x {0-2$$ and $$a|b}",
        "__animals__ {__colors__|grey}",
        "{0.5::a| b |}",
        "{1-$$a|b}",
    ],
)
def test_the_original_library_finds_the_same(text: str, tmp_path: Path) -> None:
    pytest.importorskip("dynamicprompts", reason="dynamicprompts is the oracle here")
    from dynamicprompts.generators import CombinatorialPromptGenerator
    from dynamicprompts.wildcards import WildcardManager

    for name in ("colors.txt", "animals.txt"):
        (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    original = CombinatorialPromptGenerator(WildcardManager(tmp_path)).generate(text, max_prompts=500)
    assert sorted(every_variant(text, wildcards_of(FILES))) == sorted(set(original))


def test_braces_of_emphasis_keep_the_variants_in_them() -> None:
    assert every_variant("{a {b|c}}") == ["{a b}", "{a c}"]


def test_an_alternation_in_braces_is_no_variant() -> None:
    assert every_variant("{[a|b]}") == ["{[a|b]}"]
    assert every_variant("{[a|b]|c}") == ["[a|b]", "c"]


def test_an_escaped_brace_is_text() -> None:
    assert every_variant(r"\{a|b\} {c|d}") == [r"\{a|b\} c", r"\{a|b\} d"]


@pytest.mark.parametrize("text", ["C# logo", "#1 dad", "#ff0000 dress", "a/b // c", "__init", "$5", "100%", "a } b"])
def test_signs_of_everyday_prompts_stay(text: str) -> None:
    assert every_variant(text + " {x|x}") == [text + " x"]


def test_the_same_seed_draws_the_same() -> None:
    text = "{a|b|c|d} {1-3$$e|f|g|h}"
    assert draw_variant(text, random.Random(7)) == draw_variant(text, random.Random(7))
    assert len({draw_variant(text, random.Random(seed)) for seed in range(40)}) > 10


def test_weights_pull_the_draw() -> None:
    drawn = [draw_variant("{9::a|1::b}", random.Random(seed)) for seed in range(400)]
    assert 320 < drawn.count("a") < 395


def test_a_weight_of_zero_is_never_drawn() -> None:
    assert {draw_variant("{0::a|1::b}", random.Random(seed)) for seed in range(50)} == {"b"}


def test_cycling_options_go_by_the_index_of_the_prompt() -> None:
    assert [draw_variant("{@a|b|c}", random.Random(0), index=index) for index in range(4)] == ["a", "b", "c", "a"]


def test_a_wrap_puts_its_inside_between_the_dots() -> None:
    assert every_variant("%{(...:1.2)$${a|b}}") == ["(a:1.2)", "(b:1.2)"]


def test_a_kept_variable_yields_to_the_given_one() -> None:
    wildcards = Wildcards({"t": ((1.0, "${s?=summer}in ${s}"),)})
    assert every_variant("__t__", wildcards) == ["in summer"]
    assert every_variant("__t(s=winter)__", wildcards) == ["in winter"]


def test_every_variant_stops_where_it_is_told() -> None:
    assert len(every_variant("{a|b}" * 12, most=100)) == 100


def test_wildcards_that_lead_into_themselves_are_refused() -> None:
    with pytest.raises(PromptError, match="lead into each other"):
        draw_variant("__a__", random.Random(0), wildcards_of({"a.txt": "__a__ __a__"}))


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text",
    [
        "{" * 50000,
        "{a|" * 30000,
        "{" * 40000 + "a|b" + "}" * 40000,
        "{a|b} " * 15000,
        "{" + "|" * 100000 + "}",
        "{5$$" + "a|" * 60 + "a}",
        "${" * 40000,
        "%{" * 40000,
        "# " * 50000,
        "__" * 50000,
        "__b__" * 500,
    ],
)
def test_hostile_templates_are_answered(text: str) -> None:
    files = {"b.txt": "__c__ __c__", "c.txt": "__d__ __d__", "d.txt": "__e__" * 20, "e.txt": "x" * 5000}
    for expand in (
        lambda: [draw_variant(text, random.Random(1), wildcards_of(files))],
        lambda: every_variant(text, wildcards_of(files), 50),
    ):
        try:
            made = expand()
        except DanqingError:
            continue
        assert made


@given(TEMPLATE, st.booleans())
def test_what_is_drawn_is_one_of_all(text: str, emphasis: bool) -> None:
    try:
        everything = every_variant(text, emphasis=emphasis)
        drawn = draw_variant(text, random.Random(3), emphasis=emphasis)
    except PromptError:
        return
    if "@" not in text and "!" not in text:
        assert drawn in everything
