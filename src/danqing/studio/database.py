"""The studio's database: SQLite in the home folder, or PostgreSQL by URL; brought up to date when it is opened."""

import contextlib
import logging
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    select,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from danqing.base.errors import DanqingError, SettingsError
from danqing.studio.filelock import FileLock
from danqing.studio.home import Home
from danqing.studio.migrations import HEAD
from danqing.studio.writable import make_folder

log = logging.getLogger(__name__)

FILE = "danqing.sqlite3"
BUSY_SECONDS = 30
MIGRATIONS = Path(__file__).with_name("migrations")
VERSIONS = Table("alembic_version", MetaData(), Column("version_num", String(32)))
"""Where alembic notes how far a database is."""


@dataclass(frozen=True)
class Database:
    """Connections for reading, where each statement sees what is newest, and for writing, where everything counts or nothing."""

    engine: Engine

    @contextlib.contextmanager
    def reading(self) -> Generator[Connection]:
        """A connection outside any transaction."""
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Generator[Connection]:
        """A transaction; on SQLite it holds the file's one write lock from its beginning, so that it can't fail for having read first."""
        with self.engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()


def open_database(home: Home, url: str = "") -> Database:
    """The database that `url` names, SQLite in the home folder without one, with its tables as this danqing needs them.

    Raises SettingsError when it can't be reached or belongs to a later danqing.
    """
    make_folder(home.root)
    make_folder(home.cache)
    database = connect_database(home, url)
    lock = FileLock(home.cache / "migration.lock")
    try:
        with lock.held():
            _migrate(database)
    except DBAPIError as problem:
        database.close()
        raise SettingsError(
            f"the database {database.engine.url!r} can't be used ({_first_line(problem)}); look at the setting `database`"
        ) from problem
    except DanqingError:
        database.close()
        raise
    return database


def connect_database(home: Home, url: str = "") -> Database:
    """The same without bringing it up to date: for a worker, whose server has done that."""
    if not url:
        return Database(_sqlite(URL.create("sqlite", database=str(home.root / FILE))))
    try:
        wanted = make_url(url)
        if wanted.get_backend_name() == "sqlite":
            return Database(_sqlite(wanted))
        if wanted.drivername == "postgresql":
            wanted = wanted.set(drivername="postgresql+psycopg")
        return Database(create_engine(wanted, pool_pre_ping=True))
    except (ArgumentError, NoSuchModuleError) as problem:
        raise SettingsError(f"database: {problem}; write sqlite:///file or postgresql://user@host/name") from problem
    except ModuleNotFoundError as problem:
        raise SettingsError(f"database: {problem.name} is missing; install it with danqing[postgres]") from problem


def _sqlite(url: URL) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    def prepare(connection: Any, record: object) -> None:
        # The driver would begin transactions by itself, and late: only ours are wanted.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-32000"):
            connection.execute(f"PRAGMA {pragma}").close()

    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def storable(text: str) -> str:
    """The text as every database takes it: no nul, no halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _migrate(database: Database) -> None:
    """Runs the steps that are missing. alembic is only loaded when there are some: it takes longer than all the rest of opening."""
    with database.reading() as connection:
        versioned = inspect(connection).has_table(VERSIONS.name)
        if versioned and connection.execute(select(VERSIONS.c.version_num)).scalars().all() == [HEAD]:
            return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    try:
        with database.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as problem:
        raise SettingsError(
            f"the database {database.engine.url!r} was written by another danqing ({problem}); update danqing, or name another"
        ) from problem


def _first_line(problem: DBAPIError | OperationalError) -> str:
    return str(problem.orig).strip().partition("\n")[0]
