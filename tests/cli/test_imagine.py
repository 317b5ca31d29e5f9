from pathlib import Path

from danqing.pixels.files import read_picture
from tests.cli.conftest import Danqing

FAST = ("--set", "steps=1", "--device", "cpu", "--dtype", "float32", "--json")


def recipe_of(danqing: Danqing, picture: dict[str, object]) -> dict[str, object]:
    recipe = danqing("read", str(picture["path"]), "--json").json["recipe"]
    assert isinstance(recipe, dict)
    return recipe


def test_a_command_paints_four_pictures(danqing: Danqing) -> None:
    ran = danqing("imagine", "/imagine prompt: a fox --ar 3:2 --no text, signs --seed 7", *FAST)
    assert ran.code == 0, ran.err
    pictures = ran.json["pictures"]
    assert [picture["seed"] for picture in pictures] == [7, 8, 9, 10]
    assert {read_picture(Path(picture["path"])).shape for picture in pictures} == {(104, 160, 3)}
    recipe = recipe_of(danqing, pictures[0])
    assert (recipe["prompt"], recipe["negative_prompt"], recipe["dialect"]) == ("a fox", "text, signs", "midjourney")


def test_the_command_needs_no_quotes(danqing: Danqing) -> None:
    ran = danqing("imagine", "a", "fox::2", "fog", "--ar", "1:1", "--s", "250", "--seed", "3", "--count", "1", *FAST)
    assert ran.code == 0, ran.err
    recipe = recipe_of(danqing, ran.json["pictures"][0])
    assert (recipe["prompt"], recipe["seed"], recipe["cfg_scale"]) == ("a fox::2 fog", 3, 6.3)


def test_every_permutation_is_painted(danqing: Danqing) -> None:
    ran = danqing("imagine", "a {red, blue} fox --seed 1", "--count", "1", *FAST)
    prompts = [recipe_of(danqing, picture)["prompt"] for picture in ran.json["pictures"]]
    assert prompts == ["a red fox", "a blue fox"]


def test_pictures_go_where_out_says(danqing: Danqing, tmp_path: Path) -> None:
    ran = danqing("imagine", "a fox --seed 5", "--count", "2", "--out", str(tmp_path / "art"), *FAST)
    assert [Path(picture["path"]).parent for picture in ran.json["pictures"]] == [tmp_path / "art"] * 2
    assert danqing.files() == []


def test_what_has_no_effect_here_is_said(danqing: Danqing) -> None:
    ran = danqing("imagine", "a fox --chaos 5", "--count", "1", "--set", "steps=1", "-q")
    assert "note: chaos has no effect" in ran.err


def test_a_wrong_command_is_refused_before_painting(danqing: Danqing) -> None:
    for words, sentence in (
        (("a fox --ar 0:1",), "must be width:height"),
        (("a fox", "--stylise", "3"), "no parameter named --stylise; did you mean stylize"),
        (("a {red, blue fox",), "never closed"),
        (("a fox", "--model", "nosuch"), "no checkpoint named 'nosuch'"),
        (("a {cat, <lora:nosuch:1>}",), "no lora named 'nosuch'"),
    ):
        ran = danqing("imagine", *words)
        assert ran.code == 2, words
        assert sentence in ran.err
        assert danqing.files() == []
