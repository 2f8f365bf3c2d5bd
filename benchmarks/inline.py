"""What an inline projection costs the commands: ``python -m benchmarks.inline [SECONDS] [ROUNDS]``.

Transfers between 1,000 accounts on SQLite and on PostgreSQL, 64 at a time and one at a time: without a projection, with one that a runner keeps in
the same process, and with the same one inline. All of them in turns, each on a new store.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from benchmarks.domain.accounts import Account, AccountOpened, MoneyReceived, MoneySent
from benchmarks.domain.commands import OpenAccount, TransferMoney
from benchmarks.environment import ROOT
from benchmarks.server import running
from eventcore import CommandExecutor, PostgresEventStore, Recorded, RetryPolicy, SqliteEventStore, StreamId
from eventcore.projections import Context, ProjectionRunner, on, project_inline, projection

Store = SqliteEventStore | PostgresEventStore

ACCOUNTS: Final = 1_000
AT_A_TIME: Final = (64, 1)
STORES: Final = ("SQLite", "PostgreSQL")
WAYS: Final = ("without", "by a runner", "inline")
DEPOSIT: Final = 1_000_000


@projection
class Balances:
    """One upsert for each event, as read models have them."""

    def create(self, context: Context) -> None:
        context.execute(f"CREATE TABLE {context.table('balances')} (account TEXT PRIMARY KEY, balance BIGINT NOT NULL)")

    @on(AccountOpened)
    def opened(self, recorded: Recorded[AccountOpened], context: Context) -> None:
        self._add(recorded.stream_id, recorded.event.deposit, context)

    @on(MoneySent)
    def sent(self, recorded: Recorded[MoneySent], context: Context) -> None:
        self._add(recorded.stream_id, -recorded.event.amount, context)

    @on(MoneyReceived)
    def received(self, recorded: Recorded[MoneyReceived], context: Context) -> None:
        self._add(recorded.stream_id, recorded.event.amount, context)

    def _add(self, account: str, amount: int, context: Context) -> None:
        context.execute(
            f"INSERT INTO {context.table('balances')} AS b VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET balance = b.balance + $2",
            str(account),
            amount,
        )


class Figure(NamedTuple):
    """Commands a second, and the median time of one in milliseconds."""

    rate: float
    median: float


async def one(kind: str, way: str, at_a_time: int, seconds: float, dsn: str, path: Path) -> Figure:
    """Run transfers for *seconds* on a new store."""
    source: Store = SqliteEventStore(path) if kind == "SQLite" else PostgresEventStore(dsn, schema=f"bench_{uuid4().hex[:8]}")
    async with source as store:
        if way == "inline":
            await project_inline(store, [Balances()])
        executor = CommandExecutor(store, retry=RetryPolicy(max_attempts=1000))
        accounts = [StreamId.of(Account, number) for number in range(ACCOUNTS)]
        await asyncio.gather(*(executor.execute(OpenAccount(account, DEPOSIT)) for account in accounts))
        if way == "by a runner":
            async with ProjectionRunner(store, [Balances()]):
                return await _timed(executor, accounts, at_a_time, seconds)
        return await _timed(executor, accounts, at_a_time, seconds)


async def _timed(executor: CommandExecutor, accounts: list[StreamId[Account]], at_a_time: int, seconds: float) -> Figure:
    chance = random.Random(1)
    times: list[float] = []
    end = time.perf_counter() + seconds

    async def client() -> None:
        while (begun := time.perf_counter()) < end:
            source, target = chance.sample(accounts, 2)
            await executor.execute(TransferMoney(source, target, 1))
            times.append(time.perf_counter() - begun)

    await asyncio.gather(*(client() for _ in range(at_a_time)))
    return Figure(len(times) / seconds, 1000 * statistics.median(times))


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    found: dict[tuple[str, int, str], list[Figure]] = {}
    with tempfile.TemporaryDirectory(prefix=".scratch-inline-", dir=ROOT) as folder, running(Path(folder)) as server:
        for _ in range(rounds):
            for kind in STORES:
                for at_a_time in AT_A_TIME:
                    for way in WAYS:
                        path = Path(folder) / f"{uuid4().hex}.db"
                        figure = asyncio.run(one(kind, way, at_a_time, seconds, server.dsn("postgres"), path))
                        found.setdefault((kind, at_a_time, way), []).append(figure)
    print(f"{'store':<11} {'at a time':>9}  {'projection':<12} {'commands/s':>10} {'p50, ms':>8}")
    for (kind, at_a_time, way), figures in found.items():
        rate, median = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"{kind:<11} {at_a_time:>9}  {way:<12} {rate:>10.0f} {median:>8.2f}")


if __name__ == "__main__":
    main()
