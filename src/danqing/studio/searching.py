"""From what somebody looks for to SQL: words and equal parameters by terms, ranges by numbers; one and the same on SQLite and PostgreSQL."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Connection, Select, and_, desc, exists, func, literal, not_, or_, select, tuple_

from danqing.base.errors import DanqingError, RecipeError
from danqing.base.value import Value
from danqing.studio.database import storable
from danqing.studio.tables import numbers, pictures, terms
from danqing.studio.terms import asked_words, defaults, full_name, presence_of, shown, term_of

CONDITION = re.compile(r"\s*([\w.]+)\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*", re.DOTALL)
LOOK = 2000
"""Rows that are counted to see which term is the rarest."""
MOST = 1000
"""Records on one page."""

Order = Literal["newest", "oldest"]


class Search(Value):
    """What is looked for; everything that is said must hold. `where` are conditions like "steps>=30", "sampler=Euler a", "hires=", "lora!=ink"."""

    error: ClassVar[type[DanqingError]] = RecipeError
    text: str = ""
    """Words of the prompt and tags, in any order; `red*` is every word that begins so."""
    where: tuple[str, ...] = ()
    model: str = ""
    lora: str = ""
    board: str = ""
    tag: str = ""
    favourite: bool = False
    rating: Annotated[int, Field(ge=0, le=5)] = 0
    """At least so many stars."""
    since: float | None = None
    """Seconds since 1970."""
    until: float | None = None
    trashed: bool = False
    """Only what is in the trash; without it only what isn't."""
    order: Order = "newest"
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50
    after: tuple[float, int] | None = None
    """(taken, id) of the last record of the page before."""


@dataclass(frozen=True)
class _Range:
    """A parameter compared with a number; `usual` when its default, which isn't noted, is within."""

    name: str
    sign: str
    value: float
    usual: bool

    @property
    def fits(self) -> ColumnElement[bool]:
        """The condition on a row of `numbers`."""
        return and_(numbers.c.name == self.name, COMPARISONS[self.sign](numbers.c.value, self.value))


@dataclass
class _Asked:
    """A search in terms: those that must be there, those that must not, pairs of which only the first must be (a value other than the
    default), those of which the first must not be without the second, beginnings of words, and ranges."""

    whole: list[str] = field(default_factory=list[str])
    without: list[str] = field(default_factory=list[str])
    only_first: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    not_only_first: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    beginnings: tuple[str, ...] = ()
    ranges: list[_Range] = field(default_factory=list[_Range])


@dataclass(frozen=True)
class _Start:
    """Where a query begins: with the pictures in order of time, or with those of its rarest term, which stand in that order too (so the first
    page is found without reading and sorting the rest), or with the few that a range leaves."""

    query: Select[Any]
    taken: ColumnElement[float]
    picture: ColumnElement[int]
    term: str = ""
    trashed: ColumnElement[float | None] = pictures.c.trashed

    def has(self, term: str) -> ColumnElement[bool]:
        """Whether a picture has another term."""
        one = terms.alias()
        return exists().where(one.c.term == term, one.c.taken == self.taken, one.c.picture == self.picture)


def page_of(connection: Connection, search: Search) -> Select[Any]:
    """The query for one page, newest or oldest first."""
    asked = _asked(search)
    start = _start(connection, select(pictures), asked)
    query = start.query.where(*_conditions(connection, search, asked, start))
    place = tuple_(start.taken, start.picture)
    if search.after is not None:
        beyond = tuple_(*search.after)
        query = query.where(place < beyond if search.order == "newest" else place > beyond)
    in_time = (start.taken, start.picture)
    return query.order_by(*(in_time if search.order == "oldest" else map(desc, in_time))).limit(search.limit)


def count_of(connection: Connection, search: Search) -> Select[Any]:
    """The query for how many there are."""
    asked = _asked(search)
    start = _start(connection, select(func.count()).select_from(pictures), asked)
    return start.query.where(*_conditions(connection, search, asked, start))


def _start(connection: Connection, query: Select[Any], asked: _Asked) -> _Start:
    """From whatever the fewest pictures have."""
    rarest, fewest = "", LOOK
    if asked.whole:
        often = {term: _often(connection, terms.c.term == term) for term in asked.whole}
        rarest = min(often, key=lambda term: often[term])
        fewest = often[rarest]
    for one in asked.ranges:
        if not one.usual and _often(connection, one.fits) < fewest:
            few = select(numbers.c.picture).where(one.fits).distinct().limit(LOOK).subquery()
            # Nothing that an index in order of time could serve: SQLite would rather walk that than look up a few.
            joined = query.join(few, few.c.picture == pictures.c.id)
            return _Start(joined, pictures.c.taken + 0, pictures.c.id, trashed=pictures.c.trashed + 0)
    if not rarest:
        return _Start(query, pictures.c.taken, pictures.c.id)
    joined = query.join(terms, and_(terms.c.picture == pictures.c.id, terms.c.term == rarest))
    return _Start(joined, terms.c.taken, terms.c.picture, rarest)


def _often(connection: Connection, condition: ColumnElement[bool]) -> int:
    """How many terms or numbers fulfil it, counted as far as it matters."""
    few = select(literal(1)).where(condition).limit(LOOK).subquery()
    return connection.execute(select(func.count()).select_from(few)).scalar_one()


def _conditions(connection: Connection, search: Search, asked: _Asked, start: _Start) -> list[ColumnElement[bool]]:
    trashed = start.trashed
    found: list[ColumnElement[bool]] = [trashed.is_not(None) if search.trashed else trashed.is_(None)]
    found += [start.has(term) for term in asked.whole if term != start.term]
    found += [not_(start.has(term)) for term in asked.without]
    found += [and_(start.has(one), not_(start.has(other))) for one, other in asked.only_first]
    found += [or_(not_(start.has(one)), start.has(other)) for one, other in asked.not_only_first]
    for beginning in asked.beginnings:
        within = and_(terms.c.term >= beginning, terms.c.term < beginning + "\U0010ffff")
        found.append(start.picture.in_(select(terms.c.picture).where(within)))
    found += [_within(connection, one, start) for one in asked.ranges]
    if search.since is not None:
        found.append(start.taken >= search.since)
    if search.until is not None:
        found.append(start.taken < search.until)
    return found


def _within(connection: Connection, one: _Range, start: _Start) -> ColumnElement[bool]:
    """Few that fit are gathered first; of many each picture is asked, for then a page is full soon."""
    if _often(connection, one.fits) < LOOK:
        within: ColumnElement[bool] = start.picture.in_(select(numbers.c.picture).where(one.fits))
    else:
        within = exists().where(numbers.c.picture == start.picture, one.fits)
    return or_(within, not_(start.has(presence_of(one.name)))) if one.usual else within


def _asked(search: Search) -> _Asked:
    words = asked_words(storable(search.text))
    asked = _Asked([*words.whole], beginnings=words.beginnings)
    named = {name: getattr(search, name) for name in ("model", "lora", "board", "tag")}
    asked.whole += [term_of(full_name(name), storable(value)) for name, value in named.items() if value]
    if search.favourite:
        asked.whole.append(term_of("favourite", True))
    if search.rating:
        asked.ranges.append(_Range("rating", ">=", float(search.rating), usual=False))
    for condition in search.where:
        _add_condition(asked, storable(condition))
    asked.whole = list(dict.fromkeys(asked.whole))
    return asked


def _add_condition(asked: _Asked, condition: str) -> None:
    found = CONDITION.fullmatch(condition)
    if found is None:
        raise RecipeError(
            f"{condition[:80]!r} is no condition; write name=value, name!=value, name>=number, or name= for not set"
        )
    name, sign, value = full_name(found[1]), found[2], found[3]
    usual = defaults().get(name)
    presence, term = presence_of(name), term_of(name, value)
    if sign not in ("=", "!="):
        asked.ranges.append(_range_of(name, sign, value, usual))
    elif not value:  # "hires.upscale=": not set; with "!=": set
        (asked.without if sign == "=" else asked.whole).append(presence)
    elif usual is not None and shown(usual) == shown(value):  # what is as usual isn't noted: no other value may be
        (asked.not_only_first if sign == "=" else asked.only_first).append((presence, term))
    else:
        (asked.whole if sign == "=" else asked.without).append(term)


def _range_of(name: str, sign: str, value: str, usual: object) -> _Range:
    try:
        limit = float(value)
    except ValueError as problem:
        raise RecipeError(f"{name}{sign}{value[:40]}: a number is needed, found {value[:40]!r}") from problem
    is_number = isinstance(usual, (int, float)) and not isinstance(usual, bool)
    return _Range(name, sign, limit, usual=is_number and bool(COMPARISONS[sign](usual, limit)))


COMPARISONS: MappingProxyType[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {
        ">=": lambda one, other: one >= other,
        "<=": lambda one, other: one <= other,
        ">": lambda one, other: one > other,
        "<": lambda one, other: one < other,
    }
)
