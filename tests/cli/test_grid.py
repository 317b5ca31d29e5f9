"""`danqing grid` from the words to the folder."""

import re
from pathlib import Path

import pytest

from danqing.base.progress import Progress, Verdict
from danqing.pixels.files import read_picture
from tests.cli.conftest import Danqing

SMALL = ("--steps", "1", "--width", "64", "--height", "64", "--seed", "7", "--dtype", "float32")


def test_axes_become_a_folder_with_a_sheet(danqing: Danqing) -> None:
    ran = danqing(
        "grid", "a fox", *SMALL, "--x", "Steps: 1, 2", "--y", "Sampler: Euler, DDIM", "--z", "CFG Scale: 3, 4"
    )
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    folder = Path(lines[0])
    assert lines[1] == "  8 pictures"
    assert re.fullmatch(r"  1/8 CFG Scale: 3, Euler, Steps: 1: \d+\.\d\d s, about \d+ s left", lines[2])
    assert [Path(line).name for line in lines[-3:]] == ["sheet-1.png", "sheet-2.png", "index.html"]
    assert len(list((folder / "cells").iterdir())) == 8


def test_json_tells_the_whole_grid_and_nothing_else(danqing: Danqing, tmp_path: Path) -> None:
    ran = danqing("grid", "a fox", *SMALL, "--x", "Steps: 1, 2", "--out", str(tmp_path / "g"), "--json")
    told = ran.json
    assert ran.code == 0
    assert (told["folder"], told["pictures"], told["painted"], told["failed"]) == (str(tmp_path / "g"), 2, 2, 0)
    assert read_picture(Path(told["sheets"][0])).shape[1] >= 128
    assert Path(told["table"]).name == "cells.csv"


def test_matrix_and_prompts_reach_the_recipes(danqing: Danqing, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("fox|red\n--prompt cat|blue --seed 3\n", encoding="utf-8")
    words = (
        "--matrix",
        "--matrix-at-start",
        "--matrix-spaces",
        "--matrix-seeds",
        "--prompts",
        str(tmp_path / "lines.txt"),
    )
    ran = danqing("grid", "", *SMALL, *words, "--prompts-count-seeds", "--out", str(tmp_path / "g"), "-q")
    assert ran.code == 0, ran.err
    assert [path.name for path in ran.paths] == ["sheet-1.png", "sheet-2.png", "index.html"]
    page = (tmp_path / "g" / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'"seed":(\d+)', page) == ["7", "8", "3", "4"]
    table = (tmp_path / "g" / "cells.csv").read_text(encoding="utf-8-sig").splitlines()
    assert table[0].startswith('Prompt,"Prompt matrix, down","Prompt matrix, across",file,')
    assert "4 of 4 pictures" in page


def test_a_stopped_grid_says_how_to_go_on(danqing: Danqing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from danqing.cli.interrupt import Stop

    def stopping(self: Stop, watch: object) -> object:
        def watched(progress: Progress) -> Verdict:
            self.asked = progress.picture == 1
            return Verdict.ABANDON if self.asked else Verdict.CONTINUE

        return watched

    monkeypatch.setattr(Stop, "watching", stopping)
    folder = tmp_path / "g"
    ran = danqing("grid", "a fox", *SMALL, "--x", "Steps: 1, 2, 3", "--out", str(folder))
    assert ran.code == 130
    assert f"1 of 3 pictures are finished and kept; go on with: danqing grid --resume {folder}" in ran.err
    monkeypatch.undo()
    monkeypatch.setenv("DANQING_HOME", str(danqing.home))
    again = danqing("grid", "--resume", str(folder))
    assert again.code == 0, again.err
    assert "3 pictures, 1 of them are there already" in again.out
    assert "  1/2 Steps: 2" in again.out


def test_failed_cells_leave_with_2_and_the_page_stands(danqing: Danqing, tmp_path: Path) -> None:
    axes = ("--x", "Schedule min sigma: 0, 5", "--y", "Schedule max sigma: 0, 3", "--schedule", "Karras")
    ran = danqing("grid", "a fox", *SMALL, *axes, "--out", str(tmp_path / "g"))
    assert ran.code == 2
    assert "failed: a schedule runs from a higher to a lower sigma" in ran.out
    assert "1 cell failed, and the sheet says why" in ran.err
    assert (tmp_path / "g" / "index.html").is_file()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--x", "Stepz: 1"), "no knob named 'Stepz'; did you mean"),
        (("--x", "Sampler: Euler, Eulre"), "Eulre: no sampler named 'Eulre'; did you mean Euler?"),
        (("--matrix",), "a prompt matrix needs parts"),
        (("--prompts", "no-such-file.txt"), "can't be read"),
        (("--resume", "no-such-folder"), "holds no grid"),
    ],
)
def test_what_can_not_be_meant_is_one_sentence(danqing: Danqing, words: tuple[str, ...], sentence: str) -> None:
    ran = danqing("grid", "a fox", *words)
    assert ran.code == 2
    assert sentence in ran.err
    assert danqing.files() == []


def test_the_axes_are_listed(danqing: Danqing) -> None:
    listed = danqing("grid", "--axes").out.splitlines()
    assert "Checkpoint name (model)" in listed
    assert "Prompt S/R" in listed
    assert "Denoising (init.denoising_strength, hires.denoising_strength)" in listed
