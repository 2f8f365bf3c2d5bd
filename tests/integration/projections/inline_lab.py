"""A writer to be killed: pays with inline projections, again and again. As a program: ``PLACE SCHEMA SEED``, a file or a DSN."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import orjson

from eventcore import Recorded, SqliteEventStore
from eventcore.errors import InlineProjectionFailed
from eventcore.projections import Context, on, project_inline, projection
from eventcore.store import ANY, AppendRequest, Committed, Refused
from eventcore.stores.postgres import PostgresEventStore
from tests.integration.projections.lab import Balances, Paid, new

Store = SqliteEventStore | PostgresEventStore
Sums = Mapping[str, tuple[int, int]]
UNLUCKY, LIMIT, BATCH = 13, 5_000, 20


@projection
class Totals:
    """All payments in one row, read and written back by the handler: what two handlers at the same time would spoil."""

    def create(self, context: Context) -> None:
        context.execute(f"CREATE TABLE {context.table('totals')} (id BIGINT PRIMARY KEY, amount BIGINT NOT NULL, payments BIGINT NOT NULL)")
        context.execute(f"INSERT INTO {context.table('totals')} VALUES (1, 0, 0)")

    @on(Paid)
    async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
        if recorded.event.amount == UNLUCKY:
            raise ValueError("unlucky")
        ((row),) = await context.fetch(f"SELECT amount, payments FROM {context.table('totals')}")
        context.execute(
            f"UPDATE {context.table('totals')} SET amount = $1, payments = $2", row["amount"] + recorded.event.amount, row["payments"] + 1
        )


def projections() -> list[object]:
    return [Balances(), Totals()]


def opened(place: str, schema: str) -> Store:
    return PostgresEventStore(place, schema=schema) if place.startswith("postgres") else SqliteEventStore(Path(place))


def random_request(chance: random.Random) -> AppendRequest:
    stream_id = f"payments-{chance.randrange(8)}"
    amounts = [
        chance.choice((UNLUCKY, *range(1, 12))) if chance.random() < 0.2 else chance.randrange(1, 12) for _ in range(chance.randrange(1, 4))
    ]
    return AppendRequest({stream_id: ANY}, [new(Paid(f"a{chance.randrange(20)}", amount), stream_id) for amount in amounts])


def is_unlucky(request: AppendRequest) -> bool:
    return any(orjson.loads(event.data)["amount"] == UNLUCKY for event in request.events)


async def write(store: Store, chance: random.Random) -> int:
    """Append one request; return how many events were acknowledged."""
    request = random_request(chance)
    (verdict,) = await store.append([request])
    if is_unlucky(request):
        assert isinstance(verdict, Refused), verdict
        assert isinstance(verdict.error, InlineProjectionFailed), verdict.error
        return 0
    assert isinstance(verdict, Committed), verdict
    return len(verdict.events)


# What anybody sees at one moment: history and tables in one snapshot.


async def moment(place: str, schema: str) -> tuple[Sums, Sums, tuple[int, int]]:
    """Return the fold over history, the balances, and the total row."""
    return await _moment_of_postgres(place, schema) if place.startswith("postgres") else _moment_of_sqlite(place)


def _moment_of_sqlite(place: str) -> tuple[Sums, Sums, tuple[int, int]]:
    connection = sqlite3.connect(place, isolation_level=None)
    try:
        connection.execute("BEGIN")
        events = [data for (data,) in connection.execute("SELECT data FROM events WHERE type = 'Paid' ORDER BY position")]
        rows = connection.execute("SELECT account, balance, payments FROM balances").fetchall()
        (total,) = connection.execute("SELECT amount, payments FROM totals").fetchall()
        return _folded(events), {account: (balance, payments) for account, balance, payments in rows}, total
    finally:
        connection.close()


async def _moment_of_postgres(place: str, schema: str) -> tuple[Sums, Sums, tuple[int, int]]:
    connection = await asyncpg.connect(place)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            events = [row[0] for row in await connection.fetch(f"SELECT data::text FROM \"{schema}\".events WHERE type = 'Paid'")]
            rows = await connection.fetch(f'SELECT account, balance, payments FROM "{schema}".balances')
            total = tuple(await connection.fetchrow(f'SELECT amount, payments FROM "{schema}".totals'))
        return _folded(events), {row[0]: (row[1], row[2]) for row in rows}, total
    finally:
        await connection.close()


def _folded(events: list[str]) -> Sums:
    sums: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for data in events:
        paid = orjson.loads(data)
        sums[paid["account"]] += paid["amount"]
        counts[paid["account"]] += 1
    return {account: (sums[account], counts[account]) for account in counts}


async def main(place: str, schema: str, seed: int) -> None:
    chance = random.Random(seed)
    async with opened(place, schema) as store:
        await project_inline(store, projections(), batch_size=BATCH)
        print("running", flush=True)
        while True:
            for count in await asyncio.gather(*(write(store, chance) for _ in range(chance.randrange(1, 24)))):
                if count:
                    print(count, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
