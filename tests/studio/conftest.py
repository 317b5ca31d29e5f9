"""A database of one's own: SQLite always, PostgreSQL where a server can be started."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from danqing.studio.database import Database, connect_database, open_database
from danqing.studio.home import Home


def tool(name: str) -> str:
    """The newest installed program of PostgreSQL's; Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else shutil.which(name) or ""


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a server that lives as long as the tests, reached by a socket in its own folder; skipped where there is none."""
    pytest.importorskip("psycopg", reason="psycopg isn't installed")
    if not tool("initdb"):
        pytest.skip("PostgreSQL isn't installed: no initdb")
    user: str | None = None
    if os.name == "posix" and os.geteuid() == 0:  # the server refuses to run as root
        import pwd

        user = next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")), None)
        if user is None:
            pytest.skip("PostgreSQL doesn't run as root, and there is no user for it")
    folder = Path(tmp_path_factory.mktemp("postgres"))
    if user is not None:
        for part in (folder, *folder.parents):
            if part == folder or part.name.startswith(("pytest-", "popen-")):  # pytest's own, which only we may enter
                part.chmod(0o755)
        shutil.chown(folder, user)

    def run(name: str, *words: str) -> None:
        command = [tool(name), "-D", str(folder / "data"), *words]
        ran = subprocess.run(command, user=user, capture_output=True, text=True, timeout=100, cwd=folder)
        if ran.returncode:
            pytest.skip(f"PostgreSQL could not be started: {name}: {(ran.stderr or ran.stdout)[-300:]}")

    run("initdb", "-U", "danqing", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = f"-k {folder} -p {port} -c listen_addresses= -c fsync=off"
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
    yield f"postgresql://danqing@/postgres?host={folder}&port={port}"
    subprocess.run(
        [tool("pg_ctl"), "-D", str(folder / "data"), "-m", "immediate", "stop"], user=user, capture_output=True
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """'' for SQLite in the home, or the URL of an empty PostgreSQL database."""
    if request.param == "sqlite":
        return ""
    server: str = request.getfixturevalue("postgres_server")
    name = f"test_{abs(hash(str(tmp_path)))}"
    admin = connect_database(Home(tmp_path), server)
    with admin.reading() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.close()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def database(home: Home, database_url: str) -> Iterator[Database]:
    """An empty database with its tables, on both kinds."""
    opened = open_database(home, database_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(home: Home) -> Iterator[Database]:
    """The same on SQLite only, for what doesn't depend on the kind."""
    opened = open_database(home)
    yield opened
    opened.close()
