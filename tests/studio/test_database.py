"""The database: its tables are those that the code names, it is brought up to date, and what is wrong is said plainly."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text

from danqing.base.errors import SettingsError
from danqing.studio.database import FILE, MIGRATIONS, Database, connect_database, open_database
from danqing.studio.home import Home
from danqing.studio.migrations import HEAD
from danqing.studio.tables import metadata, switches


def test_the_migrations_make_the_tables_that_the_code_names(database: Database) -> None:
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_step_is_the_one_that_opening_looks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_again_keeps_what_is_there(home: Home, database_url: str) -> None:
    for number in range(2):
        database = open_database(home, database_url)
        with database.writing() as connection:
            assert connection.execute(select(switches.c.value)).scalars().all() == ["kept"] * number
            if number == 0:
                connection.execute(insert(switches).values(name="a", value="kept"))
        database.close()


def test_a_database_that_is_up_to_date_is_opened_without_alembic(home: Home) -> None:
    open_database(home).close()
    code = (
        "import sys; from pathlib import Path; from danqing.studio.database import open_database; "
        f"from danqing.studio.home import Home; open_database(Home(Path({str(home.root)!r}))); "
        "raise SystemExit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_what_fails_half_way_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            connection.execute(insert(switches).values(name="a", value="b"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as connection:
        assert connection.execute(select(switches)).all() == []


def test_sqlite_keeps_a_log_ahead_and_flushes_each_commit(sqlite: Database) -> None:
    with sqlite.reading() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    assert found == ["wal", 2]


def test_threads_that_read_before_they_write_do_not_fail_each_other(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(insert(switches).values(name="count", value="0"))
    problems: list[Exception] = []

    def count_up() -> None:
        try:
            for _ in range(20):
                with database.writing() as connection:
                    found = connection.execute(select(switches.c.value).with_for_update()).scalar_one()
                    connection.execute(switches.update().values(value=str(int(found) + 1)))
        except Exception as problem:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(problem)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as connection:
        assert (problems, connection.execute(select(switches.c.value)).scalar_one()) == ([], "80")


def test_a_database_of_a_later_danqing_is_refused(home: Home, database_url: str) -> None:
    database = open_database(home, database_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(SettingsError, match=r"another danqing .*update danqing"):
        open_database(home, database_url)


def test_a_file_that_is_no_database_is_refused_by_name(home: Home) -> None:
    home.root.mkdir(parents=True)
    (home.root / FILE).write_bytes(b"this is no database at all" * 100)
    with pytest.raises(
        SettingsError, match=r"can't be used \(file is not a database\); look at the setting `database`"
    ):
        open_database(home)


@pytest.mark.parametrize("url", ["nonsense", "mysterydb://host/name", "postgresql://"])
def test_an_address_that_leads_nowhere_is_a_wrong_setting(home: Home, url: str) -> None:
    with pytest.raises(SettingsError, match=r"database"):
        open_database(home, url)


def test_a_password_is_not_told(home: Home) -> None:
    pytest.importorskip("psycopg")
    url = "postgresql://me:secret@127.0.0.1:1/name?connect_timeout=2"
    with pytest.raises(SettingsError) as raised:
        open_database(home, url)
    assert "secret" not in str(raised.value)


def test_a_worker_opens_it_without_changing_it(home: Home, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    database = connect_database(home, url)
    with database.reading() as connection:
        assert connection.execute(text("SELECT name FROM sqlite_master")).all() == []
    database.close()
