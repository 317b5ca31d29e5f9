import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import danqing as package
from danqing.base.progress import Progress, Verdict, Watch
from danqing.cli import painting as module
from danqing.pixels.files import read_picture
from tests.cli.conftest import Danqing

try:
    import resource
except ImportError:  # Windows has none
    resource = None

SMALL = ("--width", "64", "--height", "64", "--steps", "2", "--device", "cpu", "--dtype", "float32")


def test_a_picture_is_painted_and_its_place_recipe_and_time_are_told(danqing: Danqing) -> None:
    ran = danqing("paint", "a red apple", "--seed", "7", *SMALL)
    assert ran.code == 0, ran.err
    (file,) = danqing.files()
    assert file.name == "00000-7.png"
    first, second = ran.out.splitlines()
    assert first == str(file)
    assert "64x64, toy, seed 7, recipe " in second
    assert second.endswith(" s")
    assert read_picture(file).shape == (64, 64, 3)


def test_the_same_seed_paints_the_same_pixels(danqing: Danqing) -> None:
    one, two = [danqing("paint", "a red apple", "--seed", "7", "-q", *SMALL).paths[0] for _ in range(2)]
    assert one != two
    assert np.array_equal(read_picture(one), read_picture(two))


def test_another_seed_paints_another_picture(danqing: Danqing) -> None:
    one, two = [danqing("paint", "a red apple", "--seed", seed, "-q", *SMALL).paths[0] for seed in ("7", "8")]
    assert not np.array_equal(read_picture(one), read_picture(two))


def test_an_empty_prompt_paints_too(danqing: Danqing) -> None:
    assert len(danqing("paint", "-q", *SMALL).paths) == 1


def test_seeds_count_up_over_batches(danqing: Danqing) -> None:
    ran = danqing("paint", "a fox", "--seed", "7", "--count", "2", "--batch-size", "2", "--json", *SMALL)
    assert [picture["seed"] for picture in ran.json["pictures"]] == [7, 8, 9, 10]
    assert [Path(picture["path"]).name for picture in ran.json["pictures"]] == [
        "00000-7.png",
        "00001-8.png",
        "00002-9.png",
        "00003-10.png",
    ]


def test_a_drawn_seed_is_another_each_time(danqing: Danqing) -> None:
    seeds = {danqing("paint", "--seed", "-1", "--json", *SMALL).json["pictures"][0]["seed"] for _ in range(2)}
    assert len(seeds) == 2


def test_json_tells_what_a_program_wants_to_know(danqing: Danqing) -> None:
    ran = danqing("paint", "a fox", "--seed", "7", "--json", *SMALL)
    (picture,) = ran.json["pictures"]
    assert Path(picture["path"]).is_file()
    assert len(picture["digest"]) == 64
    assert (picture["width"], picture["height"], picture["model"], picture["interrupted"]) == (64, 64, "toy", False)
    assert ran.json["seconds"] >= picture["seconds"] > 0


def test_what_was_not_said_is_the_models_usual(danqing: Danqing) -> None:
    (picture,) = danqing("paint", "--steps", "1", "--json").json["pictures"]
    assert (picture["width"], picture["height"]) == (128, 128)


def test_a_picture_is_written_where_out_says(danqing: Danqing, tmp_path: Path) -> None:
    ran = danqing("paint", "a fox", "-q", "--out", str(tmp_path / "art" / "fox.webp"), *SMALL)
    assert ran.paths == [tmp_path / "art" / "fox.webp"]
    ran = danqing("paint", "a fox", "-q", "--seed", "7", "--out", str(tmp_path / "art"), *SMALL)
    assert ran.paths == [tmp_path / "art" / "7.png"]
    assert danqing.files() == []


def test_a_recipe_a_picture_and_an_infotext_paint_the_same(danqing: Danqing, tmp_path: Path) -> None:
    words = ("a (red:1.3) apple", "-n", "green", "--seed", "7", "--cfg", "3", "--sampler", "Euler a", *SMALL)
    (first,) = danqing("paint", "-q", *words).paths
    told = danqing("read", str(first), "--json").json
    (tmp_path / "recipe.json").write_text(json.dumps(told["recipe"]), "utf-8")
    (tmp_path / "infotext.txt").write_text(told["infotext"], "utf-8")
    (tmp_path / "order.json").write_text(
        json.dumps({"recipe": {k: v for k, v in told["recipe"].items() if k != "recipe"}})
    )
    place = ("--device", "cpu", "--dtype", "float32")
    for source in (first, tmp_path / "recipe.json", tmp_path / "infotext.txt", tmp_path / "order.json"):
        ran = danqing("paint", "-q", "--from", str(source), *place)
        assert ran.code == 0, ran.err
        assert np.array_equal(read_picture(ran.paths[0]), read_picture(first)), source
    ran = danqing("paint", "-q", "--from", "-", *place, stdin=(tmp_path / "infotext.txt").read_bytes())
    assert np.array_equal(read_picture(ran.paths[0]), read_picture(first))
    ran = danqing("paint", "-q", "--from", "-", *place, stdin=first.read_bytes())
    assert np.array_equal(read_picture(ran.paths[0]), read_picture(first))


def test_what_is_said_lies_over_what_is_read(danqing: Danqing) -> None:
    (first,) = danqing("paint", "a red apple", "-q", "--seed", "7", *SMALL).paths
    ran = danqing("paint", "a pear", "--from", str(first), "--seed", "8", "--set", "cfg_scale=2.5", "--json")
    assert ran.json["pictures"][0]["seed"] == 8
    recipe = danqing("read", ran.json["pictures"][0]["path"], "--json").json["recipe"]
    assert (recipe["prompt"], recipe["cfg_scale"], recipe["steps"]) == ("a pear", 2.5, 2)


HELLO = (
    b"masterpiece, a cat\nNegative prompt: ugly\nSteps: 30, Sampler: DDIM, CFG scale: 10, Seed: 1039378680, "
    b"Size: 300x400, Model hash: 89d59c3dde, Model: final-pruned, Clip skip: 2"
)


def test_an_infotext_of_another_model_is_painted_with_the_one_that_is_named(danqing: Danqing) -> None:
    ran = danqing("paint", "--from", "-", "--json", "--model", "toy", "--steps", "1", stdin=HELLO)
    assert ran.code == 0, ran.err
    assert ran.json["pictures"][0]["model"] == "toy"
    assert read_picture(Path(ran.json["pictures"][0]["path"])).shape == (400, 296, 3)
    assert "final-pruned" not in ran.err


def test_a_model_that_is_typed_wrong_is_not_replaced(danqing: Danqing) -> None:
    ran = danqing("paint", "--from", "-", "--model", "toyy", stdin=HELLO)
    assert ran.code == 2
    assert "no checkpoint named 'toyy'; did you mean toy?" in ran.err


def test_a_recipe_means_its_model_to_the_letter(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"recipe": 1, "model": {"name": "final-pruned"}}', "utf-8")
    ran = danqing("paint", "--from", str(tmp_path / "recipe.json"))
    assert ran.code == 2
    assert "no checkpoint named 'final-pruned'" in ran.err


def test_a_lora_that_is_not_here_is_left_out_of_a_foreign_text_and_said(danqing: Danqing) -> None:
    text = b"a cat <lora:ink:0.8> <hypernet:x:1>\nSteps: 1, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"
    ran = danqing("paint", "--from", "-", "--json", stdin=text)
    assert ran.code == 0, ran.err
    assert "note: the LoRA 'ink' isn't here: it is left out" in ran.err
    recipe = danqing("read", ran.json["pictures"][0]["path"], "--json").json["recipe"]
    assert recipe["prompt"].strip() == "a cat"
    assert "loras" not in recipe


def test_a_prompt_that_begins_with_a_brace_is_no_recipe(danqing: Danqing) -> None:
    text = b"{a} cat\nSteps: 1, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64"
    assert danqing("read", "-", "--json", stdin=text).json["recipe"]["prompt"] == "{a} cat"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--sampler", "Eulre"), "no sampler named 'Eulre'; did you mean Euler?"),
        (("--schedule", "Karas"), "did you mean Karras?"),
        (("--model", "anythingg"), "no checkpoint named 'anythingg'"),
        (("--vae", "nosuch"), "no vae named 'nosuch'"),
        (("--width", "0"), "width must be at least 16"),
        (("--steps", "1000000000"), "steps must be at most 1000"),
        (("--steps", "10^9"), "steps must be a whole number"),
        (("--seed", "x"), "seed must be a whole number"),
        (("--seed", "-2"), "seed must be at least 0"),
        (("--count", "-1"), "count must be at least 1"),
        (("--set", "stepz=3"), "did you mean steps?"),
        (("--set", "steps"), "--set 'steps': a knob and its value are needed"),
        (("--dtype", "float8"), "dtype must be one of"),
        (("--device", "gpu"), "no device named 'gpu'"),
        (("--device", "cpu", "--dtype", "float16"), "float16"),
        (("--hires-upscaler", "Latnt"), "no hires upscaler named 'Latnt'"),
        (("--from", "nosuch.png"), "there is no file nosuch.png"),
        (("--init-image", "nosuch.png"), "there is no file nosuch.png"),
        (("--inpaint-mask", "mask.png"), "give that picture with --init-image"),
        (("--models-from", "/no/such/install"), "there is no folder /no/such/install"),
        (("<lora:nosuch:1>",), "no lora named 'nosuch'"),
    ],
)
def test_what_can_not_be_painted_is_refused_in_one_sentence(
    danqing: Danqing, words: tuple[str, ...], sentence: str
) -> None:
    ran = danqing("paint", *(words if words[0].startswith("<") else ("a fox", *words)))
    assert ran.code == 2, ran
    assert sentence in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert ran.out == ""
    assert danqing.files() == []


def test_under_json_a_refusal_is_json(danqing: Danqing) -> None:
    ran = danqing("paint", "a fox", "--sampler", "Eulre", "--json")
    assert ran.code == 2
    assert ran.err == ""
    assert ran.json == {"error": "no sampler named 'Eulre'; did you mean Euler?", "kind": "RecipeError"}


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n cut", b"\xff\xd8\xff\xe0 cut", b"\0\1\2", b"", b"{no json"])
def test_an_unreadable_source_is_refused(danqing: Danqing, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "source.png").write_bytes(data)
    ran = danqing("paint", "--from", str(tmp_path / "source.png"))
    assert ran.code == 2, ran
    assert "source.png" in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_picture_without_parameters_is_refused(danqing: Danqing, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "plain.png")
    ran = danqing("paint", "--from", str(tmp_path / "plain.png"))
    assert ran.code == 2
    assert "plain.png holds no parameters" in ran.err


def test_a_hostile_pickle_is_refused_and_never_run(danqing: Danqing, tmp_path: Path) -> None:
    mark = tmp_path / "it ran"
    program = f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()
    (danqing.home / "models" / "Stable-diffusion" / "evil.ckpt").write_bytes(program)
    ran = danqing("paint", "a fox", "--model", "evil")
    assert ran.code == 2, ran
    assert "evil.ckpt" in ran.err
    assert not mark.exists()


def test_a_damaged_model_is_refused(danqing: Danqing) -> None:
    path = danqing.home / "models" / "Stable-diffusion" / "cut.safetensors"
    path.write_bytes((1000).to_bytes(8, "little") + b"{" + bytes(8))
    ran = danqing("paint", "a fox", "--model", "cut")
    assert ran.code == 2
    assert "cut.safetensors: cut off" in ran.err


def test_a_damaged_settings_file_is_set_aside_and_the_next_run_paints(danqing: Danqing) -> None:
    (danqing.home / "settings.json").write_text('{"picture_format": "webp",\n "device": ', encoding="utf-8")
    ran = danqing("paint", "a fox", *SMALL)
    assert ran.code == 2
    assert "settings.damaged-1.json" in ran.err
    assert "picture_format could be saved" in ran.err
    assert danqing("paint", "a fox", "-q", *SMALL).paths[0].suffix == ".webp"


def test_a_bad_setting_in_the_file_is_a_note_and_no_hindrance(danqing: Danqing) -> None:
    (danqing.home / "settings.json").write_text('{"quality": 1000}', encoding="utf-8")
    ran = danqing("paint", "a fox", "-q", *SMALL)
    assert ran.code == 0
    assert "quality must be at most 100" in ran.err


def test_an_output_folder_that_is_a_file_is_said_before_painting(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "art").write_text("a file", encoding="utf-8")
    ran = danqing("paint", "a fox", "--out", str(tmp_path / "art" / "fox.png"), *SMALL)
    assert ran.code == 2
    assert "a file stands where a folder is needed" in ran.err


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="no folder here that refuses root too")
def test_a_folder_that_can_only_be_read_is_said_before_painting(danqing: Danqing) -> None:
    ran = danqing("paint", "a fox", "--out", "/sys/kernel", *SMALL)
    assert ran.code == 2
    assert "can't write /sys/kernel" in ran.err


def test_a_full_disk_keeps_what_was_finished_and_nothing_half(
    danqing: Danqing, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, writes = os.fsync, []

    def full(handle: int) -> None:
        writes.append(handle)
        if len(writes) > 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    ran = danqing("paint", "a fox", "--seed", "7", "--count", "3", *SMALL)
    assert ran.code == 2
    assert "disk is full" in ran.err
    assert [file.name for file in danqing.files()] == ["00000-7.png"]


def test_under_json_what_was_finished_is_told_with_the_error(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    real, writes = os.fsync, []

    def full(handle: int) -> None:
        writes.append(handle)
        if len(writes) > 2:
            raise OSError(28, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    ran = danqing("paint", "a fox", "--seed", "7", "--count", "3", "--json", *SMALL)
    assert ran.code == 2
    assert ran.json["kind"] == "FileWriteError"
    assert [picture["seed"] for picture in ran.json["pictures"]] == [7]


def stopping_at(picture: int) -> object:
    @contextmanager
    def bar(title: str, quiet: bool) -> Generator[Watch]:
        def watch(progress: Progress) -> Verdict:
            if progress.picture == picture:
                signal.raise_signal(signal.SIGINT)
            return Verdict.CONTINUE

        yield watch

    return bar


def test_ctrl_c_keeps_what_is_finished(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "progress_bar", stopping_at(1))
    ran = danqing("paint", "a fox", "--seed", "7", "--count", "3", *SMALL)
    assert ran.code == 130
    assert "danqing: stopped; 1 of 3 pictures are finished and kept" in ran.err
    assert [file.name for file in danqing.files()] == ["00000-7.png"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_under_json_tells_what_is_finished(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "progress_bar", stopping_at(1))
    ran = danqing("paint", "a fox", "--seed", "7", "--count", "3", "--json", *SMALL)
    assert ran.code == 130
    assert ran.json["stopped"] is True
    assert [picture["seed"] for picture in ran.json["pictures"]] == [7]


def start(home: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(package.__file__).parents[1]),
        "DANQING_HOME": str(home),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "danqing", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGINT to one process")
def test_a_real_ctrl_c_ends_with_130_and_whole_files(danqing: Danqing) -> None:
    process = start(danqing.home, "paint", "a fox", "-q", "--seed", "1", "--count", "2000", *SMALL)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert "pictures are finished and kept" in told
    assert "Traceback" not in told
    assert [Path(line) for line in (first + rest).split("\n") if line] == danqing.files()
    for file in danqing.files():
        assert read_picture(file).shape == (64, 64, 3)


@pytest.mark.skipif(resource is None, reason="needs POSIX limits")
def test_a_disk_that_really_takes_no_more_is_told(danqing: Danqing) -> None:
    assert resource is not None
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        ran = danqing("paint", "a fox", *SMALL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert ran.code == 2, ran
    assert "larger than this disk allows" in ran.err
    assert danqing.files() == []
