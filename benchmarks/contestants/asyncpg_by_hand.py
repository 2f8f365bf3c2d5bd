"""What a careful engineer writes by hand on asyncpg: one read and one conditional append for each command, tried again on a conflict.

Two round trips, each one prepared statement outside any explicit transaction: the append is one INSERT whose primary key is the condition. Rows go in
sorted by stream, so that two appends never wait for each other in a ring. A command keeps its connection from the read to the append: fewer
commands are between the two at any time, and fewer conflict. The pool is a stack of connections with their statements; asyncpg's own sends another
round trip whenever a connection is given back. The payload is JSON by orjson in a `bytea`.

It gives a reader no order without gaps, no ids for events, no answer after a lost connection: less than what we give.
Tried and not faster: both streams by `= ANY`, `jsonb` in place of `bytea`, the append as a function.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, TypeAlias, final

import asyncpg
import orjson
from asyncpg.prepared_stmt import PreparedStatement

from benchmarks.banks import Bank, ReadBack
from benchmarks.contestants.by_hand import fold, prepare
from benchmarks.jobs import Job
from benchmarks.work import Place

__all__ = ["DISTRIBUTIONS", "NAME", "NEEDS_SERVER", "VARIANTS", "open_bank", "prepare"]

NAME: Final = "asyncpg by hand"
NEEDS_SERVER: Final = True
DISTRIBUTIONS: Final = ("asyncpg", "orjson")
POOLS: Final = (4, 8, 16, 32, 64)
VARIANTS: Final = tuple(f"pool of {size}" for size in POOLS)

READ: Final = "SELECT stream, version, type, data FROM events WHERE stream = $1 OR stream = $2 ORDER BY stream, version"
APPEND: Final = "INSERT INTO events (stream, version, type, data) VALUES ($1, $2, $3, $4), ($5, $6, $7, $8)"

Prepared: TypeAlias = "PreparedStatement[asyncpg.Record]"


class Wire(NamedTuple):
    """A connection and its two statements."""

    connection: asyncpg.Connection[asyncpg.Record]
    read: Prepared
    append: Prepared


@final
class HandWrittenBank:
    def __init__(self, wires: Sequence[Wire]) -> None:
        # Last in, first out, as in asyncpg's pool: the fewer connections take turns, the warmer they are. Some commands wait long for it.
        self._free: asyncio.LifoQueue[Wire] = asyncio.LifoQueue()
        for wire in wires:
            self._free.put_nowait(wire)
        self._size = len(wires)
        self._conflicts = 0

    async def transfer(self, source: str, target: str, amount: int) -> None:
        wire = await self._free.get()
        try:
            while not await _try_transfer(wire, source, target, amount):
                self._conflicts += 1
        finally:
            self._free.put_nowait(wire)

    async def collect(self, accounts: Sequence[str], written: Sequence[str], amount: int) -> None:
        raise NotImplementedError("collections are compared among ourselves")

    async def read_back(self, accounts: Sequence[str]) -> ReadBack:
        wire = await self._free.get()
        rows = await wire.connection.fetch("SELECT stream, version, type, data FROM events ORDER BY stream, version")
        self._free.put_nowait(wire)
        found = fold(rows)
        return ReadBack({account: found[account][0] for account in accounts}, len(rows))

    def settings(self) -> Mapping[str, str | int]:
        return {"pool": self._size, "conflicts": self._conflicts}


async def _try_transfer(wire: Wire, source: str, target: str, amount: int) -> bool:
    """Return whether it was committed."""
    rows = await wire.read.fetch(source, target)
    found = fold(rows)
    balance, source_version = found[source]
    _, target_version = found[target]
    if balance < amount:
        raise ValueError(f"{source} holds less than {amount}")
    sent = (source, source_version + 1, "MoneySent", orjson.dumps({"amount": amount, "receiver": target}))
    received = (target, target_version + 1, "MoneyReceived", orjson.dumps({"amount": amount, "sender": source}))
    first, second = (sent, received) if source < target else (received, sent)
    try:
        await wire.append.fetch(*first, *second)
    except asyncpg.UniqueViolationError:
        return False
    return True


@asynccontextmanager
async def open_bank(place: Place, job: Job, variant: str) -> AsyncIterator[Bank]:
    del job
    wires = [await _connect(place.dsn) for _ in range(int(variant.rpartition(" ")[2]))]
    try:
        yield HandWrittenBank(wires)
    finally:
        for wire in wires:
            await wire.connection.close()


async def _connect(dsn: str) -> Wire:
    connection = await asyncpg.connect(dsn)
    return Wire(connection, await connection.prepare(READ), await connection.prepare(APPEND))
