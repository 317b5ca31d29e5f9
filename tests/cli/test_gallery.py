import os
from pathlib import Path

import pytest

from danqing.pixels.files import write_picture
from danqing.studio.story import infotext_of, story_of
from tests.cli.conftest import Danqing
from tests.studio.pictures import picture_of


@pytest.fixture
def webui(tmp_path: Path) -> Path:
    """A folder of another tool's with three pictures, an hour apart."""
    folder = tmp_path / "webui"
    folder.mkdir()
    for number, prompt in enumerate(("一个红发女孩", "빨간 사과", "a fox")):
        picture = picture_of(prompt=prompt, seed=number, steps=20 + number)
        path = folder / f"{number}.png"
        write_picture(path, picture.pixels, infotext=infotext_of(picture), recipe_json=story_of(picture))
        os.utime(path, (1763700000 + 3600 * number,) * 2)
    return folder


@pytest.fixture
def gallery(danqing: Danqing, webui: Path) -> Danqing:
    """A home that has taken them in: 1, 2 and 3."""
    assert danqing("gallery", "import", str(webui)).out == "3 taken in, 0 known already, 0 can't be read\n"
    return danqing


def paths(danqing: Danqing, *words: str) -> list[str]:
    return [path.name for path in danqing("gallery", "search", *words, "--quiet").paths]


def test_a_folder_is_taken_in_once(gallery: Danqing, webui: Path) -> None:
    (webui / "bad.png").write_bytes(b"no picture")
    ran = gallery("gallery", "import", str(webui))
    assert ran.out == "0 taken in, 3 known already, 1 can't be read\n"
    assert "bad.png is no picture that danqing can read" in ran.err
    assert gallery("gallery", "import", str(webui), "--json").json["known"] == 3
    assert gallery("gallery", "import", str(webui / "nothing")).code == 2


def test_pictures_are_found_by_words_and_parameters(gallery: Danqing) -> None:
    assert paths(gallery) == ["2.png", "1.png", "0.png"]
    assert paths(gallery, "红发") == ["0.png"]
    assert paths(gallery, "사과") == ["1.png"]
    assert paths(gallery, "--where", "steps>=21", "--where", "seed<2") == ["1.png"]
    assert paths(gallery, "--oldest", "--limit", "1") == ["0.png"]
    assert paths(gallery, "--since", "2099-01-01") == []
    assert paths(gallery, "--until", "2099-01-01", "--model", "toy") == ["2.png", "1.png", "0.png"]
    assert gallery("gallery", "search", "--limit", "1").out.endswith("1 of 3; --limit shows more\n")


def test_json_has_the_recipe_of_each(gallery: Danqing) -> None:
    data = gallery("gallery", "search", "fox", "--json").json
    assert data["total"] == 1
    assert (data["pictures"][0]["recipe"]["steps"], data["pictures"][0]["source"]) == (22, "danqing")


def test_a_bad_condition_is_refused(gallery: Danqing) -> None:
    ran = gallery("gallery", "search", "--where", "steps")
    assert (ran.code, "'steps' is no condition" in ran.err) == (2, True)


def test_marks_are_given_and_taken_away(gallery: Danqing, webui: Path) -> None:
    gallery("gallery", "mark", "1", "2", "--favourite", "--rating", "4", "--tag", "精选", "--board", "wall")
    assert paths(gallery, "--favourite", "--rating", "4", "--tag", "精选", "--board", "wall") == ["1.png", "0.png"]
    line = gallery("gallery", "mark", "1", "--no-favourite", "--tag=-精选").out
    assert line == f"1  {webui / '0.png'}  一个红发女孩  ****\n"
    assert paths(gallery, "--favourite") == ["1.png"]


def test_what_is_thrown_away_can_be_taken_back(gallery: Danqing, webui: Path) -> None:
    assert gallery("gallery", "trash", "1").out == "1 in the trash; danqing gallery restore 1 takes it back\n"
    assert not (webui / "0.png").exists()
    assert paths(gallery, "--trashed") == ["0.png"]
    assert gallery("gallery", "restore", "1").out == f"{webui / '0.png'}\n"
    assert (webui / "0.png").exists()


def test_emptying_the_trash_asks_to_be_sure(gallery: Danqing) -> None:
    gallery("gallery", "trash", "1", "2")
    ran = gallery("gallery", "empty-trash")
    assert (ran.code, "say --yes" in ran.err) == (2, True)
    assert gallery("gallery", "empty-trash", "--yes", "--older-than", "1").out == "removed 0 picture(s)\n"
    assert gallery("gallery", "empty-trash", "--yes").out == "removed 2 picture(s)\n"
    assert gallery("gallery", "restore", "1").code == 2


def test_pictures_that_look_alike_are_shown_together(gallery: Danqing) -> None:
    groups = gallery("gallery", "duplicates", "--json").json
    assert [[one["id"] for one in group] for group in groups] == [[3, 2, 1]]
    gallery("gallery", "trash", "2", "3")
    assert gallery("gallery", "duplicates").out == "no two pictures look alike\n"


def test_a_reindex_brings_the_outputs_back(danqing: Danqing, toy_home: Path) -> None:
    picture = picture_of(prompt="a painted fox")
    path = toy_home / "outputs" / "00000.png"
    write_picture(path, picture.pixels, infotext=infotext_of(picture), recipe_json=story_of(picture))
    assert danqing("gallery", "reindex").out == "1 taken in, 0 known already, 0 can't be read\n"
    assert paths(danqing, "painted") == ["00000.png"]
    path.unlink()
    assert danqing("gallery", "reindex", "--json").json == {"taken": 0, "known": 0, "gone": 1, "unreadable": []}
