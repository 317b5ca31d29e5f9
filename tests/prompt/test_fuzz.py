"""Everything that reads text, on text that nobody would write: an answer or an error of ours. 10,000 cases in all, with those of the infotexts."""

import random
import time
from collections.abc import Callable, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danqing.base.errors import DanqingError
from danqing.base.infotext import read_infotext
from danqing.prompt.builder import read_taxonomy
from danqing.prompt.explain import plan_data, tree_lines
from danqing.prompt.glossary import glossary_of, to_english
from danqing.prompt.grammar import parse
from danqing.prompt.imagine import imagined
from danqing.prompt.lint import LintOptions, lint, read_contradictions
from danqing.prompt.reading import Dialect, ReadingOptions, read_prompt
from danqing.prompt.styles import read_styles
from danqing.prompt.swarm import read_swarm
from danqing.prompt.tags import extract_tags
from danqing.prompt.translate import translate
from danqing.prompt.variants import draw_variant, every_variant
from danqing.prompt.wildcards import Wildcards
from tests.prompt.golden import ROOT, vocabulary
from tests.prompt.test_grammar import DIALECTS

PIECES = [*'()[]{}:|\\,+-"#@!~<>\0\n', "1.2", ".5", "1e9", "-1::", " BREAK ", " AND ", "<lora:x:1>", "::", "$$", "2$$"]
PIECES += ["__a__", "${v=", "${v}", "%{", "...", " --ar 1:1", " --no x", "cat", "a", ".and(", ".blend(", ".swap("]
PIECES += ["<random:", "<fromto[0.5]:", "<setvar[c]:", "<segment:", "embedding:", "😀", "猫", "고양이", "，", "\ud800"]
TEXT = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(st.characters(), max_size=60))
WILDCARDS = Wildcards({"a": ((1.0, "x{y|z}"), (2.0, "w"))})
WORDS = ROOT / "src/danqing/assets/wordlists"
GLOSSARY = glossary_of(read_taxonomy((WORDS / "taxonomy.json").read_text(encoding="utf-8")))
CONTRADICTIONS = read_contradictions((WORDS / "contradictions.json").read_text(encoding="utf-8"))

fuzzing = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
)


def refused(door: Callable[[], object]) -> bool:
    """Whether the door refused with an error of ours; any other error goes through to the test."""
    try:
        door()
    except DanqingError:
        return True
    return False


@pytest.mark.parametrize("dialect", DIALECTS)
@settings(fuzzing, max_examples=500)
@given(text=TEXT, hires=st.booleans(), negative=st.booleans())
def test_any_prompt_becomes_whole_chunks(dialect: Dialect, text: str, hires: bool, negative: bool) -> None:
    options = ReadingOptions(dialect, 12, first_pass_steps=20 if hires else None, negative=negative)
    try:
        plan = read_prompt(text, vocabulary(), options, {"cat": 2, "a": 75})
    except DanqingError:
        return
    assert all(len(chunk.tokens) == len(chunk.weights) == 77 for chunk in plan.chunks)
    assert [part.spans[-1].until for part in plan.parts] == [12] * len(plan.parts)
    assert plan_data(plan, vocabulary())


@settings(fuzzing, max_examples=1500)
@given(TEXT, st.sampled_from(DIALECTS), st.booleans())
def test_any_text_can_be_linted(text: str, dialect: Dialect, negative: bool) -> None:
    options = LintOptions(
        dialect,
        negative,
        embeddings={"x": 1, "easynegative": 2},
        loras=["y"],
        vocabulary=vocabulary(),
        exclusive=CONTRADICTIONS,
    )
    for finding in lint(text, options):
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.message


@settings(fuzzing, max_examples=1500)
@given(TEXT, st.sampled_from(DIALECTS), st.sampled_from(DIALECTS))
def test_any_text_is_translated_into_text_that_is_read_again(text: str, source: Dialect, target: Dialect) -> None:
    try:
        made = translate(text, source, target, ["cat"])
    except DanqingError:
        return
    assert refused(lambda: parse(made.text, target)) or tree_lines(parse(made.text, target))


@settings(fuzzing, max_examples=500)
@given(TEXT)
def test_any_text_is_read_as_swarms_and_put_into_english(text: str) -> None:
    assert not refused(lambda: read_swarm(text))
    assert not refused(lambda: to_english(text, GLOSSARY))


@settings(fuzzing, max_examples=1000)
@given(TEXT, st.booleans())
def test_any_template_is_drawn_from_or_refused(text: str, emphasis: bool) -> None:
    drawn = refused(lambda: draw_variant(text, random.Random(1), WILDCARDS, emphasis=emphasis))
    assert refused(lambda: every_variant(text, WILDCARDS, 50, emphasis=emphasis)) or not drawn


@settings(fuzzing, max_examples=1000)
@given(TEXT)
def test_any_command_is_imagined_or_refused(text: str) -> None:
    if not refused(lambda: imagined(text)):
        assert all(order.recipe.dialect == "midjourney" for order in imagined(text).orders)


@settings(fuzzing, max_examples=500)
@given(TEXT)
def test_any_text_has_tags_and_styles_or_is_refused(text: str) -> None:
    assert refused(lambda: [tag.weight() for tag in extract_tags(text)[1]]) in (True, False)
    assert refused(lambda: read_styles(text)) in (True, False)


BRACKETS = {f"100,000 {sign}": sign * 100_000 for sign in "()[]{}<>"}
NESTED = {
    f"nested {one}{two}": one * 50_000 + "cat" + two * 50_000 for one, two in ("()", "[]", "{}", "<>", ("(", ":1.1)"))
}
OTHERS = {
    "crossed": "([{<" * 12_500 + ")]}>" * 12_500,
    "switches": "[a:" * 20_000 + "x" + ":5]" * 20_000,
    "alternations": "[a|" * 30_000 + "x" + "]" * 29_999,
    "variants": "{a|" * 30_000 + "x" + "}" * 30_000,
    "numbers": "1.5::" * 20_000,
    "blanks and BREAK": " " * 100_000 + "BREAK" + " " * 19_000,
    "BREAKs": "BREAK " * 20_000,
    "ANDs": "AND " * 30_000,
    "digits": "(a:" + "1" * 119_000 + ")",
    "backslashes": "\\" * 120_000,
    "nul bytes": "\0" * 100_000,
    "emoji": "😀" * 100_000,
    "surrogates": "\ud800" * 100_000,
    "swaps": "a.swap(b)" * 10_000,
    "swarm": "<random:" * 12_000 + ">" * 12_000,
    "a megabyte of words": "cat, " * 200_000,
    "a megabyte of nothing": " " * 1_000_000,
    "a megabyte of nul": "\0" * 1_000_000,
    "a megabyte of emoji": "👩‍🚀" * 100_000 + "😀" * 150_000,
    "a megabyte of colons": ":" * 1_000_000,
    "a megabyte of one word": "a" * 1_000_000,
}
HOSTILE: Mapping[str, str] = {**BRACKETS, **NESTED, **OTHERS}
DOORS: Mapping[str, Callable[[str], object]] = {
    **{
        f"read {dialect}": lambda text, dialect=dialect: read_prompt(text, vocabulary(), ReadingOptions(dialect, 150))
        for dialect in DIALECTS
    },
    "lint": lambda text: lint(
        text, LintOptions(vocabulary=vocabulary(), exclusive=CONTRADICTIONS, embeddings={"easynegative": 2})
    ),
    **{
        f"translate {source}": lambda text, source=source, target=target: translate(text, source, target)
        for source, target in zip(DIALECTS, [*DIALECTS[1:], DIALECTS[0]], strict=True)
    },
    "swarm": read_swarm,
    "English": lambda text: to_english(text, GLOSSARY),
    "a variant": lambda text: draw_variant(text, random.Random(1), WILDCARDS),
    "every variant": lambda text: every_variant(text, WILDCARDS, 50),
    "imagine": imagined,
    "infotext": read_infotext,
    "tags": extract_tags,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_answered_by_every_door(name: str) -> None:
    for door, call in DOORS.items():
        started = time.process_time()
        refused(lambda call=call: call(HOSTILE[name]))
        # Each takes well under a second on a quiet machine; what is quadratic takes minutes.
        assert time.process_time() - started < 4, door
