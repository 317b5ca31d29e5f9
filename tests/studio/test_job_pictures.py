"""Whatever dies between the row, the file and the record: a finished picture is found again, and no other is taken for it."""

from pathlib import Path

import pytest
from sqlalchemy import select

from danqing.base.picture import Picture
from danqing.pixels.files import write_picture
from danqing.studio.database import Database
from danqing.studio.events import Events
from danqing.studio.job_pictures import JobPictures
from danqing.studio.jobs import JobPicture
from danqing.studio.queue import Queue
from danqing.studio.story import infotext_of, story_of
from danqing.studio.tables import job_pictures
from tests.studio.pictures import picture_of


@pytest.fixture
def made(database: Database) -> JobPictures:
    return JobPictures(database, Queue(database, Events()).submit("paint", {}).id)


def write(path: Path, number: int, order: str = "order") -> Path:
    plain = picture_of(seed=number)
    picture = Picture(plain.pixels, plain.provenance.but(order_digest=order, index=number))
    write_picture(path, picture.pixels, infotext=infotext_of(picture), recipe_json=story_of(picture))
    return path


def never(path: Path) -> int:
    raise AssertionError(f"{path} was taken in")


def test_kept_and_skipped_ones_need_no_painting(made: JobPictures, tmp_path: Path) -> None:
    made.announce(0, tmp_path / "a.png")
    made.finish(JobPicture(made.job, 0, tmp_path / "a.png", 5, "text"))
    made.skip([0, 2])
    assert made.settle("order", never) == {0, 2}


def test_a_file_without_its_record_is_taken_in(made: JobPictures, tmp_path: Path) -> None:
    path = write(tmp_path / "b.png", 1)
    made.announce(1, path)
    taken: list[Path] = []

    def add(found: Path) -> int:
        taken.append(found)
        return 9

    assert made.settle("order", add) == {1}
    assert taken == [path]
    assert made.settle("order", never) == {1}
    with made.database.reading() as connection:
        row = connection.execute(select(job_pictures)).one()
    assert (row.state, row.record, row.infotext) == ("kept", 9, infotext_of(picture_of(seed=1)))


@pytest.mark.parametrize("case", ["no file", "half a file", "another order's", "another number", "no picture of ours"])
def test_any_other_file_is_not_taken_for_it(made: JobPictures, tmp_path: Path, case: str) -> None:
    path = tmp_path / "c.png"
    if case == "half a file":
        write(path, 3)
        path.write_bytes(path.read_bytes()[:100])
    elif case == "another order's":
        write(path, 3, order="other")
    elif case == "another number":
        write(path, 4)
    elif case == "no picture of ours":
        write_picture(path, picture_of().pixels, infotext="a fox\nSteps: 20")
    made.announce(3, path)
    assert made.settle("order", never) == set()


def test_a_picture_that_is_painted_again_may_lie_elsewhere(made: JobPictures, tmp_path: Path) -> None:
    made.announce(0, tmp_path / "lost.png")
    made.announce(0, write(tmp_path / "new.png", 0))
    assert made.settle("order", lambda path: 1) == {0}
