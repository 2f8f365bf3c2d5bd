"""Appends with read models in their transaction: one after the other, whichever process makes them.

That is what makes a handler see the events in the order of the log, and what lets it read a row and write it back without a lock of its own.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, TypeVar, final

from eventcore.errors import InlineProjectionsDiffer, RequestRefused
from eventcore.ids import Position
from eventcore.store import Committed, InlineWork, Row, Statement
from eventcore.stores.postgres.batch import Batch, Decision, verdicts_of
from eventcore.stores.postgres.connections import Connection, Session, require_open, terminate
from eventcore.stores.postgres.faults import OF_THE_DRIVER, Faults, LostBeforeCommit, because, is_lost
from eventcore.stores.postgres.read_models import PostgresReadModelTransaction, ReadModels, refused, run_all
from eventcore.stores.postgres.sharing import PostgresSharing
from eventcore.stores.postgres.statements import Schema

T = TypeVar("T")

_COMMITTED: Final = 0


@final
class Inline:
    """What is done in every append of one open store."""

    def __init__(self, schema: Schema, faults: Faults) -> None:
        self.work: InlineWork | None = None
        self._schema = schema
        self._faults = faults
        self._sql = schema.statements("inline")

    @property
    def kept(self) -> str | None:
        return None if self.work is None else self.work.kept

    async def append(
        self, session: Session, work: InlineWork, batch: Batch, sql: str, arguments: Sequence[object], *, lock_timeout: str, step: bool
    ) -> list[Decision]:
        """Send *batch* and let *work* handle what it adds, in one transaction.

        Raises `LostBeforeCommit` and `IdleTransaction` where it is certain that it was not committed, and what `Session.do` raises.
        """
        begin = self._sql["begin"].replace("$lock_timeout", f"'{lock_timeout}'").replace("$kept", f"'{work.kept}'")

        async def act(connection: Connection) -> list[Decision]:
            ending = False
            try:
                await session.in_time(connection.execute(begin))
                reply = await session.in_time(connection.fetch(sql, *arguments))
                decisions = batch.decisions(reply)
                await self._handle(session, connection, work, verdicts_of(reply), decisions, step=step)
                require_open(connection)
                ending = True
                await session.in_time(_commit(connection))
            except Exception as error:
                if not is_lost(error):
                    await session.in_time(_roll_back(connection))
                elif not ending:
                    raise LostBeforeCommit(str(error)) from error
                raise
            return decisions

        return await session.do(act)

    async def _handle(
        self,
        session: Session,
        connection: Connection,
        work: InlineWork,
        verdicts: Sequence[int] | None,
        decisions: Sequence[Decision],
        *,
        step: bool,
    ) -> None:
        # What was committed when it was sent before has been handled then. (Without verdicts all of it was committed now.)
        written = [
            decision.events
            for verdict, decision in zip(verdicts or [_COMMITTED] * len(decisions), decisions, strict=True)
            if verdict == _COMMITTED and isinstance(decision, Committed) and decision.events
        ]
        if not written:
            return
        transaction = _AppendTransaction(session, connection, self._schema, self._faults)
        try:
            await work.handle(written, transaction, step=step)
        finally:
            if transaction.broken is not None:
                raise transaction.broken

    @asynccontextmanager
    async def switch(self, read_models: ReadModels, lock_timeout: str) -> AsyncGenerator[PostgresInlineSwitch]:
        """Open a transaction that waits for the appends under way, and keeps others waiting."""
        async with read_models.transaction(None, read_only=False) as transaction:
            waiting = [Statement(self._sql["wait"].replace("$lock_timeout", f"'{lock_timeout}'")), Statement(self._sql["keep_out"])]
            await transaction.execute(waiting)
            yield PostgresInlineSwitch(transaction, self._sql)

    def differs(self, error: Exception, kept: str | None) -> InlineProjectionsDiffer:
        """Say that the server demands something else than *kept*."""
        demanded: str | None = getattr(error, "detail", None) or None
        return because(InlineProjectionsDiffer(self._faults.store, demanded, kept), error)


async def _commit(connection: Connection) -> None:
    # Where a statement failed and somebody passed over it, the server answers COMMIT with ROLLBACK, and that is no error for the driver.
    if (answer := await connection.execute("COMMIT")) != "COMMIT":
        raise RequestRefused(f"the transaction of the append was rolled back at its end ({answer}); nothing was written")


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except OF_THE_DRIVER:
        terminate(connection)


@final
class _AppendTransaction:
    """The transaction of an append, for SQL of read models. *broken* is what met more than one request, whatever a handler makes of it."""

    def __init__(self, session: Session, connection: Connection, schema: Schema, faults: Faults) -> None:
        self._session = session
        self._connection = connection
        self._schema = schema
        self._faults = faults
        self.broken: Exception | None = None

    def table(self, name: str, /) -> str:
        return f'{self._schema.quoted}."{name}"'

    async def execute(self, statements: Sequence[Statement], /) -> None:
        await run_all(self._connection, statements, self._do, seconds=self._session.given_up_after)

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        return [dict(row) for row in await self._do(statement, partial(self._connection.fetch, statement.sql, *statement.arguments))]

    async def _do(self, statement: Statement, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            require_open(self._connection)
            return await self._session.in_time(ask())
        except Exception as error:
            if (refusal := refused(self._faults, statement, error)) is not None:
                raise refusal from error
            self.broken = error
            raise


@final
class PostgresInlineSwitch:
    """A transaction on read models while nobody appends."""

    def __init__(self, transaction: PostgresReadModelTransaction, sql: Mapping[str, str]) -> None:
        self._sql = sql
        self._transaction = transaction

    def table(self, name: str, /) -> str:
        return self._transaction.table(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        await self._transaction.execute(statements)

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        return await self._transaction.fetch(statement)

    def sharing(self) -> PostgresSharing:
        return self._transaction.sharing()

    async def newest(self) -> Position | None:
        rows = await self.fetch(Statement(self._sql["newest"]))
        return Position((rows[0]["tx"], rows[0]["ordinal"])) if rows else None

    async def demand(self, kept: str | None, /) -> None:
        await self.execute([Statement(self._sql["demand"], (kept,))])
