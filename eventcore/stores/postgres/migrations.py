"""From whatever is in the schema to what this code needs: numbered .sql files, applied in one transaction, one process at a time."""

from __future__ import annotations

import shlex
from typing import Final, final

from eventcore.errors import MigrationNeeded, NotAnEventStore, StoreTooNew
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.statements import Schema

_EPOCH_BITS: Final = 48


@final
class Migrations:
    """Brings one schema up."""

    def __init__(self, schema: Schema, described: str) -> None:
        self._schema = schema
        self._described = described
        self._sql = schema.statements("migrate")

    async def bring_up(self, connection: Connection, *, migrate: bool) -> None:
        """Create or migrate the schema where that is needed and *migrate* allows it; else only look.

        Raises `MigrationNeeded`, `StoreTooNew`, `NotAnEventStore`.
        """
        problem = await self._problem(connection)
        if problem is None:
            return
        if not migrate:
            command = f"eventcore migrate <url> --schema {shlex.quote(self._schema.name)}"
            raise MigrationNeeded(f"{self._described} {problem}; run `{command}`, or open it with migrate=True")
        async with connection.transaction(isolation="read_committed"):
            # Waits for appends that are on their way, and keeps others out until all is done.
            await connection.execute(self._sql["lock"], self._schema.seed)
            await self._migrate(connection)

    async def _problem(self, connection: Connection) -> str | None:
        """Say what is missing, or None."""
        done = await self.done(connection)
        newest = self._schema.migrations()[-1].number
        if done == 0:
            return "does not exist yet"
        if done < newest:
            return f"has the migration {done}, this code needs {newest}"
        if await connection.fetchrow(self._sql["ahead"]) is not None:
            return (
                "holds events of transactions that this server has not come to: it was restored from another one, and needs a new epoch, or "
                "readers would miss what is appended"
            )
        return None

    async def done(self, connection: Connection) -> int:
        """Return the number of the last migration applied, 0 for a schema without our objects."""
        row = await connection.fetchrow(self._sql["whose"], self._schema.name)
        assert row is not None  # noqa: S101 - an aggregate has a row
        ours, names = row
        if not ours:
            if names:
                raise NotAnEventStore(
                    f"the schema {self._schema.name!r} belongs to something else: it has {', '.join(names)}; it was left as it is; choose "
                    "another name with schema="
                )
            return 0
        done: int = await connection.fetchval(self._sql["applied"])
        newest = self._schema.migrations()[-1].number
        if done > newest:
            raise StoreTooNew(
                f"{self._described} has the migration {done}, this code knows migrations up to {newest}; nothing was changed; use the newer "
                "eventcore that made it"
            )
        return done

    async def _migrate(self, connection: Connection) -> None:
        # Another process may have done it while this one waited for the lock.
        done = await self.done(connection)
        if done == 0:
            if not await connection.fetchval(self._sql["exists"], self._schema.name):
                await connection.execute(self._sql["create_schema"])
            await connection.execute(self._sql["create_migrations"])
        for migration in self._schema.migrations():
            if migration.number > done:
                await connection.execute(migration.script)
                await connection.execute(self._sql["record"], migration.number, migration.name)
        ahead = await connection.fetchrow(self._sql["ahead"])
        if ahead is not None:
            await connection.execute(self._sql["new_epoch"], (ahead[0] >> _EPOCH_BITS) + 1)
