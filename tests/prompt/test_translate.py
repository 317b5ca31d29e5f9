import pytest
from hypothesis import given

from danqing.prompt.grammar import Prompt, Words, parse
from danqing.prompt.reading import Dialect
from danqing.prompt.translate import translate, write
from tests.prompt.test_grammar import DIALECTS, GROUPS


@pytest.mark.parametrize(
    ("source", "text", "target", "expected"),
    [
        ("a1111", "(a (b:1.5)) [c]", "comfy", "(a :1.1)(b:1.65) (c:0.9091)"),
        ("comfy", "((a:1.5)) [c]", "a1111", r"(a:1.5) \[c\]"),
        ("novelai", "{a} {{b}} [c]", "danqing", "(a:1.05) (b:1.1025) (c:0.9524)"),
        ("danqing", "{a} (b:1.1025)", "novelai", "{a} {{b}}"),
        ("danqing", "{a} b", "a1111", "(a:1.05) b"),
        ("a1111", "{a} b", "danqing", r"\{a\} b"),
        ("compel", "a cat++ (big dog)0.5", "a1111", "a (cat:1.21) (big dog:0.5)"),
        ("a1111", "(a b:1.3) c-d", "compel", r"(a b)1.3 c\-d"),
        ("a1111", "a BREAK b", "compel", '("a", "b").and()'),
        ("compel", '("a", "b").and()', "a1111", "a BREAK b"),
        ("a1111", "a:2 AND b", "compel", '("a", "b").blend(2, 1)'),
        ("midjourney", "hot::3 dog", "a1111", "hot :0.75 AND dog :0.25"),
        ("a1111", "a cat, (blue eyes:1.3)", "midjourney", "a cat::1 blue eyes::1.3"),
        ("midjourney", "a cat", "comfy", "a cat"),
        ("a1111", r"\(a\) [x:(y:2):0.5] z", "danqing", r"\(a\) [x:(y:2):0.5] z"),
        ("a1111", "[a|b] c", "comfy", "a c"),
        ("comfy", "a AND b:2", "a1111", r"a A\ND b:2 :1"),
        ("novelai", "a BREAK b", "comfy", "a, b"),
        ("novelai", "1.5::a:: b", "a1111", "(a:1.5) b"),
        ("novelai", "a cat:3|dog", "a1111", "a cat :0.75 AND dog :0.25"),
        ("a1111", "a :3 AND b", "novelai", "a:3|b:1"),
        ("a1111", "(a:1.3) (year 2:1.3) (b:-1)", "novelai", "1.3::a:: 1.3::year 2 :: -1::b::"),
        ("compel", "a cat.swap(dog, s_start=0.3)", "a1111", "a [cat:dog:0.3]"),
        ("compel", "(fluffy cat).swap(dog++)", "a1111", "[fluffy cat:(dog:1.21):0.2]"),
        ("compel", '("a.swap(b)", "c").blend(1, 3)', "a1111", "[a:b:0.2] :0.25 AND c :0.75"),
        ("a1111", "a [cat:dog:0.5] x", "compel", "a (cat).swap(dog, s_start=0.5) x"),
        ("a1111", "a [cat:dog:10] x", "compel", "a cat x"),
        ("comfy", "a (embedding:ink:1.2), b", "a1111", "a (ink:1.2), b"),
        ("danqing", "a {red|blue} {cat}", "comfy", "a {red|blue} (cat:1.05)"),
        ("danqing", "a {red|(blue:1.2)} x", "comfy", "a {red|(blue:1.2)} x"),
        ("danqing", "a {red|blue, green} x", "midjourney", r"a {red, blue\, green} x"),
        ("danqing", "a {2$$red|blue} __colors__", "a1111", "a {2$$red|blue} __colors__"),
        ("danqing", "a {x|x} __colors__ {b}", "novelai", "a x __colors__ {b}"),
        ("midjourney", "/imagine prompt: a {red, blue} cat --ar 3:2", "danqing", "a {!red|blue} cat"),
        ("midjourney", "a {red, blue} cat", "a1111", "a red cat"),
    ],
)
def test_a_prompt_is_said_in_another_dialect(source: Dialect, text: str, target: Dialect, expected: str) -> None:
    assert translate(text, source, target).text == expected


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_prompt_stays_itself_in_its_own_dialect(dialect: Dialect) -> None:
    assert translate("((a)) {b|c} [d] e++ f::2", dialect, dialect).text == "((a)) {b|c} [d] e++ f::2"


@pytest.mark.parametrize(
    ("source", "text", "target", "note"),
    [
        ("a1111", "(a:1.3)", "novelai", "a weight of 1.3 is no power of 1.05: written as a number"),
        ("a1111", "a AND b", "novelai", "AND became NovelAI's prompt mixing"),
        ("danqing", "{a|b}", "a1111", "with its Dynamic Prompts extension only"),
        ("danqing", "{a|b}", "compel", "variants were settled: one of each was drawn"),
        ("danqing", "{a|b}", "midjourney", "Midjourney paints every option"),
        ("midjourney", "a {b, c}", "novelai", "permutations were settled: the first option"),
        ("midjourney", "a --ar 3:2", "a1111", "--ar 3:2 is no part of the prompt: `danqing imagine` reads it"),
        ("a1111", "[a:b:0.5]", "compel", "prompt editing became .swap()"),
        ("a1111", "[a:b:0.5]", "comfy", "ComfyUI has no prompt editing: the text before the switch was taken"),
        ("a1111", "<lora:ink:1>", "comfy", "ComfyUI has no tags in prompts: load <lora:ink:1> beside it"),
        ("a1111", "a BREAK b", "comfy", "ComfyUI has no BREAK: a comma stands for it"),
        ("a1111", r"\{a\}", "novelai", "NovelAI has no escapes: signs of its language that were text are gone"),
        ("a1111", "{a}", "danqing", "braces weigh 1.05 in danqing and are text in A1111"),
        ("a1111", "a AND b", "comfy", "ComfyUI can't weigh whole prompts against each other in text"),
        ("compel", '("a", "b").blend(1, 1)', "a1111", "a blend of encodings became AND"),
        ("comfy", "(a:1.5)", "a1111", "the same number looks different above 1.2"),
    ],
)
def test_what_is_lost_is_said(source: Dialect, text: str, target: Dialect, note: str) -> None:
    assert any(note in said for said in translate(text, source, target).notes)


def test_nothing_lost_needs_no_note() -> None:
    assert translate("a cat, blue eyes", "a1111", "comfy").notes == ()


def letters(prompt: Prompt) -> list[tuple[str, float]]:
    return [
        (letter, round(words.weight, 3)) for words in prompt.words() for letter in words.text if not letter.isspace()
    ]


@given(GROUPS)
def test_what_is_written_for_danqing_is_read_again(text: str) -> None:
    prompt = parse(text, "a1111")
    for dialect in ("danqing", "a1111"):
        again = letters(parse(write(prompt, dialect).text, dialect))
        assert [letter for letter, _ in again] == [letter for letter, _ in letters(prompt)]
        assert [weight for _, weight in again] == pytest.approx([weight for _, weight in letters(prompt)], abs=2e-3)


def test_weights_on_blanks_are_not_written() -> None:
    assert write(Prompt(parse("((a) (b))", "a1111").parts), "comfy").text == "(a:1.21) (b:1.21)"
    assert list(parse("( :2)", "a1111").words()) == [Words(" ", 2.0)]


def test_comfy_calls_embeddings_by_a_prefix() -> None:
    assert (
        translate("a (Ink:1.2), inks, ink", "a1111", "comfy", ["ink"]).text
        == "a (embedding:Ink:1.2), inks, embedding:ink"
    )


@pytest.mark.parametrize("target", ["novelai", "compel"])
@given(text=GROUPS)
def test_weights_come_back_from_other_dialects(text: str, target: Dialect) -> None:
    prompt = parse(text, "a1111")
    made = write(prompt, target)
    if made.notes and any("has no" in note for note in made.notes):
        return
    before = [(letter, weight) for letter, weight in letters(prompt) if letter.isalpha()]
    after = [(letter, weight) for letter, weight in letters(parse(made.text, target)) if letter.isalpha()]
    assert [letter for letter, _ in after] == [letter for letter, _ in before]
    assert [weight for _, weight in after] == pytest.approx([weight for _, weight in before], abs=2e-3)
