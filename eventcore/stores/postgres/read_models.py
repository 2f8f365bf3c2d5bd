"""Transactions on read models, each on a connection of its own; they keep nobody waiting but those who want the same rows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from typing import Final, TypeVar, final

import asyncpg

from eventcore.errors import EventCoreError, OutcomeUnknown, RequestRefused
from eventcore.store import Lease, Row, Statement
from eventcore.stores import leases
from eventcore.stores.intact import Intact
from eventcore.stores.postgres.connections import Connection, Session, close_all, require_open
from eventcore.stores.postgres.faults import (
    Faults,
    because,
    blames_request,
    is_forbidden,
    is_full,
    is_lost,
    is_only_reading,
    needs_retry,
    took_too_long,
)
from eventcore.stores.postgres.sharing import PostgresSharing
from eventcore.stores.postgres.statements import Schema

T = TypeVar("T")

_SQL_OR_EVENT: Final = "mend the SQL of the projection, or look at the event that it was run for"
_RIGHTS: Final = "grant this role what the page 'PostgreSQL in production' lists for whoever keeps projections"


@final
class ReadModels:
    """The sessions of an open store's projections: as many as there are transactions at a time, made when they are needed."""

    def __init__(self, make: Callable[[], Session], schema: Schema, faults: Faults) -> None:
        self._make = make
        self._schema = schema
        self._faults = faults
        self._holds = schema.statements("keep")["hold_lease"]
        self._idle: list[Session] = []
        self._closed = False

    @asynccontextmanager
    async def transaction(self, under: Lease | None, *, read_only: bool) -> AsyncGenerator[PostgresReadModelTransaction]:
        session = self._idle.pop() if self._idle else self._make()
        transaction = PostgresReadModelTransaction(session, self._schema, self._faults, under, self._holds, read_only=read_only)
        try:
            try:
                yield transaction
                await transaction.commit()
            except BaseException:
                await transaction.roll_back()
                raise
        finally:
            transaction.end()
            if self._closed:
                await session.close()
            else:
                self._idle.append(session)

    async def close(self) -> None:
        self._closed = True
        idle, self._idle = self._idle, []
        await close_all(idle)


@final
class PostgresReadModelTransaction:
    """One transaction on the read models of a schema."""

    def __init__(self, session: Session, schema: Schema, faults: Faults, under: Lease | None, holds: str, *, read_only: bool) -> None:
        self._session = session
        self._schema = schema
        self._faults = faults
        self._under = under
        self._holds = holds
        self._isolation = "REPEATABLE READ READ ONLY" if read_only else "READ COMMITTED"
        self._connection: Connection | None = None
        self._intact = Intact()
        # A connection does one thing at a time; who asks for two at once has them done one after the other, as on other stores.
        self._turn = asyncio.Lock()

    def table(self, name: str, /) -> str:
        return f'{self._schema.quoted}."{name}"'

    async def execute(self, statements: Sequence[Statement], /) -> None:
        with self._intact.step():
            async with self._turn:
                connection = await self._begun()
                await run_all(connection, statements, self._do, seconds=self._session.given_up_after)

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        with self._intact.step():
            async with self._turn:
                connection = await self._begun()
                return [dict(row) for row in await self._do(statement, partial(connection.fetch, statement.sql, *statement.arguments))]

    def sharing(self) -> PostgresSharing:
        return PostgresSharing(self, self._schema)

    async def _begun(self) -> Connection:
        self._intact.require()  # what came before in the queue may have failed
        if self._connection is None:
            self._connection = await self._session.run(self._begin)
            if self._under is not None and not await self._holds_lease(self._connection, self._under):
                raise leases.lost(self._under)
        return self._connection

    async def _begin(self, connection: Connection) -> Connection:
        # A connection that was idle may have ended without anybody having noticed: then this is done on a new one.
        await connection.execute(f"BEGIN ISOLATION LEVEL {self._isolation}")
        return connection

    async def _holds_lease(self, connection: Connection, under: Lease) -> bool:
        try:
            held = await self._session.in_time(connection.fetchrow(self._holds, under.name, under.owner, under.token))
        except Exception as error:
            raise await self._translated(error) from error
        return held is not None

    async def _do(self, statement: Statement, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            if self._connection is not None:
                require_open(self._connection)
            # A connection that a pool has taken back, for it has ended, refuses to be asked.
            return await self._session.in_time(ask())
        except Exception as error:
            if (refusal := refused(self._faults, statement, error)) is not None:
                raise refusal from error
            raise await self._translated(error) from error

    async def commit(self) -> None:
        async with self._turn:
            self._intact.require()
            connection = self._connection
            if connection is not None:
                try:
                    require_open(connection)
                    await self._session.in_time(connection.execute("COMMIT"))
                except Exception as error:
                    if is_lost(error):
                        await self._lose()
                        raise OutcomeUnknown(f"a transaction on the read models of {self._faults.store}") from error
                    raise await self._translated(error) from error
                self._connection = None

    async def roll_back(self) -> None:
        try:
            async with self._turn:
                if self._connection is not None:
                    await self._session.in_time(self._connection.execute("ROLLBACK"))
                    self._connection = None
        except BaseException as error:
            await self._lose()
            if not isinstance(error, Exception):
                raise

    def end(self) -> None:
        self._intact.end()

    async def _translated(self, error: Exception) -> EventCoreError:
        if is_lost(error) or is_only_reading(error):
            await self._lose()
        return self._faults.translate(error)

    async def _lose(self) -> None:
        """Give the connection up: the server rolls back what was not committed."""
        self._connection = None
        await self._session.drop()


async def run_all(
    connection: Connection,
    statements: Sequence[Statement],
    do: Callable[[Statement, Callable[[], Awaitable[object]]], Awaitable[object]],
    *,
    seconds: float | None,
) -> None:
    """Run *statements* in their order, each stretch of the same SQL in one go, which takes no longer than so many *seconds*."""
    for sql, same in groupby(statements, lambda statement: statement.sql):
        first, *others = same
        if others:
            ask: Callable[[], Awaitable[object]] = partial(
                _many, connection, sql, [first.arguments, *(each.arguments for each in others)], seconds
            )
        else:
            ask = partial(connection.fetch, sql, *first.arguments)
        await do(first, ask)


async def _many(connection: Connection, sql: str, arguments: Sequence[Sequence[object]], seconds: float | None) -> None:
    # The driver may wait for a server that reads nothing more, and is not woken there by the end of the connection.
    async with asyncio.timeout(seconds):
        await connection.executemany(sql, arguments)


def refused(faults: Faults, statement: Statement, error: Exception) -> RequestRefused | None:
    """Say that the database did not take *statement*; None where that is not what *error* means."""
    # A value that the driver cannot encode is no fault of the connection, and neither is a table that the projection did not make.
    if isinstance(error, (asyncpg.DataError, asyncpg.SyntaxOrAccessError)) or (
        blames_request(error) and not needs_retry(error) and not is_full(error) and not took_too_long(error)
    ):
        sql = " ".join(statement.sql.split())[:200]
        remedy = _RIGHTS if is_forbidden(error) else _SQL_OR_EVENT
        return because(RequestRefused(f"{faults.store} refused `{sql}`: {error}; {remedy}"), error)
    return None
