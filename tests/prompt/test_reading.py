import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from danqing.base.errors import PromptError
from danqing.prompt.reading import Dialect, PromptPlan, ReadingOptions, read_prompt
from tests.prompt.golden import vocabulary

DIALECTS: list[Dialect] = ["danqing", "a1111", "novelai", "comfy"]


def plan(text: str, embeddings: dict[str, int] | None = None, **options: object) -> PromptPlan:
    return read_prompt(text, vocabulary(), ReadingOptions(**options), embeddings or {})  # type: ignore[arg-type]


def texts(made: PromptPlan) -> list[list[tuple[int, str]]]:
    return [[(stretch.until, stretch.text) for stretch in part.spans] for part in made.parts]


def test_parts_have_weights_and_timelines() -> None:
    made = plan("a cat :1.2 AND [red:blue:0.5] dog")
    assert [part.weight for part in made.parts] == [1.2, 1.0]
    assert texts(made) == [[(20, "a cat")], [(10, " red dog"), (20, " blue dog")]]


def test_a_negative_prompt_knows_no_and() -> None:
    assert texts(plan("a AND b:2", negative=True)) == [[(20, "a AND b:2")]]


def test_a_stretch_holds_one_call_longer_than_it_says() -> None:
    (part,) = plan("[a:b:0.5]", steps=20).parts
    assert [part.at(call).text for call in range(20)] == ["a"] * 11 + ["b"] * 9


def test_alternation_begins_with_the_first_twice() -> None:
    (part,) = plan("[a|b]", steps=5).parts
    assert [part.at(call).text for call in range(5)] == ["a", "a", "b", "a", "b"]


def test_calls_beyond_the_steps_stay_with_the_last_stretch() -> None:
    (part,) = plan("[a:b:0.5]", steps=4).parts
    assert part.at(99).text == "b"


def test_a_hires_pass_counts_on_from_the_first() -> None:
    assert texts(plan("[a:b:25]", steps=10, first_pass_steps=20)) == [[(5, "a"), (10, "b")]]


def test_a_switch_that_changes_nothing_makes_no_stretch() -> None:
    assert texts(plan("[::5]x")) == [[(20, "x")]]


def test_equal_chunks_are_encoded_once() -> None:
    made = plan("[a|b] BREAK c", steps=8)
    assert len(made.parts[0].spans) == 8
    assert len(made.chunks) == 3
    assert made.longest == 2


def test_plans_are_values() -> None:
    assert hash(plan("a (b:1.2) [c|d]")) == hash(plan("a (b:1.2) [c|d]"))
    assert plan("(a:1.2)") != plan("(a:1.3)")


def test_embeddings_are_found_by_name() -> None:
    assert plan("a Bad-Artist, x", {"bad-artist": 2, "other": 1}).embeddings == ("bad-artist",)


def test_plain_text_has_no_brackets_and_no_break() -> None:
    made = plan("(a) BREAK b", plain=True)
    assert made.longest == 1
    assert not made.chunks[0].weighted


@pytest.mark.parametrize(
    ("dialect", "weights"),
    [
        ("danqing", [1.0, 1.1, 1.05, 1 / 1.1]),
        ("a1111", [1.0, 1.1, 1.0, 1 / 1.1]),
        ("novelai", [1.0, 1.0, 1.05, 1 / 1.05]),
        ("comfy", [1.0, 1.1, 1.0, 1.0]),
    ],
)
def test_every_dialect_weighs_brackets_its_own_way(dialect: Dialect, weights: list[float]) -> None:
    (chunk,) = plan("cat (dog) {bird} [fish]", dialect=dialect).chunks
    names = {vocabulary().encode(word)[0]: word for word in ("cat", "dog", "bird", "fish")}
    found = {names[t]: w for t, w in zip(chunk.tokens, chunk.weights, strict=True) if t in names}
    assert [found[word] for word in ("cat", "dog", "bird", "fish")] == weights


def test_comfy_weights_act_round_the_empty_prompt() -> None:
    assert plan("(a:1.2)", dialect="comfy").around_empty
    assert not plan("(a:1.2)").around_empty


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_empty_prompt_is_one_empty_chunk(dialect: Dialect) -> None:
    (chunk,) = plan("", dialect=dialect).chunks
    assert chunk.tokens == (49406, *[49407] * 76)


def test_a_megabyte_is_refused_by_its_length() -> None:
    with pytest.raises(PromptError, match="1,000,000 characters; 120,000 are the most"):
        plan("cat, " * 200000)


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.one_of(st.sampled_from("()[]{}:|\\,.0123 AND BREAK"), st.characters()), max_size=80),
    st.sampled_from(DIALECTS),
)
def test_any_text_becomes_chunks_of_77(text: str, dialect: Dialect) -> None:
    made = plan(text, dialect=dialect, steps=7)
    assert all(len(chunk.tokens) == len(chunk.weights) == 77 for chunk in made.chunks)
    assert all(part.spans[-1].until == 7 for part in made.parts)
    assert 49407 not in {t for chunk in made.chunks for t in chunk.tokens[1 : chunk.tokens.index(49407)]}
