"""Folders of pictures come into the library, other tools' too, and everything comes back from the files alone."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from danqing.base.errors import ImageError
from danqing.pixels.files import write_picture
from danqing.studio.collecting import collect, picture_files, reindex
from danqing.studio.database import Database, open_database
from danqing.studio.home import Home
from danqing.studio.library import Library
from danqing.studio.searching import Search
from danqing.studio.story import infotext_of, story_of
from tests.studio.pictures import picture_of

INFOTEXT = """一个红发女孩 <lora:ink:0.8>, smile
Negative prompt: ugly
Steps: 31, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5, Seed: 77, Size: 64x32, Model hash: 89d59c3dde, Model: final-pruned"""
COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42, "steps": 17, "cfg": 6.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dreams.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 32, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "빨간 사과 on a table", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
}  # fmt: skip


@pytest.fixture
def library(sqlite: Database, tmp_path: Path) -> Library:
    return Library(sqlite, tmp_path / "outputs")


def write_png(path: Path, **texts: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_itxt(name, text)
    Image.new("RGB", (64, 32), "orange").save(path, pnginfo=info)
    return path


def write_own(path: Path, **fields: object) -> Path:
    picture = picture_of(**fields)
    write_picture(path, picture.pixels, infotext=infotext_of(picture), recipe_json=story_of(picture))
    return path


def found(library: Library, **search: object) -> list[str]:
    return sorted(record.path.name for record in library.page(Search.model_validate(search)).records)


def test_an_a1111_folder_is_found_by_its_infotexts(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "webui" / "outputs"
    png = write_png(folder / "txt2img-images" / "00000-77.png", parameters=INFOTEXT)
    Image.new("RGB", (64, 32), "blue").save(folder / "00001.jpg")
    (folder / "00001.txt").write_text(
        "a bear\nSteps: 9, Sampler: DDIM, CFG scale: 7, Seed: 1, Size: 64x32", encoding="utf-8"
    )
    taken = collect(library, folder)
    assert (len(taken.pictures), taken.unreadable) == (2, ())
    record = library.of_path(png)
    assert record is not None
    assert (record.source, record.seed, record.model, record.width) == ("a1111", 77, "final-pruned", 64)
    assert record.infotext == INFOTEXT
    for search in ({"text": "红发 smile"}, {"lora": "ink"}, {"where": ("steps=31", "cfg_scale>5", "sampler=euler a")}):
        assert found(library, **search) == ["00000-77.png"]
    assert found(library, text="bear", where=("steps=9",)) == ["00001.jpg"]


def test_a_comfyui_folder_is_found_by_its_graphs(library: Library, tmp_path: Path) -> None:
    write_png(tmp_path / "comfy" / "ComfyUI_00001_.png", prompt=json.dumps(COMFY))
    collect(library, tmp_path / "comfy")
    for search in ({"text": "사과"}, {"model": "dreams"}, {"where": ("steps=17", "seed=42", "source=foreign")}):
        assert found(library, **search) == ["ComfyUI_00001_.png"]


def test_nothing_is_moved_copied_or_written(library: Library, tmp_path: Path) -> None:
    write_png(tmp_path / "webui" / "a.png", parameters=INFOTEXT)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "webui").rglob("*")}
    collect(library, tmp_path / "webui")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "webui").rglob("*")} == before


def test_what_has_not_changed_is_not_read_again(library: Library, tmp_path: Path) -> None:
    paths = [write_png(tmp_path / "webui" / f"{name}.png", parameters=INFOTEXT) for name in "abc"]
    assert len(collect(library, tmp_path / "webui").pictures) == 3
    write_png(paths[1], parameters=INFOTEXT.replace("smile", "frown and more"))
    again = collect(library, tmp_path / "webui")
    assert (len(again.pictures), again.known) == (1, 2)
    assert found(library, text="frown") == ["b.png"]
    assert len(collect(library, tmp_path / "webui", again=True).pictures) == 3


def test_what_is_no_picture_is_named_and_the_rest_taken(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "webui"
    write_png(folder / "good.png", parameters=INFOTEXT)
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "empty.webp").write_bytes(b"")
    whole = write_png(folder / "cut.png", parameters=INFOTEXT).read_bytes()
    (folder / "cut.png").write_bytes(whole[:-40])
    write_png(folder / "bare.png")
    (folder / "odd.png").write_bytes(
        write_png(folder / "odd.png", parameters="a\nSteps: 9e99, Sampler: Euler, Seed: -5, Size: 0x0").read_bytes()
    )
    taken = collect(library, folder)
    assert [
        name for name in ("bad.png", "empty.webp") if not any(name in sentence for sentence in taken.unreadable)
    ] == []
    assert len(taken.unreadable) == 2
    assert found(library) == ["bare.png", "cut.png", "good.png", "odd.png"]
    assert found(library, where=("source=none",), text="") == ["bare.png", "odd.png"]


def test_hidden_folders_are_passed_over(tmp_path: Path) -> None:
    for name in ("a.png", ".hidden/b.png", ".c.png", "d.txt", "deep/er/e.WEBP"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in picture_files(tmp_path)] == ["a.png", "e.WEBP"]


def test_a_folder_that_is_not_there_is_refused(library: Library, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"there is no folder .*nowhere; name one with pictures"):
        collect(library, tmp_path / "nowhere")


def test_every_file_is_told_of(library: Library, tmp_path: Path) -> None:
    for name in "ab":
        write_png(tmp_path / f"{name}.png")
    told: list[tuple[int, str]] = []
    collect(library, tmp_path, tell=lambda number, path: told.append((number, path.name)))
    assert told == [(1, "a.png"), (2, "b.png")]


def test_the_files_alone_bring_everything_back(tmp_path: Path) -> None:
    home = Home(tmp_path)
    outputs = tmp_path / "outputs"
    database = open_database(home)
    library = Library(database, outputs)
    paths = [write_own(outputs / "day" / f"{number}.png", prompt=f"红发 {number}", seed=number) for number in range(4)]
    ids = [library.add_file(path) for path in paths]
    library.mark(ids[0], favourite=True, rating=3, boards=("wall",), tags=("사과",))
    library.mark(ids[1], tags=("thrown",))
    library.trash([ids[1]])
    before = {
        record.prompt: record for trashed in (True, False) for record in library.page(Search(trashed=trashed)).records
    }
    database.close()
    (tmp_path / "danqing.sqlite3").unlink()

    database = open_database(home)
    library = Library(database, outputs)
    assert len(reindex(library).pictures) == 4
    after = {
        record.prompt: record for trashed in (True, False) for record in library.page(Search(trashed=trashed)).records
    }
    for prompt, record in before.items():
        same = ("path", "taken", "recipe", "infotext", "digest", "order_number", "marks")
        assert [getattr(after[prompt], name) for name in same] == [getattr(record, name) for name in same]
        assert (after[prompt].trashed is None) == (record.trashed is None)
    assert found(library, text="사과", favourite=True, board="wall") == ["0.png"]
    (back,) = library.restore([after["红发 1"].id])
    assert (back.path, back.tags) == (paths[1], ("thrown",))
    database.close()


def test_a_reindex_drops_what_is_gone_but_not_what_is_only_away(library: Library, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    gone, stays = write_own(outputs / "gone.png"), write_own(outputs / "stays.png")
    away = write_png(tmp_path / "disk" / "away.png")
    for path in (gone, stays, away):
        library.add_file(path)
    gone.unlink()
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    assert reindex(library).gone == 1
    assert sorted(path.name for path in library.known_files()) == ["away.png", "stays.png"]
    (tmp_path / "disk").mkdir()
    assert reindex(library).gone == 1
    assert found(library) == ["stays.png"]


@pytest.mark.skipif(os.name != "posix", reason="only here may a name be any bytes")
def test_a_name_that_is_not_utf_8_is_passed_over(library: Library, tmp_path: Path) -> None:
    odd = write_png(tmp_path / "a.png")
    odd.rename(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))
    taken = collect(library, tmp_path)
    assert (taken.pictures, len(taken.unreadable)) == ((), 1)
    assert "its name is not UTF-8" in taken.unreadable[0]
