"""The same torture on PostgreSQL: writers, commits that take their time, killed runners and a rebuild, while another reader goes on."""

from __future__ import annotations

import asyncio
import random
import sys
from contextlib import aclosing

import pytest

from eventcore import PostgresEventStore
from eventcore.projections import ProjectionRunner
from eventcore.store import ANY, AppendRequest, Statement
from tests.integration.postgres.hand import append_in, connected
from tests.integration.projections.lab import Paid, folded, new, pay
from tests.integration.projections.test_torture import Rebuilt
from tests.soak import times


async def write(store: PostgresEventStore, seed: int, rounds: int) -> int:
    """Append payments in bursts; return how many."""
    chance = random.Random(seed)
    written = 0
    for _ in range(rounds):
        burst = [(f"a{chance.randrange(20)}", chance.randrange(1, 100)) for _ in range(chance.randrange(1, 40))]
        await pay(store, burst, f"payments-{seed}")
        written += len(burst)
        await asyncio.sleep(chance.random() * 0.02)
    return written


async def write_slowly(dsn: str, schema: str, seed: int, rounds: int) -> int:
    """Append in transactions that stay open while others commit: what is older becomes visible later. Every third is rolled back."""
    chance = random.Random(seed)
    written = 0
    async with connected(dsn) as connection:
        for number in range(rounds):
            stream = f"slow-{seed}"
            await connection.execute("BEGIN")
            await append_in(connection, schema, AppendRequest({stream: ANY}, [new(Paid("slow", 1), stream)]))
            await asyncio.sleep(chance.random() * 0.15)
            await connection.execute("ROLLBACK" if number % 3 == 2 else "COMMIT")
            written += number % 3 != 2
    return written


async def kill_runners(dsn: str, schema: str, seed: int, kills: int) -> None:
    """Keep two runners at work in processes of their own, and kill one of them again and again; leave none."""
    chance = random.Random(seed)
    runners = [await _start(dsn, schema) for _ in range(2)]
    try:
        for _ in range(kills):
            await asyncio.sleep(0.1 + chance.random() * 0.3)
            victim = chance.randrange(2)
            runners[victim].kill()
            await runners[victim].wait()
            runners[victim] = await _start(dsn, schema)
    finally:
        for runner in runners:
            runner.kill()
            await runner.wait()


async def _start(dsn: str, schema: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.projections.lab", dsn, schema, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"running\n"
    return process


async def follow(store: PostgresEventStore, seen: list[object]) -> None:
    """Read beside all that: each event once, in order."""
    async with aclosing(store.subscribe(Paid, page_size=50)) as subscription:
        async for recorded in subscription:
            seen.append(recorded.position)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_projections_survive_torture_on_postgres(postgres: str, schema: str, capsys: pytest.CaptureFixture[str]) -> None:
    kills, rounds, seed = times(5), times(50), 7

    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            await pay(store, [("a1", 1)])
            seen: list[object] = []
            reader = asyncio.create_task(follow(store, seen))
            writers = [asyncio.create_task(write(store, seed + n, rounds)) for n in range(3)]
            slow = [asyncio.create_task(write_slowly(postgres, schema, seed + n, rounds // 2)) for n in range(2)]
            await kill_runners(postgres, schema, seed, kills)
            rebuilt = Rebuilt()
            before = len(seen)
            async with ProjectionRunner(store, [rebuilt], batch_size=50, poll_interval=0.1) as runner:
                writers.append(asyncio.create_task(write(store, seed + 3, rounds)))
                written = 2 + sum(await asyncio.gather(*writers, *slow))
                last = await pay(store, [("last", 1)])
                await runner.caught_up(last, timeout=60)
                async with asyncio.timeout(60):
                    while not seen or seen[-1] != last:
                        await asyncio.sleep(0.02)
            reader.cancel()
            await asyncio.wait([reader])
            expected = await folded(store)
            async with store.transaction(read_only=True) as transaction:
                rows = await transaction.fetch(Statement(f"SELECT account, balance, payments FROM {transaction.table('balances')}"))
            actual = {row["account"]: (row["balance"], row["payments"]) for row in rows}
            handled = sum(count for _, count in actual.values())
            with capsys.disabled():
                print(
                    f"\n  torture on PostgreSQL: {written} events written, {handled} handled, {len(seen)} seen by another reader "
                    f"({len(seen) - before} of them from the rebuild on), {kills} runners killed, {rebuilt.effects} effects, seed {seed}"
                )
            assert actual == expected
            assert handled == written
            assert len(seen) == len(set(seen)) == written
            assert 0 < rebuilt.effects <= written

    asyncio.run(run())
