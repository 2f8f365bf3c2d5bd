"""Transactions on read models. Each has a connection and a thread of its own, and waits for the file's write lock like any writer.

The lock is taken with the first statement and held until the commit: what a projection does in between keeps all other writers of the file
waiting. That is why a runner collects what its handlers write, and hands it over at once.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, TypeVar, final

from eventcore.ids import Position
from eventcore.store import Lease, Row, Statement
from eventcore.stores import leases
from eventcore.stores.intact import Intact
from eventcore.stores.lite import StatementFailed, execute, fetch, quoted
from eventcore.stores.sqlite.database import Database
from eventcore.stores.sqlite.faults import is_full
from eventcore.stores.sqlite.slices import newest_position
from eventcore.stores.sqlite.statements import statements
from eventcore.stores.sqlite.transaction import Transactions

T = TypeVar("T")

_SQL: Final = statements("keep")
_INLINE: Final = statements("inline")


@final
class ReadModels:
    """The sessions of an open store's projections: as many as there are transactions at a time, made when they are needed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._idle: list[_Session] = []
        self._closed = False

    @asynccontextmanager
    async def switch(self) -> AsyncGenerator[SqliteInlineSwitch]:
        async with self.transaction(None, read_only=False) as transaction:
            switch = SqliteInlineSwitch(transaction)
            await transaction.run(lambda _: None)  # takes the write lock
            yield switch

    @asynccontextmanager
    async def transaction(self, under: Lease | None, *, read_only: bool) -> AsyncGenerator[SqliteReadModelTransaction]:
        with self._lock:
            session = self._idle.pop() if self._idle else _Session(self._database)
        transaction = SqliteReadModelTransaction(session, under, read_only=read_only)
        try:
            try:
                yield transaction
                transaction.intact.require()
                await session.run(session.roll_back if read_only else session.commit)
            except BaseException:
                await session.run(session.roll_back)
                raise
        finally:
            transaction.intact.end()
            await self._give_back(session)

    async def _give_back(self, session: _Session) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(session)
                return
        await session.close()

    async def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for session in idle:
            await session.close()


@final
class SqliteReadModelTransaction:
    """One transaction on the read models of a file."""

    def __init__(self, session: _Session, under: Lease | None, *, read_only: bool) -> None:
        self._session = session
        self._under = under
        self._read_only = read_only
        self.intact = Intact()

    def table(self, name: str, /) -> str:
        return quoted(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        await self.run(lambda connection: execute(connection, statements))

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        return await self.run(lambda connection: fetch(connection, statement))

    def kept_waiting(self) -> float:
        return self._session.kept_waiting()

    async def run(self, act: Callable[[sqlite3.Connection], T]) -> T:
        """Return what *act* returns, in this transaction."""
        with self.intact.step():
            return await self._session.run(lambda: self._session.act(self._under, act, read_only=self._read_only))


@final
class SqliteInlineSwitch:
    """A transaction on read models that has the write lock: nobody appends."""

    def __init__(self, transaction: SqliteReadModelTransaction) -> None:
        self._transaction = transaction

    def table(self, name: str, /) -> str:
        return self._transaction.table(name)

    async def execute(self, statements: Sequence[Statement], /) -> None:
        await self._transaction.execute(statements)

    async def fetch(self, statement: Statement, /) -> Sequence[Row]:
        return await self._transaction.fetch(statement)

    async def newest(self) -> Position | None:
        position = await self._transaction.run(newest_position)
        return None if position is None else Position((position,))

    async def demand(self, kept: str | None, /) -> None:
        await self.execute([Statement(_INLINE["demand_nothing"])])
        if kept is not None:
            await self.execute([Statement(_INLINE["demand"], (kept,))])


@final
class _Session:
    """A connection, and the thread that uses it. Everything but `run`, `close` and `kept_waiting` happens in that thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, "eventcore-project")
        self._transactions: Transactions | None = None

    async def run(self, act: Callable[[], T]) -> T:
        """Return what *act* returns. A thread cannot be cancelled: whoever is cancelled waits until it is done."""
        work = asyncio.get_running_loop().run_in_executor(self._thread, act)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            if not work.cancelled():
                work.exception()
            raise

    def act(self, under: Lease | None, act: Callable[[sqlite3.Connection], T], *, read_only: bool) -> T:
        try:
            return act(self._begun(under, read_only=read_only))
        except StatementFailed as failed:
            faults = self._database.faults
            if faults.blames_request(failed.error) and not is_full(failed.error):
                raise failed.refused(faults.path) from failed.error
            raise faults.translate(failed.error) from failed.error
        except sqlite3.Error as error:
            raise self._database.faults.translate(error) from error

    def _begun(self, under: Lease | None, *, read_only: bool) -> sqlite3.Connection:
        if self._transactions is None:
            self._transactions = Transactions(self._database.connect(waits=False), self._database)
        connection = self._transactions.connection
        if not connection.in_transaction:
            if read_only:
                self._transactions.begin_reading()
            else:
                self._transactions.begin_writing()
            # Under the write lock nobody else can take the lease: this holds until the commit.
            if under is not None and not _holds(connection, under):
                raise leases.lost(under)
        return connection

    def kept_waiting(self) -> float:
        return 0.0 if self._transactions is None else self._transactions.kept_waiting()

    def commit(self) -> None:
        if self._transactions is not None and self._transactions.connection.in_transaction:
            try:
                self._transactions.commit()
            except sqlite3.Error as error:
                raise self._database.faults.translate(error) from error

    def roll_back(self) -> None:
        if self._transactions is not None:
            self._transactions.roll_back()

    async def close(self) -> None:
        try:
            await self.run(self._disconnect)
        except RuntimeError:
            # The process is ending, and Python has ended the thread: nobody else has the connection.
            self._disconnect()
        self._thread.shutdown(wait=False)

    def _disconnect(self) -> None:
        if self._transactions is not None:
            self._transactions.close()
            self._transactions = None


def _holds(connection: sqlite3.Connection, lease: Lease) -> bool:
    row = connection.execute(_SQL["load_lease"], (lease.name,)).fetchone()
    return row is not None and (row[0], row[1]) == (lease.owner, lease.token)
