import os
import subprocess
import sys
from pathlib import Path

import pytest

import danqing as package
from danqing.cli import run_options as options_module
from danqing.cli.app import COMMANDS
from danqing.cli.environment import DOOR_VARIABLES
from tests.cli.conftest import Danqing

SOURCES = Path(package.__file__).parents[1]


def in_a_process(*words: str, home: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "DANQING_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "danqing", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100, **options)  # type: ignore


@pytest.mark.parametrize("words", [("--help",), ("-h",)])
def test_help_names_every_command(danqing: Danqing, words: tuple[str, ...]) -> None:
    ran = danqing(*words)
    assert ran.code == 0
    assert [name for name in COMMANDS if name not in ran.out] == []


def test_no_words_at_all_show_the_help(danqing: Danqing) -> None:
    assert "paint" in danqing().out + danqing().err


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(danqing: Danqing, name: str) -> None:
    if name == "bench":
        pytest.skip("bench speaks for itself")
    ran = danqing(name, "--help")
    assert ran.code == 0
    assert f"danqing {name}" in ran.out


def test_the_version_is_the_packages(danqing: Danqing) -> None:
    assert danqing("--version").out.strip() == f"danqing {package.__version__}"


def test_an_unknown_command_is_told_with_its_neighbour(danqing: Danqing) -> None:
    ran = danqing("pait", "a fox")
    assert ran.code == 2
    assert "Did you mean 'paint'?" in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_an_unknown_option_is_told_with_its_neighbours(danqing: Danqing) -> None:
    ran = danqing("paint", "a fox", "--stesp", "3")
    assert ran.code == 2
    assert "--steps" in ran.err
    assert "danqing paint --help" in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_under_json_a_mistyped_option_is_json(danqing: Danqing) -> None:
    ran = danqing("paint", "--stesp", "3", "--json")
    assert ran.code == 2
    assert "--stesp" in ran.json["error"]


def break_paint(monkeypatch: pytest.MonkeyPatch, problem: BaseException) -> None:
    def broken(*arguments: object, **more: object) -> None:
        raise problem

    monkeypatch.setattr(options_module, "open_studio", broken)


def test_our_own_fault_is_one_sentence_and_a_file(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    break_paint(monkeypatch, ZeroDivisionError("division by zero"))
    ran = danqing("paint", "a fox")
    assert ran.code == 1
    assert ran.out == ""
    assert len(ran.err.strip().splitlines()) == 1
    assert "ZeroDivisionError: division by zero" in ran.err
    (log,) = danqing.files("logs")
    assert str(log) in ran.err
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_our_own_fault_is_told_where_no_home_can_be_written(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    break_paint(monkeypatch, KeyError("x"))
    blocked = danqing.home / "settings.txt"
    blocked.write_text("a file", encoding="utf-8")
    ran = danqing("paint", "a fox", "--home", str(blocked / "home"), "--json")
    assert ran.code == 1
    assert ran.json["kind"] == "KeyError"
    Path(ran.json["error"].partition("traceback is in ")[2].partition(": please")[0]).unlink()


def test_too_little_memory_is_no_fault_of_ours(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    break_paint(monkeypatch, MemoryError())
    ran = danqing("paint", "a fox")
    assert ran.code == 2
    assert "paint smaller" in ran.err


def test_ctrl_c_before_anything_is_painted_ends_with_130(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    break_paint(monkeypatch, KeyboardInterrupt())
    ran = danqing("paint", "a fox")
    assert ran.code == 130
    assert ran.err.strip() == "danqing: stopped; nothing is left half-written"


def test_the_door_sets_its_variables_and_leaves_what_was_set(danqing: Danqing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    for name in DOOR_VARIABLES:
        if name != "HF_HUB_OFFLINE":
            monkeypatch.delenv(name, raising=False)
    danqing("--version")
    assert os.environ["HF_HUB_OFFLINE"] == "0"
    assert os.environ["TRANSFORMERS_OFFLINE"] == "1"


@pytest.mark.parametrize(
    "words",
    [
        "['--help']",
        "['paint', '--help']",
        "['paint', '--knobs']",
        "['models']",
        "['settings']",
        "['lint', 'a cat']",
        "['translate', 'a cat', '--explain']",
        "['build']",
        "['imagine', '--help']",
    ],
)
def test_looking_around_loads_no_networks(words: str, tmp_path: Path) -> None:
    told = f"import sys; from danqing.cli import main; main({words}); "
    told += "print('LOADED', *[n for n in ('torch', 'diffusers', 'transformers') if n in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "DANQING_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, env=environment, timeout=60)
    assert ran.stdout.rpartition("LOADED")[2].split() == [], ran.stderr


def test_a_reader_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    command = f"{sys.executable} -m danqing paint --knobs | head -n 1"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "DANQING_HOME": str(tmp_path)}
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=environment, timeout=60)
    assert ran.stdout.startswith("--negative-prompt")
    assert "Traceback" not in ran.stderr
    assert "fault" not in ran.stderr


def test_the_package_is_a_program(tmp_path: Path) -> None:
    ran = in_a_process("--version", home=tmp_path)
    assert (ran.returncode, ran.stdout.strip()) == (0, f"danqing {package.__version__}")


def test_what_the_terminal_can_not_show_is_no_fault(tmp_path: Path) -> None:
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(SOURCES), "DANQING_HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-m", "danqing", "models", "show", "丹青"],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )
    assert ran.returncode == 2
    assert "\\u4e39\\u9752" in ran.stderr
