import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from tests.cli.conftest import Danqing
from tests.studio.files import EMBEDDING, LORA, write_safetensors


def test_a_good_prompt_leaves_with_0(danqing: Danqing) -> None:
    ran = danqing("lint", "1girl, long green hair, glasses")
    assert (ran.code, ran.out, ran.err) == (0, "no findings\n", "")


def test_findings_have_place_severity_and_remedy_and_leave_with_1(danqing: Danqing) -> None:
    ran = danqing("lint", "a cat, [bad hands:1.4]")
    assert ran.code == 1
    head, first, *_ = ran.out.splitlines()
    assert head.split() == ["place", "severity", "finding", "write", "instead"]
    assert first.startswith("prompt 8-22  warning   [bad hands:1.4] is no weight")
    assert first.rstrip().endswith("(bad hands:0.71)")


def test_a_hint_alone_leaves_with_0(danqing: Danqing) -> None:
    ran = danqing("lint", "cat, dog, cat")
    assert ran.code == 0
    assert "hint" in ran.out


def test_findings_are_data_for_programs(danqing: Danqing) -> None:
    ran = danqing("lint", "(cat:1.5)", "--json")
    assert ran.code == 1
    assert ran.json["clean"] is False
    (finding,) = ran.json["findings"]
    assert (finding["code"], finding["severity"], finding["remedy"]) == ("strong-weight", "warning", "(cat:1.3)")
    assert (finding["in"], finding["start"], finding["end"]) == ("prompt", 1, 4)


def test_names_are_those_of_the_home(danqing: Danqing) -> None:
    write_safetensors(danqing.home / "models/Lora/styles/ink.safetensors", LORA, {"ss_output_name": "ink wash"})
    write_safetensors(danqing.home / "embeddings/bad-hands.safetensors", EMBEDDING)
    for known in ("ink", "styles/ink", "INK.safetensors", "ink wash"):
        assert danqing("lint", f"a cat <lora:{known}:1>").code == 0, known
    ran = danqing("lint", "a cat <lora:inc:1>, bad-hand, embedding:good-hands", "--json")
    assert {finding["code"]: finding["message"] for finding in ran.json["findings"]} == {
        "unknown-network": "no LoRA named 'inc'; did you mean ink?",
        "near-embedding": "there is an embedding 'bad-hands'; 'bad-hand' is not it",
        "unknown-embedding": "no embedding named 'good-hands'; did you mean bad-hands?",
    }


@pytest.mark.parametrize(("dialect", "code"), [("a1111", 1), ("novelai", 0), ("NAI", 0), ("comfyui", 1)])
def test_weights_are_read_as_the_dialect_has_them(danqing: Danqing, dialect: str, code: int) -> None:
    assert danqing("lint", "(cat:1.5)", "--dialect", dialect).code == code


def test_an_unknown_dialect_is_named_with_the_nearest(danqing: Danqing) -> None:
    ran = danqing("lint", "a cat", "--dialect", "novelia")
    assert ran.code == 2
    assert "no dialect named 'novelia'; did you mean novelai?" in ran.err


def test_a_negative_prompt_is_looked_at_as_one(danqing: Danqing) -> None:
    assert danqing("lint", "day, night").code == 1
    assert danqing("lint", "day, night", "--negative").code == 0


def test_a_picture_is_looked_at_with_both_its_prompts(danqing: Danqing, tmp_path: Path) -> None:
    chunks = PngImagePlugin.PngInfo()
    text = "(cat:1.5)\nNegative prompt: (ugly:2)\nSteps: 8, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"
    chunks.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(tmp_path / "cat.png", pnginfo=chunks)
    found = danqing("lint", str(tmp_path / "cat.png"), "--json").json["findings"]
    assert [(finding["in"], finding["code"]) for finding in found] == [
        ("prompt", "strong-weight"),
        ("negative prompt", "strong-weight"),
    ]


def test_our_own_picture_is_looked_at_with_its_tags(danqing: Danqing, tmp_path: Path) -> None:
    recipe = {"recipe": 1, "prompt": "a cat", "loras": [{"model": {"name": "gone"}}]}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe), "utf-8")
    assert "no LoRA named 'gone'" in danqing("lint", str(tmp_path / "recipe.json")).out


def test_switches_are_counted_over_the_steps_of_the_file(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("[a:b:15]\nSteps: 10, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64", "utf-8")
    assert "there are 10 steps" in danqing("lint", str(tmp_path / "a.txt")).out
    assert danqing("lint", str(tmp_path / "a.txt"), "--steps", "20").code == 0


def test_stdin_is_looked_at_too(danqing: Danqing) -> None:
    assert danqing("lint", "-", stdin=b"a (cat:1.5)").code == 1


def test_a_picture_that_is_not_there_is_no_prompt(danqing: Danqing) -> None:
    ran = danqing("lint", "nosuch.png")
    assert ran.code == 2
    assert "there is no file nosuch.png" in ran.err


@pytest.mark.parametrize("text", ["a" * 5000, "nul \0 byte", "~nobody/x", "\ud800"])
def test_text_that_can_be_no_file_name_is_a_prompt(danqing: Danqing, text: str) -> None:
    assert danqing("lint", text).code in (0, 1)
