"""Schemas that tests take in turn: making one takes longer than most tests, emptying it does not."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final, Self, final

import asyncpg
import attrs

from eventcore.store import EventStore
from eventcore.stores.postgres import PostgresEventStore
from eventcore.stores.postgres.connections import Connection
from eventcore.stores.postgres.settings import Pool
from eventcore.stores.sql_files import named_statements

_SQL: Final = named_statements("eventcore.testing", "schemas")
# Whoever still holds a lock in the schema of a test that is over will hold it for longer, too.
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '2s'"


@final
@attrs.frozen
class _Schema:
    """An empty schema. *traits*, and the rows that are *kept*, tell it from one that somebody has altered; *emptying* empties it."""

    name: str
    traits: object
    kept: object
    emptying: str

    @classmethod
    async def of(cls, connection: Connection, name: str) -> Self:
        """Look at the schema *name*."""
        return cls(name, await _traits(connection, name), await _kept(connection, name), await connection.fetchval(_SQL["emptying"], name))

    async def is_as_it_was(self, connection: Connection) -> bool:
        return await _traits(connection, self.name) == self.traits and await _kept(connection, self.name) == self.kept


@final
class Schemas:
    """Hands out schemas of the database of *pool*, each of them empty and as it was made, to one store at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._free: list[_Schema] = []
        self._made: set[str] = set()

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[EventStore]:
        """Yield a store that is open in a schema without events. What was altered there beside rows is not seen by the next one, either."""
        schema = self._free.pop() if self._free else await self._make()
        try:
            async with PostgresEventStore(self._pool, schema=schema.name, pool_size=3) as store:
                yield store
        finally:
            async with self._pool.acquire() as connection:
                await self._take_back(connection, schema)

    async def drop_all(self) -> None:
        """Drop every schema that was made."""
        async with self._pool.acquire() as connection:
            for name in sorted(self._made):
                await connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
        self._made.clear()
        self._free.clear()

    async def _make(self) -> _Schema:
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._made.add(name)
        async with PostgresEventStore(self._pool, schema=name, pool_size=3), self._pool.acquire() as connection:
            return await _Schema.of(connection, name)

    async def _take_back(self, connection: Connection, schema: _Schema) -> None:
        try:
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                if await schema.is_as_it_was(connection):
                    await connection.execute(schema.emptying)
                    self._free.append(await _Schema.of(connection, schema.name))
                else:
                    await connection.execute(f'DROP SCHEMA IF EXISTS "{schema.name}" CASCADE')
                    self._made.discard(schema.name)
        except asyncpg.LockNotAvailableError:
            # Somebody is in it still. It is dropped with the others; the next test takes another one.
            return


async def _traits(connection: Connection, name: str) -> object:
    return await connection.fetchval(_SQL["traits"], name)


async def _kept(connection: Connection, name: str) -> object:
    return await connection.fetchval(_SQL["kept"].replace("{schema}", f'"{name}"'))
