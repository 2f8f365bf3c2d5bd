"""Tables that are replaced while others use them: who is waited for, in which order, and who is in the way.

A swap waits for the batches under way of the live generation first, while it holds nothing that anybody wants; so the two never wait for one
another. Readers lock the views that they name in any order. They never deadlock with a swap either: while it holds one of them it waits for another
only for a part of `deadlock_timeout`, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Protocol, final

from eventcore.store import Row, Statement
from eventcore.stores.postgres.statements import Schema


class _Transaction(Protocol):
    def table(self, name: str, /) -> str: ...

    async def execute(self, statements: Sequence[Statement], /) -> None: ...

    async def fetch(self, statement: Statement, /) -> Sequence[Row]: ...


@final
class PostgresSharing:
    def __init__(self, transaction: _Transaction, schema: Schema) -> None:
        self._transaction = transaction
        self._sql = schema.statements("swap")

    async def hold_back(self, leases: Sequence[str], /, *, patience: float) -> None:
        await self._wait_for(patience * 1000)
        await self._fetch("hold_back", list(leases))

    async def take(self, views: Sequence[str], /, *, patience: float) -> None:
        if not views:
            return
        first, *others = views
        (row,) = await self._fetch("deadlock_timeout")
        allowed, waiting = row["milliseconds"], patience * 1000
        await self._wait_for(waiting)
        await self._lock(first)
        # Each is two locks, the view and its table. All waits together are shorter than what a reader waits before it looks for a deadlock.
        await self._wait_for(allowed / (4 * len(views)) if 2 * waiting <= allowed / 2 else 0)
        for view in others:
            await self._lock(view)

    async def follows(self, view: str, table: str, /) -> bool:
        (row,) = await self._fetch("follows", self._transaction.table(view), self._transaction.table(table))
        return bool(row["follows"])

    async def resting_on(self, dropped: Sequence[str], ours: Sequence[str], /) -> Sequence[str]:
        return [f"the {row['what']}" for row in await self._fetch("resting_on", self._named(dropped), self._named(ours))]

    async def used_by(self, names: Sequence[str], /, *, seconds: float, surely: bool = False) -> Sequence[str]:
        rows = await self._fetch("used_by", self._named(names), timedelta(seconds=seconds), not surely)
        return [_described(row) for row in rows]

    def _named(self, names: Sequence[str]) -> list[str]:
        return [self._transaction.table(name) for name in names]

    async def _lock(self, view: str) -> None:
        await self._transaction.execute([Statement(f"LOCK TABLE {self._transaction.table(view)} IN ACCESS EXCLUSIVE MODE")])

    async def _wait_for(self, milliseconds: float) -> None:
        # 0 would be for ever.
        await self._fetch("wait_for", f"{max(1, round(milliseconds))}ms")

    async def _fetch(self, query: str, *arguments: object) -> Sequence[Row]:
        return await self._transaction.fetch(Statement(self._sql[query], arguments))


def _described(row: Row) -> str:
    """Name a session, without what it said: a statement, or the name of an application, may hold a secret."""
    if row["pid"] is None:
        return "a prepared transaction (pg_prepared_xacts shows it)"
    who = f" of {row['usename']}" if row["usename"] else ""
    what = f", {row['state'] or row['backend_type']}" if row["state"] or row["backend_type"] else ""
    since = "" if row["xact_start"] is None else f", in a transaction since {row['xact_start'].astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
    return f"the session {row['pid']}{who}{what}{since}"
