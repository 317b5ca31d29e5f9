"""The library: records of the pictures that are kept, what people say of them, and every way of finding one again."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from danqing.base.errors import ImageError
from danqing.base.picture import Picture
from danqing.base.recipe import recipe_of_json
from danqing.studio.database import Database
from danqing.studio.likeness import NEAREST, distances, near_pairs, packed_vector, unpacked_vectors
from danqing.studio.records import Contents, Record, contents_of_file, contents_of_picture, record_of_row, terms_of
from danqing.studio.searching import Search, count_of, page_of
from danqing.studio.sidecar import Marks, read_marks, write_marks
from danqing.studio.tables import numbers, pictures, terms
from danqing.studio.terms import Found
from danqing.studio.trash import free_name, move, place_before_trash, place_in_trash, throw_away

NO_SEARCH = Search()


@dataclass(frozen=True)
class Page:
    """Some records; `after` is what the next page's search is given, None on the last."""

    records: tuple[Record, ...]
    after: tuple[float, int] | None = None


class Library:
    """The records in a studio's database. For several threads and processes."""

    def __init__(self, database: Database, root: Path, clock: Callable[[], float] = time.time) -> None:
        """`root` is the outputs folder: what lies in it is stored by its path there, so that a home can be moved."""
        self._database = database
        self.root = root
        self._clock = clock

    def add(self, path: Path, picture: Picture) -> int:
        """The id of a picture that was just written there; one that is known already is brought up to date."""
        return self._put([(path, contents_of_picture(picture))])[0]

    def add_file(self, path: Path) -> int:
        """The same by what the file says. Raises ImageError for what is no picture."""
        return self._put([(path, contents_of_file(path))])[0]

    def add_many(self, found: Sequence[tuple[Path, Contents]]) -> list[int]:
        """The same for files that were read already, in one transaction."""
        return self._put(found)

    def get(self, picture: int) -> Record:
        """The record of that id. Raises ImageError when there is none."""
        with self._database.reading() as connection:
            return self._get(connection, picture)

    def of_path(self, path: Path) -> Record | None:
        """The record of a file; None for one that isn't known."""
        with self._database.reading() as connection:
            row = connection.execute(select(pictures).where(pictures.c.path == self.stored(path))).one_or_none()
        return self._record(row) if row is not None else None

    def page(self, search: Search = NO_SEARCH) -> Page:
        """The newest pictures that fit, one page of them. Raises RecipeError for a condition that can't be read."""
        with self._database.reading() as connection:
            rows = connection.execute(page_of(connection, search)).all()
        more = len(rows) == search.limit
        return Page(tuple(map(self._record, rows)), (rows[-1].taken, rows[-1].id) if more else None)

    def count(self, search: Search = NO_SEARCH) -> int:
        """How many fit."""
        with self._database.reading() as connection:
            return connection.execute(count_of(connection, search)).scalar_one()

    def names(self, of: str) -> dict[str, int]:
        """How many pictures each value of a parameter has, the most first: "model", "loras.model", "board", "tag", "sampler" ..."""
        prefix = f"{of}="
        counted = (
            select(terms.c.term, func.count())
            .join(pictures, pictures.c.id == terms.c.picture)
            .where(terms.c.term > prefix, terms.c.term < prefix + "\U0010ffff", pictures.c.trashed.is_(None))
            .group_by(terms.c.term)
            .order_by(func.count().desc(), terms.c.term)
        )
        with self._database.reading() as connection:
            return {row[0].removeprefix(prefix): row[1] for row in connection.execute(counted)}

    def mark(self, picture: int, **changes: Any) -> Record:
        """The record with other marks: favourite, rating (0 to 5), boards, tags; what isn't named stays. Raises ImageError.

        The file beside the picture is written first: it is what a re-index believes.
        """
        record = self.get(picture)
        marks = record.marks.but(**changes)
        write_marks(record.path, marks)
        with self._database.writing() as connection:
            _set_marks(connection, record, marks)
            return self._get(connection, picture)

    def trash(self, chosen: Iterable[int]) -> tuple[Record, ...]:
        """These go into the trash, where `restore` finds them. Raises ImageError for an unknown id, FileWriteError."""
        return tuple(self._thrown(picture) for picture in chosen)

    def restore(self, chosen: Iterable[int]) -> tuple[Record, ...]:
        """These come back to where they were, under another name where that is taken now."""
        return tuple(self._restored(picture) for picture in chosen)

    def empty_trash(self, older_than: float = 0.0) -> int:
        """Removes for good what has been in the trash for so many seconds; returns how many pictures."""
        limit = self._clock() - older_than
        with self._database.reading() as connection:
            rows = connection.execute(select(pictures).where(pictures.c.trashed <= limit)).all()
        for row in rows:
            throw_away(self.path_of(row.path))
            self.forget([row.id])
        return len(rows)

    def settle_trash(self) -> None:
        """Ends what was begun: pictures that were said to be in the trash when the process died before it moved them."""
        with self._database.reading() as connection:
            rows = connection.execute(select(pictures.c.path).where(pictures.c.trashed.is_not(None))).scalars().all()
        for path in map(self.path_of, rows):
            before = place_before_trash(path)
            if not path.exists() and before.exists():
                move(before, path)

    def forget(self, chosen: Iterable[int]) -> None:
        """The records go; files stay."""
        with self._database.writing() as connection:
            for picture in chosen:
                _clear_terms(connection, picture)
                connection.execute(delete(pictures).where(pictures.c.id == picture))

    def near_duplicates(self, bits: int = NEAREST) -> tuple[tuple[int, ...], ...]:
        """Groups of ids whose pictures look alike: linked by hashes that differ in at most `bits` of 64 (7 or fewer); newest first."""
        rows = self._likenesses()
        groups = list(range(len(rows)))

        def root(place: int) -> int:
            while groups[place] != place:
                groups[place] = groups[groups[place]]
                place = groups[place]
            return place

        for one, other in near_pairs([row.likeness for row in rows], bits):
            groups[root(other)] = root(one)
        members: dict[int, list[int]] = {}
        for place, row in enumerate(rows):
            members.setdefault(root(place), []).append(row.id)
        return tuple(tuple(ids) for ids in members.values() if len(ids) > 1)

    def alike(self, picture: int, bits: int = 10, limit: int = 50) -> tuple[tuple[Record, int], ...]:
        """Pictures that look like this one, with the bits by which they differ, the nearest first."""
        rows = [row for row in self._likenesses() if row.id != picture]
        with self._database.reading() as connection:
            mine = connection.execute(select(pictures.c.likeness).where(pictures.c.id == picture)).scalar_one_or_none()
            if mine is None or not rows:
                self._get(connection, picture)
                return ()
            apart = distances(mine, [row.likeness for row in rows])
            near = [place for place in np.argsort(apart, kind="stable")[:limit] if apart[place] <= bits]
            return tuple((self._get(connection, rows[place].id), int(apart[place])) for place in near)

    def set_vector(self, picture: int, vector: Sequence[float], model: str) -> None:
        """Keeps a picture's vector, as `model` sees it. Raises ImageError for an unknown id."""
        changed = update(pictures).where(pictures.c.id == picture)
        with self._database.writing() as connection:
            self._get(connection, picture)
            connection.execute(changed.values(vector=packed_vector(vector), vector_model=model))

    def without_vector(self, model: str, limit: int = 100) -> tuple[Record, ...]:
        """Pictures that `model` hasn't seen yet, newest first."""
        wanted = select(pictures).where(pictures.c.trashed.is_(None), pictures.c.vector_model != model)
        with self._database.reading() as connection:
            rows = connection.execute(wanted.order_by(pictures.c.taken.desc()).limit(limit)).all()
        return tuple(map(self._record, rows))

    def similar(self, to: int | Sequence[float], model: str, limit: int = 50) -> tuple[tuple[Record, float], ...]:
        """Pictures like that one, or like a vector of the same model (of a text, say), with the cosine, the most alike first."""
        wanted = select(pictures.c.id, pictures.c.vector)
        with self._database.reading() as connection:
            # A constant for every row of one model; a vector of another length would have been refused by its maker.
            rows = connection.execute(
                wanted.where(pictures.c.vector_model == model, pictures.c.trashed.is_(None))
            ).all()
            vectors = {row.id: row.vector for row in rows}
            if isinstance(to, int):
                packed = vectors.pop(to, None)
                if packed is None:
                    self._get(connection, to)
                    return ()
            else:
                packed = packed_vector(to)
            same = {picture: vector for picture, vector in vectors.items() if len(vector) == len(packed)}
            if not same:
                return ()
            cosines = unpacked_vectors(list(same.values())) @ unpacked_vectors([packed])[0]
            ids = list(same)
            best = np.argsort(-cosines, kind="stable")[:limit]
            return tuple((self._get(connection, ids[place]), float(cosines[place])) for place in best)

    def known_files(self) -> dict[Path, tuple[int, int, float]]:
        """(id, size, time of change) of every file that has a record."""
        with self._database.reading() as connection:
            rows = connection.execute(
                select(pictures.c.id, pictures.c.path, pictures.c.size, pictures.c.modified)
            ).all()
        return {self.path_of(row.path): (row.id, row.size, row.modified) for row in rows}

    def stored(self, path: Path) -> str:
        """A path as it stands in the database."""
        absolute = path.absolute()
        inside = absolute.is_relative_to(self.root)
        return (absolute.relative_to(self.root) if inside else absolute).as_posix()

    def path_of(self, stored: str) -> Path:
        """The file behind a stored path."""
        return self.root / stored

    def _put(self, found: Sequence[tuple[Path, Contents]]) -> list[int]:
        try:
            return self._written(found)
        except IntegrityError:  # somebody else took in the same file at that moment: now it is known
            return self._written(found)

    def _written(self, found: Sequence[tuple[Path, Contents]]) -> list[int]:
        ready = [(self.stored(path), path.stat(), contents, read_marks(path)) for path, contents in found]
        with self._database.writing() as connection:
            ids: list[int] = []
            for stored, state, contents, marks in ready:
                row: dict[str, Any] = {
                    **contents.columns(),
                    **_columns_of(marks),
                    "taken": state.st_mtime,
                    "size": state.st_size,
                    "modified": state.st_mtime,
                }
                # Locked: of two who write the same record on PostgreSQL the second shall wait for the first one's terms.
                there = select(pictures.c.id).where(pictures.c.path == stored).with_for_update()
                known = connection.execute(there).scalar_one_or_none()
                if known is None:
                    fresh = {**row, "path": stored, "vector_model": "", "trashed": None}
                    known = connection.execute(insert(pictures).values(fresh).returning(pictures.c.id)).scalar_one()
                else:
                    _clear_terms(connection, known)
                    connection.execute(update(pictures).where(pictures.c.id == known).values(row))
                _write_terms(connection, known, state.st_mtime, contents.found_by(marks))
                ids.append(known)
        return ids

    def _thrown(self, picture: int) -> Record:
        record = self.get(picture)
        if record.trashed is not None:
            return record
        to = place_in_trash(record.path)
        # Said first, done then: `settle_trash` ends it when we die in between.
        self._place(picture, to, self._clock())
        if record.path.exists():
            move(record.path, to)
        return self.get(picture)

    def _restored(self, picture: int) -> Record:
        record = self.get(picture)
        if record.trashed is None:
            return record
        to = place_before_trash(record.path)
        if record.path.exists():
            to = free_name(to)
            move(record.path, to)
        elif not to.exists():
            raise ImageError(f"{record.path.name} is in the trash no more: somebody removed its file")
        self._place(picture, to, None)
        return self.get(picture)

    def _place(self, picture: int, path: Path, trashed: float | None) -> None:
        changed = update(pictures).where(pictures.c.id == picture)
        with self._database.writing() as connection:
            connection.execute(changed.values(path=self.stored(path), trashed=trashed))

    def take_in_trash(self, path: Path) -> int:
        """The id of a picture whose file lies in a trash; it can be restored from there."""
        picture = self.add_file(path)
        self._place(picture, path, path.stat().st_mtime)
        return picture

    def _likenesses(self) -> Sequence[Any]:
        there: tuple[ColumnElement[bool], ...] = (pictures.c.likeness.is_not(None), pictures.c.trashed.is_(None))
        wanted = select(pictures.c.id, pictures.c.likeness).where(*there).order_by(pictures.c.taken.desc())
        with self._database.reading() as connection:
            return connection.execute(wanted).all()

    def _get(self, connection: Connection, picture: int) -> Record:
        row = connection.execute(select(pictures).where(pictures.c.id == picture)).one_or_none()
        if row is None:
            raise ImageError(f"there is no picture {picture} in the library; search for it")
        return self._record(row)

    def _record(self, row: Any) -> Record:
        return record_of_row(row, self.path_of(row.path))


def _columns_of(marks: Marks) -> dict[str, Any]:
    return {
        "favourite": marks.favourite,
        "rating": marks.rating,
        "boards": json.dumps(marks.boards, ensure_ascii=False),
        "tags": json.dumps(marks.tags, ensure_ascii=False),
    }


def _set_marks(connection: Connection, record: Record, marks: Marks) -> None:
    connection.execute(update(pictures).where(pictures.c.id == record.id).values(_columns_of(marks)))
    recipe = recipe_of_json(record.recipe) if record.recipe else None
    more = {"source": record.source, "interrupted": record.interrupted or None}
    _clear_terms(connection, record.id)
    _write_terms(connection, record.id, record.taken, terms_of(record.prompt, recipe, marks, more))


def _clear_terms(connection: Connection, picture: int) -> None:
    connection.execute(delete(terms).where(terms.c.picture == picture))
    connection.execute(delete(numbers).where(numbers.c.picture == picture))


def _write_terms(connection: Connection, picture: int, taken: float, found: Found) -> None:
    connection.execute(insert(terms), [{"term": term, "taken": taken, "picture": picture} for term in found.terms])
    if found.numbers:
        rows = [{"name": name, "value": value, "picture": picture} for name, value in found.numbers]
        connection.execute(insert(numbers), rows)
