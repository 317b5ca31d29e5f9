"""The handlers as the worker calls them, with the toy model: what is missing of an order is painted, and nothing else, and it comes out the same."""

from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from danqing.base.errors import JobError, RecipeError
from danqing.base.order import Order
from danqing.base.picture import Pixels
from danqing.base.progress import Progress, Verdict
from danqing.base.recipe import Recipe
from danqing.pixels.files import read_picture
from danqing.studio.database import open_database
from danqing.studio.events import Events
from danqing.studio.job_pictures import JobPictures
from danqing.studio.library import Library
from danqing.studio.painters import count_tokens, lint_prompt, paint
from danqing.studio.pipe import Kept, Said, Want
from danqing.studio.queue import Queue
from danqing.studio.service import paint_payload
from danqing.studio.studio import Studio
from danqing.studio.worker import Bench


@pytest.fixture
def studio(toy_home: Path) -> Studio:
    return Studio(toy_home, settings={"device": "cpu", "dtype": "float32"}, environment={})


@pytest.fixture
def ends(studio: Studio) -> Iterator[tuple[Bench, Connection]]:
    """A bench for one job, and the server's end of its pipe."""
    database = open_database(studio.home)
    ours, theirs = Pipe()
    job = Queue(database, Events()).submit("paint", {})
    yield Bench(studio, Library(database, studio.gallery.root), database, job.id, theirs, preview_every=0.001), ours
    ours.close()
    theirs.close()
    database.close()


@pytest.fixture
def bench(ends: tuple[Bench, Connection]) -> Bench:
    return ends[0]


def order_of(count: int = 1, batch_size: int = 1, steps: int = 2) -> Order:
    recipe = Recipe.model_validate({"prompt": "a fox", "seed": 7, "steps": steps, "width": 64, "height": 64})
    return Order(recipe=recipe, count=count, batch_size=batch_size)


def rows(bench: Bench) -> list[tuple[int, Path]]:
    pictures = Queue(bench.database, Events()).pictures(bench.job)
    return [(picture.number, picture.path) for picture in pictures]


def heard(pipe: Connection) -> list[object]:
    found = []
    while pipe.poll():
        found.append(pipe.recv())
    return found


def painted_at_once(studio: Studio, order: Order) -> list[Pixels]:
    return [kept.picture.pixels for kept in studio.paint(order)]


def test_an_order_is_painted_as_the_studio_paints_it(ends: tuple[Bench, Connection], studio: Studio) -> None:
    bench, server = ends
    order = order_of(count=2)
    assert paint(bench, paint_payload(order)) == {"skipped": []}
    expected = painted_at_once(studio, order)
    assert all(np.array_equal(read_picture(path), expected[number]) for number, path in rows(bench))
    said = heard(server)
    assert [message.picture.number for message in said if isinstance(message, Kept)] == [0, 1]
    previews = [message.progress.preview for message in said if isinstance(message, Said) and message.progress.preview]
    assert previews
    assert all(preview.startswith(b"\xff\xd8") for preview in previews)


def test_only_what_is_missing_is_painted_and_comes_out_the_same(bench: Bench, studio: Studio) -> None:
    order = order_of(count=2, batch_size=2)
    expected = painted_at_once(studio, order)
    made = JobPictures(bench.database, bench.job)
    # Of four pictures 0 isn't wanted, 1 is written but not recorded, 3 was announced and never written.
    _, second, *_ = studio.paint(order)
    made.skip([0])
    made.announce(1, second.path)
    made.announce(3, studio.gallery.root / "never.png")
    before = set(studio.gallery.root.rglob("*.png"))
    paint(bench, paint_payload(order))
    assert len(set(studio.gallery.root.rglob("*.png")) - before) == 2
    assert [number for number, _ in rows(bench)] == [1, 2, 3]
    assert dict(rows(bench))[1] == second.path
    for number, path in rows(bench):
        assert np.array_equal(read_picture(path), expected[number]), number


def test_a_finished_order_loads_no_model(bench: Bench, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    order = order_of(count=2)
    JobPictures(bench.database, bench.job).skip([0, 1])
    monkeypatch.setattr(Studio, "engine", lambda self: pytest.fail("an engine was made"))
    paint(bench, paint_payload(order))
    assert rows(bench) == []


@pytest.mark.parametrize(
    ("wish", "numbers", "verdict"),
    [("cancel", [0], Verdict.ABANDON), ("finish", [0, 1], Verdict.FINISH_NOW), ("skip", [0, 2], Verdict.CONTINUE)],
)
def test_wishes_reach_the_engine(
    ends: tuple[Bench, Connection], monkeypatch: pytest.MonkeyPatch, wish: str, numbers: list[int], verdict: Verdict
) -> None:
    bench, server = ends
    usual = Bench.watch

    def watch(self: Bench, progress: Progress) -> Verdict:
        if progress.picture == 1 and progress.step == 1:
            server.send(Want(wish))  # type: ignore[arg-type]
        return usual(self, progress)

    monkeypatch.setattr(Bench, "watch", watch)
    result = paint(bench, paint_payload(order_of(count=3, steps=3)))
    assert [number for number, _ in rows(bench)] == numbers
    assert result == {"skipped": [1] if wish == "skip" else []}
    if wish != "skip":
        assert bench.verdict is verdict


def test_a_worker_without_its_server_stops_at_the_next_step(ends: tuple[Bench, Connection]) -> None:
    bench, server = ends
    server.close()
    paint(bench, paint_payload(order_of(count=3)))
    assert rows(bench) == []
    assert bench.verdict is Verdict.ABANDON


def test_tokens_are_counted_as_the_page_of_a1111_counts_them(bench: Bench) -> None:
    assert count_tokens(bench, {"prompt": "a fox, (red:1.2)"}) == {"tokens": 4, "chunks": 1, "room": 75}
    long = count_tokens(bench, {"prompt": "fox, " * 50})
    assert (long["tokens"], long["room"]) == (100, 150)
    assert count_tokens(bench, {"prompt": ""})["tokens"] == 0


def test_a_prompt_is_looked_over_with_the_networks_that_are_here(bench: Bench) -> None:
    found = lint_prompt(bench, {"prompt": "a fox, (red:1.9) <lora:nothing:1>"})["findings"]
    assert isinstance(found, list)
    assert [one["code"] for one in found if isinstance(one, dict)] == ["strong-weight", "unknown-network"]


def test_a_payload_that_makes_no_sense_is_refused(bench: Bench) -> None:
    for handler in (count_tokens, lint_prompt):
        with pytest.raises(JobError, match=r"prompt must be text"):
            handler(bench, {"prompt": 7})
        with pytest.raises(RecipeError, match=r"dialect must be one of"):
            handler(bench, {"prompt": "a", "dialect": "klingon"})
