import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch

from danqing.base.errors import FileWriteError, HardwareError, ModelError, RecipeError
from danqing.base.order import Order
from danqing.base.picture import ExecutionFacts, Provenance
from danqing.base.progress import Progress, Verdict
from danqing.base.recipe import Recipe
from danqing.base.refs import ModelRef
from danqing.pixels.files import read_picture
from danqing.studio import studio as module
from danqing.studio.studio import Studio, paint

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def studio_in(home: Path, **settings: object) -> Studio:
    said = {"device": "cpu", "dtype": "float32", **settings}
    return Studio(home, settings=said, environment={}, clock=lambda: NOW)


def order_of(count: int = 1, batch_size: int = 1, **fields: object) -> Order:
    small = {"prompt": "a fox", "seed": 7, "steps": 2, "width": 64, "height": 64}
    return Order(recipe=Recipe.model_validate({**small, **fields}), count=count, batch_size=batch_size)


def test_pictures_are_kept_as_they_are_painted(toy_home: Path) -> None:
    for number, kept in enumerate(studio_in(toy_home).paint(order_of(count=2))):
        assert kept.path == toy_home / "outputs" / "txt2img-images" / "2026-11-21" / f"0000{number}-{7 + number}.png"
        assert np.array_equal(read_picture(kept.path), kept.picture.pixels)


def test_a_picture_says_which_order_it_belongs_to(toy_home: Path) -> None:
    order = order_of(count=3)
    kept = list(studio_in(toy_home).paint(order))
    assert [one.picture.provenance.index for one in kept] == [0, 1, 2]
    assert {one.picture.provenance.order_digest for one in kept} == {order.digest}


def test_a_long_order_is_laid_out_in_pieces_that_do_not_show(toy_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PIECE", 3)
    seen: list[tuple[int, int]] = []

    def watch(progress: Progress) -> Verdict:
        seen.append((progress.picture, progress.pictures))
        return Verdict.CONTINUE

    kept = list(studio_in(toy_home).paint(order_of(count=3, batch_size=2), watch))
    assert [one.picture.provenance.index for one in kept] == [0, 1, 2, 3, 4, 5]
    assert [one.picture.recipe.seed for one in kept] == [7, 8, 9, 10, 11, 12]
    assert {one.picture.provenance.facts.batch_size for one in kept} == {2}
    assert sorted(set(seen)) == [(0, 6), (2, 6), (4, 6)]


@pytest.mark.parametrize(
    ("verdict", "pictures"), [(Verdict.ABANDON, 1), (Verdict.FINISH_NOW, 2), (Verdict.SKIP_PICTURE, 3)]
)
def test_a_verdict_holds_for_the_whole_order(
    toy_home: Path, monkeypatch: pytest.MonkeyPatch, verdict: Verdict, pictures: int
) -> None:
    monkeypatch.setattr(module, "PIECE", 2)

    def watch(progress: Progress) -> Verdict:
        return verdict if progress.picture == 1 else Verdict.CONTINUE

    kept = list(studio_in(toy_home).paint(order_of(count=4), watch))
    assert len(kept) == pictures
    assert len([path for path in (toy_home / "outputs").rglob("*") if path.is_file()]) == pictures


def test_what_can_not_be_painted_is_said_before_anything_is_loaded(toy_home: Path) -> None:
    studio = studio_in(toy_home)
    with pytest.raises(RecipeError, match="no sampler named 'Eulre'"):
        next(studio.paint(order_of(sampler="Eulre")))
    with pytest.raises(RecipeError, match="no checkpoint named 'nosuch'"):
        next(studio.paint(order_of(model=ModelRef(name="nosuch"))))
    assert studio._engine is None


def test_where_nothing_can_be_kept_nothing_is_painted(toy_home: Path) -> None:
    (toy_home / "outputs").write_text("a file", encoding="utf-8")
    studio = studio_in(toy_home)
    with pytest.raises(FileWriteError):
        next(studio.paint(order_of()))
    assert studio._engine is None


def test_a_device_that_is_not_here_is_told(toy_home: Path) -> None:
    with pytest.raises(HardwareError, match="cuda:99"):
        next(studio_in(toy_home, device="cuda:99").paint(order_of()))


def test_a_random_seed_is_drawn_once_and_counts_up(toy_home: Path) -> None:
    order = Order(recipe=order_of().recipe, count=2, seeds="random", left_to_model=())
    first, second = (kept.picture.recipe.seed for kept in studio_in(toy_home).paint(order))
    assert second == first + 1


def test_one_engine_serves_a_studio(toy_home: Path) -> None:
    studio = studio_in(toy_home)
    assert studio.engine() is studio.engine()
    assert studio_in(toy_home).engine() is not studio.engine()


def test_outputs_and_installs_may_lie_elsewhere(toy_home: Path, toy_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "comfy" / "models" / "checkpoints").mkdir(parents=True)
    (tmp_path / "comfy" / "models" / "checkpoints" / "other").symlink_to(toy_folder)
    settings = {"outputs": str(tmp_path / "art"), "models_from": [str(tmp_path / "comfy")], "default_model": "other"}
    (kept,) = studio_in(toy_home, **settings).paint(order_of())
    assert kept.picture.recipe.model.name == "other"
    assert kept.path.is_relative_to(tmp_path / "art")


def test_an_install_that_is_not_there_hinders_only_who_names_it_now(toy_home: Path) -> None:
    with pytest.raises(ModelError, match="there is no folder /no/such"):
        studio_in(toy_home, models_from=["/no/such"])
    studio = Studio(toy_home, environment={"DANQING_MODELS_FROM": "/no/such"})
    assert "there is no folder /no/such" in studio.notes[0]
    assert studio.catalog.find(ModelRef()).name == "toy"


def test_a_replay_is_the_same_picture(toy_home: Path) -> None:
    studio = studio_in(toy_home)
    kept = list(studio.paint(order_of(count=1, batch_size=3)))
    again = studio.replay(kept[2].picture.provenance)
    assert np.array_equal(again.pixels, kept[2].picture.pixels)


def test_a_replay_computes_with_as_many_threads_as_then(toy_home: Path) -> None:
    studio = studio_in(toy_home)
    recipe = order_of(model=studio.catalog.find(ModelRef()).ref).recipe
    seen: set[int] = set()

    def watch(progress: Progress) -> Verdict:
        seen.add(torch.get_num_threads())
        return Verdict.CONTINUE

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        studio.replay(Provenance(recipe=recipe, facts=ExecutionFacts(threads=1)), watch)
        assert seen == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_studio_alone_reads_and_writes_nothing(tmp_path: Path) -> None:
    Studio(tmp_path / "home", environment={})
    assert list(tmp_path.iterdir()) == []


def test_painting_from_python_keeps_nothing(toy_home: Path) -> None:
    one = paint("a fox", home=toy_home, seed=7, steps=1, width=64, height=64)
    two = paint("a fox", home=toy_home, seed=7, steps=1, width=64, height=64)
    assert one.size == (64, 64)
    assert np.array_equal(one.pixels, two.pixels)
    assert not (toy_home / "outputs").exists()
    assert paint("a fox", home=toy_home, steps=1, width=64, height=64).recipe.seed != one.recipe.seed


def test_python_finds_the_home_by_its_variable(toy_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANQING_HOME", str(toy_home))
    assert Studio().home.root == toy_home
    assert os.environ["DANQING_HOME"] == str(toy_home)
