import json
import multiprocessing
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from danqing.base.errors import FileWriteError
from danqing.pixels.files import read_picture
from danqing.studio import gallery as module
from danqing.studio.gallery import Gallery
from danqing.studio.settings import Settings
from tests.studio.pictures import picture_of

NOW = datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)


def gallery_in(root: Path, **settings: object) -> Gallery:
    return Gallery(root, Settings.model_validate(settings), lambda: NOW)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_picture_goes_where_a1111_puts_it(tmp_path: Path) -> None:
    path = gallery_in(tmp_path).keep(picture_of(seed=7))
    assert path == tmp_path / "txt2img-images" / "2026-11-21" / "00000-7.png"
    assert np.array_equal(read_picture(path), picture_of().pixels)


def test_numbers_go_on_from_the_highest(tmp_path: Path) -> None:
    folder = tmp_path / "txt2img-images" / "2026-11-21"
    folder.mkdir(parents=True)
    for name in ("00004-1.png", "00009-x.txt", "00002.jpg", "123456-8.png.tmp", "7.png"):
        (folder / name).touch()
    kept = gallery_in(tmp_path).keep(picture_of(seed=7))
    assert kept.name == "00005-7.png"


def test_nothing_is_left_beside_the_picture(tmp_path: Path) -> None:
    gallery_in(tmp_path).keep(picture_of(seed=7))
    assert names(tmp_path) == ["00000-7.png"]


def test_patterns_and_format_are_the_settings(tmp_path: Path) -> None:
    settings = {"folder_pattern": "", "file_pattern": "[seed]-[prompt_spaces]", "picture_format": "webp"}
    kept = gallery_in(tmp_path, **settings).keep(picture_of(seed=7, prompt="an apple"))
    assert kept == tmp_path / "txt2img-images" / "00000-7-an apple.webp"


def test_without_a_number_no_picture_is_ever_written_over(tmp_path: Path) -> None:
    gallery = gallery_in(tmp_path, number_files=False, folder_pattern="")
    kept = [gallery.keep(picture_of(seed=7)).name for _ in range(3)]
    assert kept == ["7.png", "7-1.png", "7-2.png"]


def test_an_empty_pattern_still_gives_a_name(tmp_path: Path) -> None:
    assert gallery_in(tmp_path, file_pattern="").keep(picture_of(seed=7)).name == "00000.png"
    assert gallery_in(tmp_path, file_pattern="", number_files=False).keep(picture_of(seed=7)).name == "7.png"


def test_a_picture_file_to_write_to_is_taken_by_its_name(tmp_path: Path) -> None:
    gallery = gallery_in(tmp_path / "outputs")
    assert gallery.keep(picture_of(), tmp_path / "new" / "fox.jpg") == tmp_path / "new" / "fox.jpg"
    assert gallery.keep(picture_of(), tmp_path / "new" / "fox.jpg") == tmp_path / "new" / "fox-1.jpg"
    assert not (tmp_path / "outputs").exists()


def test_a_folder_to_write_to_gets_names_by_the_pattern(tmp_path: Path) -> None:
    gallery = gallery_in(tmp_path / "outputs")
    assert gallery.keep(picture_of(seed=7), tmp_path / "mine") == tmp_path / "mine" / "7.png"
    assert gallery.keep(picture_of(seed=7), tmp_path / "mine") == tmp_path / "mine" / "7-1.png"


def keep_many(root: str, seed: int) -> None:
    for _ in range(12):
        gallery_in(Path(root)).keep(picture_of(seed=seed))


def test_processes_that_write_at_once_never_take_the_same_number(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    workers = [spawn.Process(target=keep_many, args=(str(tmp_path), seed)) for seed in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    numbers = [name.partition("-")[0] for name in names(tmp_path)]
    assert len(numbers) == 36
    assert len(set(numbers)) == 36


def test_a_claim_that_was_left_behind_is_stepped_over(tmp_path: Path) -> None:
    folder = tmp_path / "txt2img-images" / "2026-11-21"
    folder.mkdir(parents=True)
    (folder / f"{module.CLAIM}00000").touch()
    assert gallery_in(tmp_path).keep(picture_of(seed=7)).name == "00001-7.png"
    os.utime(folder / f"{module.CLAIM}00000", (0, 0))
    gallery_in(tmp_path, file_pattern="[none]").keep(picture_of())
    assert gallery_in(tmp_path).keep(picture_of(seed=7)).name == "00003-7.png"


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileWriteError, match=r"disk is full"):
        gallery_in(tmp_path).keep(picture_of(seed=7))
    assert names(tmp_path) == []


def test_a_folder_that_can_not_be_is_said_before_painting(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("a file", encoding="utf-8")
    gallery = gallery_in(tmp_path / "outputs")
    with pytest.raises(FileWriteError, match=r"a file stands where a folder is needed"):
        gallery.check_writable()
    with pytest.raises(FileWriteError, match=r"a file stands"):
        gallery.check_writable(tmp_path / "outputs" / "fox.png")
    gallery.check_writable(tmp_path / "elsewhere" / "fox.png")
    assert names(tmp_path / "elsewhere") == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_said_before_painting(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir(mode=0o500)
    with pytest.raises(FileWriteError, match=r"no right to write"):
        gallery_in(tmp_path / "outputs").check_writable()


def test_the_file_carries_its_whole_story(tmp_path: Path) -> None:
    from PIL import Image

    path = gallery_in(tmp_path).keep(picture_of(seed=7, prompt="an apple"))
    with Image.open(path) as image:
        texts = image.text
    assert texts["parameters"].startswith("an apple\nSteps: 20, ")
    assert json.loads(texts["danqing"])["recipe"]["seed"] == 7
