"""`danqing preset`: a command a preset, drawn from its file; results and findings told."""

from pathlib import Path

import pytest

from danqing.pixels.files import read_picture, write_picture
from tests.cli.conftest import Danqing
from tests.studio.presets.conftest import apple

SMALL = ("--side", "64", "--dpi", "72", "--paper", "A6")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "apple.png"
    write_picture(path, apple(64))
    return path


def test_all_presets_are_listed(danqing: Danqing) -> None:
    ran = danqing("preset", "list")
    assert ran.code == 0
    names = [line.split()[0] for line in ran.out.splitlines()]
    assert names == ["advertisement", "avatars", "cover", "pattern", "poster", "restoration", "sticker"]
    assert {row["name"] for row in danqing("preset", "list", "--json").json} == set(names)


def test_a_sticker_of_a_picture(danqing: Danqing, picture: Path, tmp_path: Path) -> None:
    ran = danqing("preset", "sticker", "--picture", picture, *SMALL, "--out", tmp_path / "out", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["good"] is True
    assert [Path(one["path"]).name for one in ran.json["results"]] == ["sticker-1.png", "sheet-1.png", "sheets.pdf"]
    assert read_picture(tmp_path / "out" / "sticker-1.png").shape[2] == 4
    assert {finding["what"] for finding in ran.json["findings"]} >= {"real alpha", "border"}


def test_what_is_not_good_is_said(danqing: Danqing, picture: Path, tmp_path: Path) -> None:
    words = ("--picture", picture, "--picture", picture, "--side", "64", "--out", tmp_path / "out")
    ran = danqing("preset", "avatars", *words)
    assert ran.code == 0
    assert "NOT GOOD  avatars 1 and 2 are most alike" in ran.out
    assert str(tmp_path / "out" / "avatar-1.png") in ran.out


def test_quiet_prints_paths_only(danqing: Danqing, picture: Path, tmp_path: Path) -> None:
    ran = danqing("preset", "pattern", "-i", picture, "--out", tmp_path / "out", "--quiet")
    assert ran.paths == [tmp_path / "out" / "tile.png", tmp_path / "out" / "repeated.png"]


def test_one_is_painted_by_its_prompt_and_seed(danqing: Danqing) -> None:
    ran = danqing("preset", "pattern", "--prompt", "leaves", "--seed", "5", "--width", "64", "--height", "64", "--json")
    assert ran.json["seed"] == 5
    assert ran.json["settings"]["prompt"] == "leaves"
    assert (ran.json["results"][0]["width"], ran.json["results"][0]["height"]) == (64, 64)
    assert (
        danqing("preset", "pattern", "--prompt", "a", "--seed", "random", "--width", "64", "--json").json["seed"] >= 0
    )


def test_a_users_preset_is_a_command_too(danqing: Danqing, picture: Path, tmp_path: Path) -> None:
    (danqing.home / "presets").mkdir()
    (danqing.home / "presets" / "pins.toml").write_text('preset = "sticker"\nabout = "Pins."\n[settings]\nborder = 9\n')
    assert "Pins." in danqing("preset", "list").out
    assert "usually 9" in danqing("preset", "pins", "--help").out
    ran = danqing("preset", "pins", "-i", picture, *SMALL, "--out", tmp_path / "out", "--json")
    assert ran.json["settings"]["border"] == 9


def test_the_home_that_the_words_name_counts(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "other" / "presets").mkdir(parents=True)
    (tmp_path / "other" / "presets" / "mine.toml").write_text('preset = "pattern"\n')
    assert danqing("preset", "mine", "--help").code == 2
    for home in (["--home", str(tmp_path / "other")], [f"--home={tmp_path / 'other'}"]):
        assert danqing("preset", "mine", *home, "--help").code == 0


def test_a_users_file_that_is_wrong_hides_no_other(danqing: Danqing) -> None:
    (danqing.home / "presets").mkdir()
    (danqing.home / "presets" / "bad.toml").write_text('preset = "stiker"\n')
    ran = danqing("preset", "list")
    assert "bad" in ran.out
    assert "did you mean sticker" in ran.out
    assert danqing("preset", "--help").code == 0
    refused = danqing("preset", "bad", "--prompt", "a")
    assert refused.code == 2
    assert "did you mean sticker" in refused.err


def test_a_name_or_an_option_that_is_not_there_is_refused(danqing: Danqing) -> None:
    assert danqing("preset", "stickr").code == 2
    assert danqing("preset", "sticker", "--boarder", "3").code == 2
    ran = danqing("preset", "sticker", "--prompt", "a", "--border", "99")
    assert ran.code == 2
    assert "border must be at most 20" in ran.err


def test_a_picture_option_takes_a_file(danqing: Danqing, picture: Path, tmp_path: Path) -> None:
    words = ("--picture", picture, "--headline", "Ink", "--logo", picture, "--out", tmp_path / "out", "--json")
    assert danqing("preset", "advertisement", *words).json["settings"]["logo"]["name"] == "apple.png"
    assert danqing("preset", "advertisement", "--prompt", "a", "--logo", tmp_path / "absent.png").code == 2


def test_a_choice_is_taken_in_any_capitals(danqing: Danqing, picture: Path, tmp_path: Path) -> None:
    words = ("-i", picture, "--shape", "SQUARE", "--side", "64", "--out", tmp_path / "out", "--json")
    assert danqing("preset", "avatars", *words).json["settings"]["shape"] == "square"
