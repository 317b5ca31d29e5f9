from pathlib import Path

import pytest

from tests.cli.conftest import Danqing
from tests.studio.files import EMBEDDING, write_safetensors


@pytest.mark.parametrize(
    ("text", "source", "target", "expected"),
    [
        ("(big cat)1.3 ball++", "compel", "a1111", "(big cat:1.3) (ball:1.21)"),
        ("{a} [b]", "NovelAI", "a1111", "(a:1.05) (b:0.9524)"),
        ("((a:1.5))", "comfyui", "danqing", "(a:1.5)"),
        ("hot::3 dog", "mj", "a1111", "hot :0.75 AND dog :0.25"),
        ("a <random:x,y> <lora:ink:0.8:0.5>", "swarm", "danqing", "a {x|y} <lora:ink:0.5:0.8>"),
        ("一只猫，蓝色眼睛", "danqing", "en", "a cat, blue eyes"),
    ],
)
def test_a_prompt_is_said_in_another_tools_words(
    danqing: Danqing, text: str, source: str, target: str, expected: str
) -> None:
    ran = danqing("translate", text, "--from", source, "--to", target)
    assert (ran.code, ran.out) == (0, f"{expected}\n")


def test_what_is_lost_is_said_beside_it(danqing: Danqing) -> None:
    ran = danqing("translate", "[a:b:0.5]", "--to", "comfy")
    assert ran.out == "a\n"
    assert "note: ComfyUI has no prompt editing" in ran.err


def test_words_the_glossary_lacks_are_named(danqing: Danqing) -> None:
    ran = danqing("translate", "猫, 龘龘", "--to", "en", "--json")
    assert ran.json["text"] == "cat, 龘龘"
    assert ran.json["notes"] == ["the glossary doesn't know 龘龘"]


def test_a_prompt_is_explained(danqing: Danqing) -> None:
    ran = danqing("translate", "a (cat:1.2) [dog:bird:0.5] <lora:ink:1>", "--explain", "--steps", "10")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "lifted out: <lora:ink:1>",
        "tree",
        "  part 1, weight 1",
        "    'a '",
        "    'cat', weight 1.2",
        "    ' '",
        "    a switch after 0.5 of the steps",
        "      before",
        "        'dog'",
        "      after",
        "        'bird'",
        "steps and chunks",
        "  steps 1 to 5, 3 tokens: a (cat:1.2) dog",
        "    chunk 1: a (cat:1.2) dog",
        "  steps 6 to 10, 3 tokens: a (cat:1.2) bird",
        "    chunk 1: a (cat:1.2) bird",
    ]


def test_the_translation_is_what_is_explained(danqing: Danqing) -> None:
    ran = danqing("translate", "{a}", "--from", "novelai", "--to", "a1111", "--explain", "--json")
    assert ran.json["text"] == "(a:1.05)"
    assert ran.json["tree"] == ["part 1, weight 1", "  'a', weight 1.05"]
    assert ran.json["parts"][0]["stretches"][0]["chunks"] == [[["a ", 1.05]]]


def test_variants_are_counted_and_the_first_is_explained(danqing: Danqing) -> None:
    (danqing.home / "wildcards").mkdir()
    (danqing.home / "wildcards/colors.txt").write_text("red\ngreen\nblue\n", "utf-8")
    ran = danqing("translate", "a __colors__ {cat|dog}", "--explain", "--json")
    assert ran.json["variants"] == 6
    assert ran.json["parts"][0]["stretches"][0]["text"] in [f"a {color} cat" for color in ("red", "green", "blue")]


def test_embeddings_of_the_home_take_their_places(danqing: Danqing) -> None:
    write_safetensors(danqing.home / "embeddings/ink.safetensors", EMBEDDING)
    ran = danqing("translate", "a (ink:1.2)", "--to", "comfy", "--explain", "--json")
    assert ran.json["text"] == "a (embedding:ink:1.2)"
    (stretch,) = ran.json["parts"][0]["stretches"]
    assert stretch["tokens"] == 3
    assert stretch["chunks"] == [[["a ", 1.0], ["<ink> ", 1.2]]]


def test_a_file_is_translated_out_of_its_own_language(danqing: Danqing, tmp_path: Path) -> None:
    text = "{a} (cat:1.3)\nNegative prompt: (b:2)\nSteps: 8, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"
    (tmp_path / "a.txt").write_text(text, "utf-8")
    ran = danqing("translate", str(tmp_path / "a.txt"), "--to", "compel")
    assert ran.out == "{a} (cat)1.3\nNegative prompt: (b)2\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("a cat",), "say where to with --to"),
        (("a cat", "--to", "comfi"), "no dialect named 'comfi' can be translated into; did you mean comfy?"),
        (("a cat", "--to", "swarm"), "no dialect named 'swarm' can be translated into"),
        (("a cat", "--from", "en", "--to", "a1111"), "no dialect named 'en' can be read"),
        (("{a|b", "--to", "a1111"), "is never closed"),
    ],
)
def test_what_can_not_be_said_is_refused(danqing: Danqing, words: tuple[str, ...], sentence: str) -> None:
    ran = danqing("translate", *words)
    assert ran.code == 2
    assert sentence in ran.err
