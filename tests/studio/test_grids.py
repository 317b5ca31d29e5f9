"""Grids in their folders: what is kept, what is gone on with, what a failure leaves, and what shows it all."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danqing.base.errors import FileWriteError, RecipeError
from danqing.base.infotext import read_infotext
from danqing.base.order import Order
from danqing.base.picture import Picture
from danqing.base.progress import Progress, Verdict
from danqing.base.recipe import Recipe
from danqing.painting.axes import read_axis
from danqing.painting.engine import Engine
from danqing.painting.grid import GridAsk
from danqing.painting.grid_prompts import PromptLines
from danqing.pixels.files import read_metadata, read_picture
from danqing.studio.grids import GridRun, open_grid, resume_grid
from danqing.studio.grids_manifest import NAME, Result, note_ask, note_result, read_manifest
from danqing.studio.studio import Studio

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SMALL = {"prompt": "a fox", "seed": 7, "steps": 1, "width": 64, "height": 64}


@pytest.fixture
def studio(toy_home: Path) -> Studio:
    return Studio(toy_home, settings={"device": "cpu", "dtype": "float32"}, environment={}, clock=lambda: NOW)


def ask_of(*axes: str, prompts: str = "", seeds: str = "increasing", batch_size: int = 1, **fields: object) -> GridAsk:
    order = Order.model_validate(
        {
            "recipe": Recipe.model_validate({**SMALL, **fields}),
            "seeds": seeds,
            "batch_size": batch_size,
            "axes": tuple(read_axis(one) for one in axes),
        }
    )
    return GridAsk(order=order, prompts=PromptLines(text=prompts) if prompts else None)


def painted(run: GridRun) -> list[str]:
    return [done.label for done in run.paint()]


def files_of(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cells").iterdir())


def test_a_grid_has_a_folder_with_pictures_sheet_page_and_table(studio: Studio, toy_home: Path) -> None:
    run = open_grid(studio, ask_of("Sampler: Euler, DDIM", "Steps: 1, 2, 3"))
    assert run.folder == toy_home / "outputs" / "txt2img-grids" / "2026-11-21" / "grid-0000"
    assert painted(run)[:2] == ["Euler, Steps: 1", "Euler, Steps: 2"]
    files = run.finish(gap=2)
    assert len(files_of(run.folder)) == 6
    sheet = read_picture(files.sheets[0])
    cell = read_picture(run.folder / run.results[run.grid.cells[5].recipe.digest].file)  # type: ignore[union-attr]
    assert np.array_equal(sheet[-64:, -64:], cell)
    assert open_grid(studio, ask_of("Steps: 1, 2")).folder.name == "grid-0001"


def test_every_picture_carries_its_recipe_and_place(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Steps: 2, 1"))
    results = [done.result for done in run.paint()]
    stories = [json.loads(read_metadata(run.folder / one.file).recipe_json or "") for one in results]
    assert [story["recipe"]["steps"] for story in stories] == [2, 1]
    assert [story["index"] for story in stories] == [0, 1]
    assert {story["order_digest"] for story in stories} == {run.ask.order.digest}


def test_what_is_there_is_not_painted_again(studio: Studio) -> None:
    ask = ask_of("Steps: 1, 2")
    first = open_grid(studio, ask)
    painted(first)
    before = {path: path.stat().st_mtime_ns for path in (first.folder / "cells").iterdir()}
    again = open_grid(studio, ask, first.folder)
    assert again.missing == []
    assert painted(again) == []
    assert {path: path.stat().st_mtime_ns for path in (first.folder / "cells").iterdir()} == before


def test_a_longer_axis_paints_only_what_is_new(studio: Studio, tmp_path: Path) -> None:
    painted(open_grid(studio, ask_of("Steps: 1, 2"), tmp_path / "grid"))
    assert painted(open_grid(studio, ask_of("Steps: 1-4"), tmp_path / "grid")) == ["Steps: 3", "Steps: 4"]
    files = resume_grid(studio, tmp_path / "grid").finish()
    assert read_picture(files.sheets[0]).shape[1] >= 4 * 64


def test_an_interrupted_grid_keeps_what_is_done_and_goes_on(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Steps: 1-4", seeds="random"))

    def stop(progress: Progress) -> Verdict:
        assert progress.pictures == 4
        return Verdict.ABANDON if progress.picture == 2 else Verdict.CONTINUE

    assert [done.label for done in run.paint(stop)] == ["Steps: 1", "Steps: 2"]
    assert "2 of 4 pictures" in run.finish().page.read_text(encoding="utf-8")
    kept = files_of(run.folder)
    again = resume_grid(studio, run.folder)
    assert again.ask.chance == run.ask.chance
    assert painted(again) == ["Steps: 3", "Steps: 4"]
    assert set(kept) < set(files_of(run.folder))


def test_the_same_words_in_the_same_folder_draw_no_other_seed(studio: Studio, tmp_path: Path) -> None:
    ask = ask_of("Steps: 1, 2", seeds="random")
    painted(open_grid(studio, ask, tmp_path / "grid"))
    assert open_grid(studio, ask, tmp_path / "grid").missing == []


def test_a_picture_stopped_before_its_last_step_is_not_the_cells(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Steps: 2, 3"))
    assert [done.label for done in run.paint(lambda progress: Verdict.FINISH_NOW)] == []
    assert len(run.missing) == 2


def test_a_skipped_picture_stays_missing_and_the_next_is_painted(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Steps: 1, 2"))
    skip = lambda progress: Verdict.SKIP_PICTURE if progress.picture == 0 else Verdict.CONTINUE  # noqa: E731
    assert [done.label for done in run.paint(skip)] == ["Steps: 2"]
    assert len(run.missing) == 1


def test_a_failed_cell_is_noted_and_the_grid_goes_on(studio: Studio) -> None:
    # Both values are good alone: only together does the schedule run upwards.
    run = open_grid(studio, ask_of("Schedule min sigma: 0, 5", "Schedule max sigma: 0, 3", schedule="Karras"))
    done = list(run.paint())
    assert [bool(one.result.error) for one in done] == [False, False, False, True]
    assert "from a higher to a lower sigma" in done[3].result.error
    assert run.failed == 1
    files = run.finish()
    assert "3 of 4 pictures, 1 failed" in files.page.read_text(encoding="utf-8")
    sheet = read_picture(files.sheets[0])
    assert [232, 226, 220] in sheet[-64:, -64:].reshape(-1, 3).tolist(), "a failed cell has its own colour"
    again = resume_grid(studio, run.folder)
    assert [one.steps for one in again.missing] == [1], "a failed one is tried again"


def test_a_fault_in_one_picture_of_a_batch_leaves_the_others(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Engine.paint

    def faulty(self: Engine, recipes: Sequence[Recipe], *rest: Any, **more: Any) -> Iterator[Picture]:
        if any(recipe.seed == 8 for recipe in recipes):
            raise RuntimeError("shape mismatch\nand more")
        return original(self, recipes, *rest, **more)

    monkeypatch.setattr(Engine, "paint", faulty)
    run = open_grid(studio, ask_of("Steps: 1", batch_size=3))
    results = {done.recipe.seed: done.result for done in run.paint()}
    assert [bool(results[seed].file) for seed in (7, 8, 9)] == [True, False, True]
    assert results[8].error == "a fault of danqing's own: RuntimeError: shape mismatch"


def test_equal_cells_are_painted_once(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Sampler: DDIM", "Schedule type: Karras, Karras, Simple"))
    assert len(run.grid.cells) == 3
    assert len(painted(run)) == 2


@pytest.mark.parametrize(
    ("axis", "word"),
    [
        ("Sampler: Euler, Eulre", "Eulre: no sampler named 'Eulre'; did you mean Euler?"),
        ("Schedule type: Karras, Karas", "did you mean Karras"),
        ("Checkpoint name: toy, tox", "tox: no checkpoint named 'tox'; did you mean toy?"),
        ("Hires upscaler: Lanzos", "no hires upscaler named 'Lanzos'|no upscaler named 'Lanzos'"),
        ("Styles: inc", "no style named 'inc'"),
        ("S/R: a, <lora:gone:1>", "no lora named 'gone'"),
        ("VAE: None, gone", "no vae named 'gone'"),
        ("Steps: 1, 2000", "steps must be at most 1000"),
    ],
)
def test_a_wrong_value_is_told_before_anything_is_painted(studio: Studio, axis: str, word: str) -> None:
    with pytest.raises(RecipeError, match=word):
        open_grid(studio, ask_of(axis))
    assert studio._engine is None
    assert not (studio.gallery.root / "txt2img-grids").exists()


def test_prompts_from_a_text_go_down_the_sheet(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Steps: 1, 2", prompts="red\n--prompt blue --seed 3", prompt=""))
    painted(run)
    sheet = read_picture(run.finish(gap=0).sheets[0])
    third = read_picture(run.folder / run.results[run.grid.cells[2].recipe.digest].file)  # type: ignore[union-attr]
    assert np.array_equal(sheet[-64:, -128:-64], third)
    prompts = [cell.recipe.prompt for cell in run.grid.cells if cell.recipe]
    assert prompts == ["red", "red", "blue", "blue"]


def test_pages_have_sheets_of_their_own_and_old_ones_go(studio: Studio, tmp_path: Path) -> None:
    run = open_grid(studio, ask_of("Seed: 1, 2", "Sampler: Euler", "Steps: 1, 2"), tmp_path / "grid")
    painted(run)
    assert [path.name for path in run.finish().sheets] == ["sheet-1.png", "sheet-2.png"]
    (tmp_path / "grid" / "sheet-mine.png").write_bytes(b"kept")
    flat = open_grid(studio, ask_of("Steps: 1, 2"), tmp_path / "grid")
    assert [path.name for path in flat.finish().sheets] == ["sheet.png"]
    assert sorted(path.name for path in (tmp_path / "grid").glob("sheet*")) == ["sheet-mine.png", "sheet.png"]


def test_a_huge_sheet_is_written_in_tiles(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("danqing.pixels.sheet_tiles.LONGEST_SIDE", 140)
    run = open_grid(studio, ask_of("Sampler: Euler", "Steps: 1, 2, 3"))
    painted(run)
    assert [path.name for path in run.finish(gap=0).sheets] == ["sheet-r1-c1.png", "sheet-r1-c2.png"]


def test_the_sheet_says_its_axes_as_a1111_does(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Sampler: Euler", "Steps: 1, 2"))
    painted(run)
    found = read_infotext(read_metadata(run.finish().sheets[0]).infotext or "")
    assert found.fields["Script"] == "X/Y/Z plot"
    assert (found.fields["X Type"], found.fields["X Values"], found.fields["Y Type"]) == ("Steps", "1, 2", "Sampler")
    assert found.order.recipe.prompt == "a fox"


def test_the_table_has_a_row_a_cell(studio: Studio) -> None:
    run = open_grid(studio, ask_of('S/R: fox, "cat, red"', "Schedule max sigma: 0, 0.001", schedule="Karras"))
    painted(run)
    text = run.finish().table.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Prompt S/R"] for row in rows] == ["fox", "fox", "cat, red", "cat, red"]
    assert [bool(row["error"]) for row in rows] == [False, True, False, True]
    assert all((run.folder / row["file"]).is_file() for row in rows if row["file"])
    assert {row["digest"] for row in rows} == {cell.recipe.digest for cell in run.grid.cells if cell.recipe}


def test_the_page_is_one_file_that_asks_nothing_from_outside(studio: Studio) -> None:
    run = open_grid(studio, ask_of('S/R: fox, </script><img src=x onerror=alert(1)>, "猫"', "Steps: 1, 2"))
    painted(run)
    page = run.finish().page.read_text(encoding="utf-8")
    assert "http" not in page
    assert page.count("</script>") == 2, "the prompt's own is only data"
    assert "onerror=alert" in page.split('type="application/json">')[1].split("</script>")[0]
    data = json.loads(page.split('type="application/json">')[1].split("</script>")[0])
    assert [lane["title"] for lane in data["lanes"]] == ["Prompt S/R", "Steps"]
    assert all((run.folder / cell["file"]).is_file() for cell in data["cells"])
    assert all(not Path(cell["file"]).is_absolute() for cell in data["cells"])


def test_where_nothing_can_be_kept_the_grid_stops(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    run = open_grid(studio, ask_of("Steps: 1, 2"))

    def full(*rest: Any, **more: Any) -> Path:
        raise FileWriteError("no room is left")

    monkeypatch.setattr("danqing.studio.gallery.Gallery.keep", full)
    with pytest.raises(FileWriteError):
        painted(run)


def test_the_time_that_is_left_goes_by_the_work(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Steps: 1, 3"))
    work = run.paint()
    assert run.seconds_left() is None
    next(work)
    first = run.seconds_left()
    assert first is not None
    assert first > 0
    next(work)
    assert run.seconds_left() == 0


def test_a_folder_without_a_grid_can_not_be_gone_on_with(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="holds no grid"):
        resume_grid(studio, tmp_path)


def test_a_torn_line_loses_only_itself(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "a.png").write_bytes(b"x")
    ask = ask_of("Steps: 1, 2")
    note_ask(tmp_path, ask)
    note_result(tmp_path, "a" * 64, Result("cells/a.png", 1.5))
    with (tmp_path / NAME).open("ab") as stream:
        stream.write(b'{"digest":"bbb","file":"cel')
    note_result(tmp_path, "c" * 64, Result(error="no"))
    found = read_manifest(tmp_path)
    assert found.ask == ask
    assert found.results == {"a" * 64: Result("cells/a.png", 1.5), "c" * 64: Result(error="no")}


def test_a_picture_that_is_gone_counts_as_not_painted(studio: Studio) -> None:
    run = open_grid(studio, ask_of("Steps: 1, 2"))
    painted(run)
    (run.folder / run.results[run.grid.cells[0].recipe.digest].file).unlink()  # type: ignore[union-attr]
    assert painted(resume_grid(studio, run.folder)) == ["Steps: 1"]


@pytest.mark.parametrize("file", ["../secret.png", "/etc/passwd", "cells/../../secret.png"])
def test_a_manifest_can_not_name_files_outside_of_its_folder(tmp_path: Path, file: str) -> None:
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "grid").mkdir()
    note_result(tmp_path / "grid", "a" * 64, Result(file))
    assert read_manifest(tmp_path / "grid").results["a" * 64].file == ""


def test_a_manifest_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text('{"danqing":"grid","version":2,"ask":{}}\n', encoding="utf-8")
    with pytest.raises(RecipeError, match="version 2"):
        read_manifest(tmp_path)
