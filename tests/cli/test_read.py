import json
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from tests.cli.conftest import Danqing
from tests.cli.test_paint import HELLO, SMALL

FOREIGN = """a cat
Negative prompt: ugly
Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 42, Size: 512x640, Model: anything, Version: v1.9.0"""


def foreign_picture(path: Path, text: str = FOREIGN) -> Path:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    return path


def test_our_own_picture_is_read_exactly(danqing: Danqing) -> None:
    painted = danqing("paint", "a (red:1.2) apple", "--seed", "7", "--json", *SMALL).json["pictures"][0]
    told = danqing("read", painted["path"], "--json").json
    assert told["exact"] is True
    assert told["digest"] == painted["digest"]
    assert told["recipe"]["prompt"] == "a (red:1.2) apple"
    assert told["left_to_model"] == []
    assert told["provenance"]["facts"]["batch_size"] == 1


def test_for_people_the_infotext_comes_first_and_the_facts_behind(danqing: Danqing) -> None:
    painted = danqing("paint", "a red apple", "--seed", "7", "--json", *SMALL).json["pictures"][0]
    lines = danqing("read", painted["path"]).out.splitlines()
    assert lines[0] == "a red apple"
    assert lines[1].startswith("Steps: 2, ")
    assert f"recipe: {painted['digest']}" in lines
    assert any(line.startswith("painted on cpu in float32") for line in lines)


def test_a_foreign_picture_is_read_by_its_infotext(danqing: Danqing, tmp_path: Path) -> None:
    path = foreign_picture(tmp_path / "cat.png")
    assert danqing("read", str(path)).out.strip() == FOREIGN
    told = danqing("read", str(path), "--json").json
    assert told["exact"] is False
    assert told["provenance"] is None
    assert told["fields"]["Steps"] == "20"
    assert (told["recipe"]["prompt"], told["recipe"]["seed"], told["recipe"]["height"]) == ("a cat", 42, 640)


def test_a_recipe_is_shown_as_its_infotext(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(json.dumps({"recipe": 1, "prompt": "a fox", "seed": 7}), "utf-8")
    assert danqing("read", str(tmp_path / "recipe.json")).out.startswith("a fox\nSteps: 20, ")


def test_stdin_is_read_too(danqing: Danqing) -> None:
    told = danqing("read", "-", "--json", stdin=HELLO).json
    assert told["recipe"]["seed"] == 1039378680


def test_a_damaged_recipe_falls_back_to_the_infotext(danqing: Danqing, tmp_path: Path) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", FOREIGN)
    chunks.add_itxt("danqing", '{"recipe": {"recipe": 1, "steps": 10000}}')
    Image.new("RGB", (8, 8)).save(tmp_path / "cat.png", pnginfo=chunks)
    ran = danqing("read", str(tmp_path / "cat.png"))
    assert ran.code == 0
    assert ran.out.strip() == FOREIGN
    assert "its infotext is read instead" in ran.err


@pytest.mark.parametrize("name", ["nosuch.png", "."])
def test_what_is_no_file_is_refused(danqing: Danqing, name: str) -> None:
    ran = danqing("read", name)
    assert ran.code == 2
    assert len(ran.err.strip().splitlines()) == 1


def test_a_text_that_calls_itself_a_picture_is_not_taken_for_a_prompt(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("a fox in the snow")
    ran = danqing("read", str(tmp_path / "a.png"))
    assert ran.code == 2
    assert "a.png is no picture" in ran.err


def test_a_picture_of_another_tool_is_read(danqing: Danqing, tmp_path: Path) -> None:
    chunks = PngImagePlugin.PngInfo()
    said = {"prompt": "a fox", "uc": "blurry", "steps": 28, "scale": 5.5, "seed": 7, "sampler": "k_euler_ancestral"}
    chunks.add_text("Software", "NovelAI")
    chunks.add_text("Description", "a fox")
    chunks.add_text("Comment", json.dumps(said))
    Image.new("RGB", (64, 48)).save(tmp_path / "novel.png", pnginfo=chunks)
    ran = danqing("read", str(tmp_path / "novel.png"), "--json")
    recipe = json.loads(ran.out)["recipe"]
    assert ran.code == 0
    assert (recipe["prompt"], recipe["negative_prompt"], recipe["steps"], recipe["seed"]) == ("a fox", "blurry", 28, 7)
    assert recipe["sampler"] == "Euler a"
