import pytest

from danqing.base.errors import PromptError
from danqing.prompt.swarm import has_swarm_tags, read_swarm
from danqing.prompt.variants import every_variant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <random:red, blue> cat", "a {red|blue} cat"),
        ("<random:a, b | c>", "{a, b|c}"),
        ("<random:a|b||c>", r"{a\|b|c}"),
        ("<random:1-3, x>", "{1|2|3|x}"),
        ("<random:0.8-1.0>", "{0.8|0.9|1.0}"),
        ("<random[2]:a,b,c>", "{2$$ $$a|b|c}"),
        ("<random[1-3,]:a,b,c>", "{1-3$$, $$a|b|c}"),
        ("<random:only>", "only"),
        ("<wildcard:animals/cats>", "__animals/cats__"),
        ("<wc[1-2]:animals>", "{1-2$$ $$__animals__}"),
        ("<alternate:cat, dog>", "[cat|dog]"),
        ("<alt:a||b>", "[a|b]"),
        ("<fromto[0.5]:cat, dog>", "[cat:dog:0.5]"),
        ("<fromto[10]:a, b | c>", "[a, b:c:10]"),
        ("<lora:ink>", "<lora:ink>"),
        ("<lora:ink:0.8>", "<lora:ink:0.8>"),
        ("<lora:ink:0.8:0.5>", "<lora:ink:0.5:0.8>"),
        ("<embed:bad-hands>, x", "bad-hands, x"),
        ("<repeat[3]:ha>", "ha ha ha"),
        ("a <break> b", "a BREAK b"),
        ("a <comment:not this>b", "a b"),
        ("<fromto[0.5]:<random:a,b>, c>", "[{a|b}:c:0.5]"),
        ("<setvar[c]:<random:red,blue>> hair, <var:c> eyes", "${c=!{red|blue}}${c} hair, ${c} eyes"),
        ("<setvar[c,false]:red> <var:c>", "${c=!red} ${c}"),
        ("(a:1.2) < b > <", "(a:1.2) < b > <"),
        ("", ""),
    ],
)
def test_a_tag_is_said_in_danqings_words(text: str, expected: str) -> None:
    assert read_swarm(text).text == expected


@pytest.mark.parametrize(
    ("text", "left", "note"),
    [
        ("a cat <segment:face,0.6> a detailed face", "a cat", "<segment:face,0.6> was left out: what follows repaints"),
        ("a <object:0,0,1,1> b", "a", "<object:0,0,1,1> was left out"),
        ("a <trigger> b", "a  b", "<trigger:> was left out: write the model's trigger words yourself"),
        ("<param[Steps]:20>a", "a", "<param:20> was left out: set it beside the prompt"),
        ("<foo:bar> a", "a", "<foo:bar> was left out: danqing knows no such tag"),
        ("<var:c> a", "a", "nothing sets the variable c"),
        ("<fromto[x]:a,b> c", "c", "it needs a step and two texts"),
        ("<wildcard:animals,not=cat>", "__animals__", "not=cat behind the wildcard animals was left out"),
    ],
)
def test_what_has_no_counterpart_is_named(text: str, left: str, note: str) -> None:
    read = read_swarm(text)
    assert read.text == left
    assert [note in said for said in read.notes] == [True]


def test_a_variable_is_drawn_once() -> None:
    text = read_swarm("<setvar[c]:<random:red,blue>> hair, <var:c> eyes").text
    assert every_variant(text) in (["red hair, red eyes"], ["blue hair, blue eyes"])


def test_a_macro_is_drawn_anew() -> None:
    assert read_swarm("<setmacro[c]:<random:a,b>> <macro:c>").text == "${c={a|b}}${c} ${c}"


@pytest.mark.parametrize(
    ("text", "swarm"), [("<random:a,b>", True), ("<segment:face> x", True), ("<lora:x:1>", False), ("a < b", False)]
)
def test_its_tags_are_known_from_others(text: str, swarm: bool) -> None:
    assert has_swarm_tags(text) is swarm


@pytest.mark.parametrize(
    "text",
    [
        "<" * 100000,
        "<random:" * 13000 + ">" * 13000,
        "<repeat[100]:" * 11 + "a" + ">" * 11,
        "<random:" * 11 + "a," * 50000 + ">" * 11,
        "<random:0-99>" * 9000,
        "<setvar[a]:" * 9000,
    ],
)
def test_hostile_text_is_read(text: str) -> None:
    assert len(read_swarm(text).text) < 5_000_000


def test_a_megabyte_is_refused_by_its_length() -> None:
    with pytest.raises(PromptError, match="1,000,000 characters; 120,000 are the most"):
        read_swarm("cat, " * 200000)
