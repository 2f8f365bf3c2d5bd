"""A bank in small: events, a projection of them, and what the read model has to be. As a program: a runner to be killed."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from eventcore import EventCodec, Recorded, SqliteEventStore, event
from eventcore.ids import Position, new_event_id
from eventcore.projections import Context, ProjectionRunner, on, projection
from eventcore.store import ANY, AppendRequest, Committed, EventStore, NewEvent

_CODEC = EventCodec()


@event
class Paid:
    account: str
    amount: int


@event
class Remarked:
    text: str


@projection
class Balances:
    def create(self, context: Context) -> None:
        context.execute(f"CREATE TABLE {context.table('balances')} (account TEXT PRIMARY KEY, balance INTEGER, payments INTEGER)")

    @on(Paid)
    def paid(self, recorded: Recorded[Paid], context: Context) -> None:
        context.execute(
            f"INSERT INTO {context.table('balances')} AS b (account, balance, payments) VALUES ($1, $2, 1) "
            "ON CONFLICT (account) DO UPDATE SET balance = b.balance + excluded.balance, payments = b.payments + 1",
            recorded.event.account,
            recorded.event.amount,
        )


def new(event: Paid | Remarked, stream_id: str = "payments-1") -> NewEvent:
    return NewEvent(stream_id, new_event_id(), type(event).__name__, 1, _CODEC.encode(event))


async def pay(store: EventStore, payments: Iterable[tuple[str, int]], stream_id: str = "payments-1") -> Position:
    return await record(store, [Paid(account, amount) for account, amount in payments], stream_id)


async def record(store: EventStore, events: Iterable[Paid | Remarked], stream_id: str = "payments-1") -> Position:
    (verdict,) = await store.append([AppendRequest({stream_id: ANY}, [new(each, stream_id) for each in events])])
    assert isinstance(verdict, Committed), verdict
    return verdict.events[-1].position


async def folded(store: EventStore) -> dict[str, tuple[int, int]]:
    """Return what the balances have to be: a fold over the whole history."""
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    decode = _CODEC.decoder(Paid)
    after, more = None, True
    while more:
        page = await store.read_all(after)
        for stored in page.events:
            if stored.type == "Paid":
                paid = decode(stored.data)
                sums[paid.account] += paid.amount
                counts[paid.account] += 1
        after, more = page.position, page.more
    return {account: (sums[account], counts[account]) for account in counts}


def shown(path: Path, table: str = "balances") -> dict[str, tuple[int, int]]:
    """Return the balances as anybody reads them, with a connection of its own."""
    connection = sqlite3.connect(path)
    try:
        rows = connection.execute(f"SELECT account, balance, payments FROM {table}").fetchall()
    finally:
        connection.close()
    return {account: (balance, payments) for account, balance, payments in rows}


async def run(path: str) -> None:
    async with SqliteEventStore(path) as store:
        print("running", flush=True)
        await ProjectionRunner(store, [Balances()], batch_size=20, poll_interval=0.1, lease_seconds=0.5).run()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1]))
