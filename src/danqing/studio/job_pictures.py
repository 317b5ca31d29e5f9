"""Which pictures of its order a job has made: what makes it possible to go on after a crash with those that are missing.

A row is written before the file appears and finished after its record stands; whatever dies in between leaves a row that says where to look.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, insert, select, update

from danqing.base.errors import DanqingError
from danqing.pixels.files import read_metadata
from danqing.studio.database import Database, storable
from danqing.studio.jobs import JobPicture
from danqing.studio.story import Story, story_in
from danqing.studio.tables import job_pictures as rows

AddFile = Callable[[Path], int]


@dataclass(frozen=True)
class JobPictures:
    """The rows of one job."""

    database: Database
    job: str

    def announce(self, number: int, path: Path) -> None:
        """Picture `number` is about to be written there."""
        with self.database.writing() as connection:
            connection.execute(delete(rows).where(rows.c.job == self.job, rows.c.number == number))
            row = {
                "job": self.job,
                "number": number,
                "state": "writing",
                "path": str(path),
                "record": 0,
                "infotext": "",
            }
            connection.execute(insert(rows).values(row))

    def finish(self, picture: JobPicture) -> None:
        """It is there, with its record."""
        with self.database.writing() as connection:
            ours = update(rows).where(rows.c.job == self.job, rows.c.number == picture.number)
            connection.execute(ours.values(state="kept", record=picture.record, infotext=storable(picture.infotext)))

    def skip(self, numbers: Iterable[int]) -> None:
        """These are not wanted."""
        with self.database.writing() as connection:
            there = set(connection.execute(select(rows.c.number).where(rows.c.job == self.job)).scalars())
            for number in sorted(set(numbers) - there):
                row = {"job": self.job, "number": number, "state": "skipped", "path": "", "record": 0, "infotext": ""}
                connection.execute(insert(rows).values(row))

    def settle(self, order_digest: str, add: AddFile) -> frozenset[int]:
        """The numbers that need no painting. A file that was written while the worker died is taken in; a row without its file goes."""
        with self.database.reading() as connection:
            found = connection.execute(select(rows).where(rows.c.job == self.job)).all()
        settled = {row.number for row in found if row.state != "writing"}
        for row in found:
            if row.state != "writing":
                continue
            told = _told_in(Path(row.path), order_digest, row.number)
            if told is not None:
                record = add(Path(row.path))
                self.finish(JobPicture(self.job, row.number, Path(row.path), record, told[1]))
                settled.add(row.number)
        return frozenset(settled)


def _told_in(path: Path, order_digest: str, number: int) -> tuple[Story, str] | None:
    """The story and infotext of the file, if it is that very picture of the order."""
    try:
        metadata = read_metadata(path)
        story = story_in(metadata.recipe_json or "")
    except DanqingError:
        return None
    ours = story.provenance.order_digest == order_digest and story.provenance.index == number
    return (story, metadata.infotext or "") if ours else None
