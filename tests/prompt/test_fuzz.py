"""Everything that reads text, on text that nobody would write: an answer or an error of ours."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.base.errors import DanqingError
from danqing.prompt.imagine import imagined
from danqing.prompt.lint import LintOptions, lint
from danqing.prompt.reading import Dialect, ReadingOptions, read_prompt
from danqing.prompt.styles import read_styles
from danqing.prompt.tags import extract_tags
from danqing.prompt.translate import translate
from danqing.prompt.variants import draw_variant, every_variant
from danqing.prompt.wildcards import Wildcards
from tests.prompt.golden import vocabulary
from tests.prompt.test_grammar import DIALECTS

PIECES = [*'()[]{}:|\\,+-"#@!~\0\n', "1.2", ".5", "1e9", " BREAK ", " AND ", "<lora:x:1>", "::", "$$", "2$$", "__a__"]
PIECES += [
    "${v=",
    "${v}",
    "%{",
    "...",
    " --ar 1:1",
    " --no x",
    "cat",
    "a",
    ".and(",
    ".blend(",
    ".swap(",
    "😀",
    "猫",
    "\ud800",
]
TEXT = st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(st.characters(), max_size=60))
WILDCARDS = Wildcards({"a": ((1.0, "x{y|z}"), (2.0, "w"))})


def doors(text: str, source: Dialect, target: Dialect) -> list[Callable[[], object]]:
    reading = ReadingOptions(source, 12, first_pass_steps=20)
    looking = LintOptions(source, embeddings={"x": 1}, loras=["y"])
    return [
        lambda: read_prompt(text, vocabulary(), reading, {"cat": 2, "a": 75}),
        lambda: translate(text, source, target),
        lambda: lint(text, looking),
        lambda: draw_variant(text, random.Random(1), WILDCARDS),
        lambda: every_variant(text, WILDCARDS, 50),
        lambda: imagined(text),
        lambda: [tag.weight() for tag in extract_tags(text)[1]],
        lambda: read_styles(text),
    ]


def walk_all_doors(text: str, source: Dialect, target: Dialect) -> int:
    """How many doors answered; what is no error of ours goes through to the test."""
    answered = 0
    for door in doors(text, source, target):
        try:
            door()
        except DanqingError:
            continue
        answered += 1
    return answered


@settings(max_examples=400, deadline=None)
@given(TEXT, st.sampled_from(DIALECTS), st.sampled_from(DIALECTS))
def test_any_text_is_answered_by_every_door(text: str, source: Dialect, target: Dialect) -> None:
    # The linter answers whatever it is given; the others may refuse.
    assert walk_all_doors(text, source, target) >= 1


@pytest.mark.soak
@pytest.mark.timeout(900)
@settings(max_examples=10_000, deadline=None)
@given(TEXT, st.sampled_from(DIALECTS), st.sampled_from(DIALECTS))
def test_ten_thousand_texts_are_answered_by_every_door(text: str, source: Dialect, target: Dialect) -> None:
    assert walk_all_doors(text, source, target) >= 1
