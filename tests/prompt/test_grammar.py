import pytest
from hypothesis import given
from hypothesis import strategies as st

from danqing.base.errors import DanqingError, PromptError
from danqing.prompt.attention import A1111, attention
from danqing.prompt.grammar import Alternate, Break, Edit, Item, Part, Prompt, TagItem, Words, parse
from danqing.prompt.reading import Dialect
from danqing.prompt.schedule import Moments, schedule_of
from danqing.prompt.tags import Tag

DIALECTS: list[Dialect] = ["danqing", "a1111", "novelai", "comfy", "compel", "midjourney"]
LEAVES = st.sampled_from(["a", "b c", ", ", "d ", r"\(x\)", " BREAK "])
GROUPS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.builds("({})".format, inner),
        st.builds("({}:1.3)".format, inner),
        st.builds("[{}]".format, inner),
        st.builds("[{}:{}:{}]".format, inner, inner, st.sampled_from(["2", "0.5", " .3 "])),
        st.builds("[{}|{}]".format, inner, inner),
    ),
    max_leaves=8,
)


def only(prompt: Prompt) -> tuple[Item, ...]:
    (part,) = prompt.parts
    return part.items


def at_step(items: tuple[Item, ...], step: int, steps: int) -> list[tuple[str, float]]:
    """Letters and their weights as the tree has them on a step; a break is a line feed."""
    letters: list[tuple[str, float]] = []
    for item in items:
        if isinstance(item, Words):
            letters += [(letter, round(item.weight, 6)) for letter in item.text if not letter.isspace()]
        elif isinstance(item, Break):
            letters.append(("\n", 1.0))
        elif isinstance(item, Edit):
            side = item.before if step <= Moments(steps).step_of(item.when) else item.after
            letters += at_step(side, step, steps)
        elif isinstance(item, Alternate):
            letters += at_step(item.options[(step - 1) % len(item.options)], step, steps)
    return letters


def test_a_prompt_of_every_kind_has_its_tree() -> None:
    prompt = parse("(x [a:(b:1.5):0.5] y:2) <lora:ink:0.8> BREAK [c|d] AND e:0.5")
    assert prompt.parts == (
        Part(
            1.0,
            (
                Words("x ", 2.0),
                Edit((Words("a", 2.0),), (Words("b", 3.0),), "0.5"),
                Words(" y", 2.0),
                Words(" "),
                TagItem(Tag("lora", "ink", ("0.8",))),
                Break(),
                Alternate(((Words("c"),), (Words("d"),))),
            ),
        ),
        Part(0.5, (Words(" e"),)),
    )


def test_a_tag_is_one_piece_whatever_is_in_it() -> None:
    assert only(parse("<lora:a AND (b):1>")) == (TagItem(Tag("lora", "a AND (b)", ("1",))),)


@pytest.mark.parametrize(
    ("dialect", "weights"),
    [
        ("danqing", {"b": 1.1, "c": 1.05, "d": 1 / 1.1}),
        ("a1111", {"b": 1.1, "{c}": 1.0, "d": 1 / 1.1}),
        ("novelai", {"(b)": 1.0, "c": 1.05, "d": 1 / 1.05}),
        ("comfy", {"b": 1.1, "{c}": 1.0}),
        ("compel", {}),
        ("midjourney", {}),
    ],
)
def test_brackets_weigh_as_their_dialect_says(dialect: Dialect, weights: dict[str, float]) -> None:
    words = {words.text.strip(): words.weight for words in parse("a (b) {c} [d]", dialect).words()}
    found = {text: words.get(text, 1.0) for text in weights}
    assert found == pytest.approx(weights)


@given(GROUPS)
def test_the_tree_says_on_every_step_what_painting_encodes(text: str) -> None:
    for step, now in schedule_of(text, 6):
        spans = attention(now, A1111)
        said = [Words(span.text, span.weight) if span.kind == "text" else Break() for span in spans]
        items = only(parse(text, "a1111"))
        assert at_step(items, step, 6) == at_step(tuple(said), step, 6)


def test_switches_nested_beyond_reason_are_refused() -> None:
    with pytest.raises(PromptError, match="nested more than 60 deep"):
        parse("[a:" * 500 + "x" + ":5]" * 500)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text",
    [
        "(" * 100000,
        "[" * 50000 + "a" + "]" * 50000,
        "[a:b:3]" * 8000,
        "<a:b>" * 9000,
        "\ue000" * 50000,
        "\0" * 100000,
        "AND " * 20000,
        "::" * 50000,
        "[a|b]" * 5000,
        "a+" * 50000,
        "a-" * 50000,
        "a.swap(b)" * 10000,
    ],
    ids=lambda text: text[:8],
)
def test_hostile_text_has_a_tree_or_a_reason(text: str, dialect: Dialect) -> None:
    try:
        prompt = parse(text, dialect)
    except DanqingError:
        return
    assert prompt.parts
