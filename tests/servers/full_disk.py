"""A server whose disk fills.

One database lies in a tablespace on a tmpfs of its own, mounted in namespaces that only the server is in: the real ENOSPC, without touching the disk of
the machine, and without being root. It needs Linux with user namespaces; where there are none the server does not start, and the test fails.
The WAL and the catalogs are elsewhere, so that the server itself stays alive, as one whose data volume is full does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import attrs

from eventcore.local_postgres import Binaries, LocalPostgres, Settings
from eventcore.local_postgres.account import NOBODY, Account
from tests.servers.run import FAST, dsn_of, execute

_SIZE_MB = 32
# The outer namespace may mount; the inner one is no root, which PostgreSQL refuses.
_SCRIPT = f'mount -t tmpfs -o size={_SIZE_MB}m,mode=700 none "$0" && exec unshare --user --map-user={NOBODY} --map-group={NOBODY} -- "$@"'


@attrs.frozen
class FullDiskServer:
    dsn: str
    """A database on the small disk."""

    def fill(self) -> None:
        """Write until the disk is full."""
        asyncio.run(self._fill())

    def relieve(self) -> None:
        """Take away what `fill` wrote."""
        execute(self.dsn, "DROP TABLE ballast", "CHECKPOINT")

    async def _fill(self) -> None:
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute("CREATE TABLE ballast (filler text)")
            await connection.execute("ALTER TABLE ballast ALTER COLUMN filler SET STORAGE PLAIN")
            # The room of a failed statement is not given back before VACUUM. Ever smaller ones leave nothing.
            for rows in (1_000, 100, 10, 1, 1):
                await self._until_full(connection, rows)
        finally:
            await connection.close()

    @staticmethod
    async def _until_full(connection: asyncpg.Connection[asyncpg.Record], rows: int) -> None:
        while True:
            try:
                await connection.execute(f"INSERT INTO ballast SELECT repeat('x', 7000) FROM generate_series(1, {rows})")
            except asyncpg.DiskFullError:
                return


@contextmanager
def full_disk_server(folder: Path) -> Iterator[FullDiskServer]:
    """Start a server with one database on a small disk, *folder* holding the rest."""
    disk = folder / "disk"
    disk.mkdir(parents=True)
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "--", "/bin/sh", "-c", _SCRIPT, str(disk))
    account = Account(Binaries.find(), prefix=prefix)
    with LocalPostgres.start(folder / "server", Settings(account=account, parameters=FAST, immediate=True)) as server:
        execute(dsn_of(server), f"CREATE TABLESPACE small LOCATION '{disk}'", "CREATE DATABASE small TABLESPACE small")
        yield FullDiskServer(dsn_of(server, "small"))
