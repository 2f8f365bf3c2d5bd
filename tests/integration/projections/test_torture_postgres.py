"""The same torture on PostgreSQL: writers, commits that take their time, a server that dies, runners that are killed, and go on late.

Another reader goes on beside all that. What is handled in the database is handled exactly once, what is done outside at least once.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from eventcore import OutcomeUnknown, PostgresEventStore, Recorded
from eventcore.errors import StoreError
from eventcore.projections import caught_up
from eventcore.projections.records import ProjectionRecord, records
from eventcore.store import ANY, AppendRequest, Committed, NewEvent, Statement
from eventcore.stores.postgres.faults import is_lost
from eventcore.testing.contract.making import read_log
from tests.faults.crashing import CrashingServer, crashing_server
from tests.integration.postgres.hand import append_in, connected
from tests.integration.projections.lab import Paid, folded, new, pay
from tests.integration.projections.torture_lab import told
from tests.soak import times

HISTORY, SCHEMA = 1_500, "torture"
# Seconds: longer than a lease, and than one who stands by looks for it.
STANDSTILL = 1.5


class Promised(NamedTuple):
    """What writers were told: events that are there from then on, and events that never will be. Of others nobody knows."""

    kept: set[str]
    gone: set[str]


class Machine:
    """The server, and the processes that run projections on it. It dies at no moment at which one of them begins."""

    def __init__(self, server: CrashingServer, outside: Path) -> None:
        self.dsn, self._server, self._outside = server.dsn, server, outside
        self._quiet = asyncio.Lock()
        self.crashes = 0

    async def crash(self) -> None:
        async with self._quiet:
            await asyncio.to_thread(self._server.kill)
            await asyncio.to_thread(self._server.start)
            self.crashes += 1

    @asynccontextmanager
    async def runner(self, version: int) -> AsyncIterator[asyncio.subprocess.Process]:
        """A process at work, until it is killed."""
        async with self._quiet:
            command = (
                sys.executable,
                "-m",
                "tests.integration.projections.torture_lab",
                self.dsn,
                SCHEMA,
                str(version),
                str(self._outside),
            )
            process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
            assert process.stdout is not None
            assert await process.stdout.readline() == b"running\n"
        try:
            yield process
        finally:
            process.kill()
            await process.wait()


async def write(store: PostgresEventStore, seed: int, promised: Promised, going_on: asyncio.Event) -> None:
    """Append payments in bursts."""
    chance = random.Random(seed)
    while not going_on.is_set():
        stream = f"payments-{seed}"
        burst = [new(Paid(f"a{chance.randrange(20)}", chance.randrange(1, 100)), stream) for _ in range(chance.randrange(1, 40))]
        try:
            (verdict,) = await store.append([AppendRequest({stream: ANY}, burst)])
        except (StoreError, OutcomeUnknown):
            await asyncio.sleep(0.1)
            continue
        assert isinstance(verdict, Committed)
        promised.kept.update(_ids(burst))
        await asyncio.sleep(chance.random() * 0.2)


async def write_slowly(dsn: str, seed: int, promised: Promised, going_on: asyncio.Event) -> None:
    """Append in transactions that stay open while others commit: what is older becomes visible later. Every third is rolled back."""
    number = 0
    while not going_on.is_set():
        number += 1
        stream = f"slow-{seed}"
        event = new(Paid("slow", 1), stream)
        try:
            async with connected(dsn) as connection:
                await connection.execute("BEGIN")
                await append_in(connection, SCHEMA, AppendRequest({stream: ANY}, [event]))
                await asyncio.sleep(random.Random(f"{seed} {number}").random() * 0.15)
                await connection.execute("ROLLBACK" if number % 3 == 0 else "COMMIT")
        except Exception as error:
            if not is_lost(error):
                raise
            await asyncio.sleep(0.1)
        else:
            (promised.gone if number % 3 == 0 else promised.kept).add(str(event.event_id))


def _ids(events: list[NewEvent]) -> list[str]:
    return [str(event.event_id) for event in events]


async def follow(subscription: AsyncGenerator[Recorded[Paid]], seen: list[str]) -> None:
    """Read beside all that: each event once, in order."""
    async with aclosing(subscription):
        async for recorded in subscription:
            seen.append(str(recorded.event_id))


async def all_seen(reader: asyncio.Task[None], subscription: AsyncGenerator[Recorded[Paid]], seen: list[str], log: list[str]) -> None:
    """Wait until the reader has seen the whole log, and end it. Raises what it ended with, or says what it left out, or where it stands still."""
    # Longer than the reader's store waits for an answer that a dying server owes it.
    until = time.monotonic() + 120
    while len(seen) < len(log) and not reader.done():
        assert seen == log[: len(seen)], "the reader left something out, or saw it twice"
        assert time.monotonic() < until, f"the reader stands still after {len(seen)} of {len(log)} events, in {waits_in(subscription)}"
        await asyncio.sleep(0.05)
    if reader.done():
        await reader
    reader.cancel()
    await asyncio.wait([reader])


def waits_in(waiting: object) -> str:
    """Return the functions of a generator that wait for one another, the outermost first."""
    names: list[str] = []
    while (frame := getattr(waiting, "ag_frame", None) or getattr(waiting, "cr_frame", None)) is not None:
        names.append(frame.f_code.co_qualname)
        waiting = getattr(waiting, "ag_await", None) or getattr(waiting, "cr_await", None)
    return " > ".join(names)


async def follow_and_die(machine: Machine, seed: int, kills: int) -> None:
    """Let runners of the first version follow what is written, one after the other until it is killed.

    Every second one stands still meanwhile, for so long that another one leads, and goes on as if nothing had been.
    """
    chance = random.Random(seed)
    for number in range(kills):
        async with machine.runner(1) as process:
            await asyncio.sleep(0.1 + chance.random() * 0.5)
            if (number + seed) % 2 == 0:
                process.send_signal(signal.SIGSTOP)
                await asyncio.sleep(STANDSTILL)
                process.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.3)


async def rebuild_and_die(machine: Machine, store: PostgresEventStore, kills: int) -> int:
    """Kill one runner after the other once it has gone on building the second version; return how many were killed at that."""
    for killed in range(kills):
        before = await _second(store)
        async with machine.runner(2):
            while (building := await _second(store)) is None or building.handled <= (0 if before is None else before.handled):
                await asyncio.sleep(0.01)
        if building.live:
            return killed
    return kills


async def _second(store: PostgresEventStore) -> ProjectionRecord | None:
    """Return how far the second version is."""
    async with records(store, read_only=True) as kept:
        return next((record for record in await kept.load("balances") if record.version == 2), None)


async def read_models(store: PostgresEventStore) -> tuple[dict[str, tuple[int, int]], dict[str, int]]:
    """Return the balances, and how often each event was handled."""
    async with store.transaction(read_only=True) as transaction:
        balances = await transaction.fetch(Statement(f"SELECT account, balance, payments FROM {transaction.table('balances')}"))
        handled = await transaction.fetch(Statement(f"SELECT event_id, times FROM {transaction.table('handled')}"))
    return {row["account"]: (row["balance"], row["payments"]) for row in balances}, {row["event_id"]: row["times"] for row in handled}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_projections_survive_torture_on_postgres(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kills, crashes, seed, outside = times(3), times(1), 7, tmp_path / "outside"
    promised, seen, ended = Promised(set(), set()), list[str](), asyncio.Event()

    async def run(machine: Machine) -> None:
        async with (
            PostgresEventStore(machine.dsn, schema=SCHEMA) as store,
            PostgresEventStore(machine.dsn, schema=SCHEMA, reply_timeout=15) as beside,
        ):
            for number in range(0, HISTORY, 500):
                await pay(store, [(f"a{number % 20}", 1)] * 500)
            subscription = beside.subscribe(Paid, page_size=50)
            reader = asyncio.create_task(follow(subscription, seen))
            writers = [asyncio.create_task(write(store, seed + n, promised, ended)) for n in range(3)]
            writers += [asyncio.create_task(write_slowly(machine.dsn, seed + n, promised, ended)) for n in range(2)]
            following = [asyncio.create_task(follow_and_die(machine, seed + n, kills)) for n in range(2)]
            for _ in range(crashes):
                await asyncio.sleep(1)
                await machine.crash()
            await asyncio.gather(*following)
            async with machine.runner(1):
                before = len(seen)
                killed = await rebuild_and_die(machine, store, kills)
                async with machine.runner(2), machine.runner(2):
                    for _ in range(crashes):
                        await machine.crash()
                    ended.set()
                    await asyncio.gather(*writers)
                    last = await pay(store, [("last", 1)])
                    await caught_up(store, "balances", last, timeout=60)
                    async with asyncio.timeout(60):
                        while (second := await _second(store)) is None or not second.live:
                            await asyncio.sleep(0.05)
                    await caught_up(store, "balances", await pay(store, [("last", 1)]), timeout=60)
            log = [str(stored.event_id) for stored in await read_log(store)]
            await all_seen(reader, subscription, seen, log)
            effects, states = told(outside)
            balances, handled = await read_models(store)
            with capsys.disabled():
                print(
                    f"\n  torture on PostgreSQL: {len(log)} events written, {sum(handled.values())} handled, {len(seen)} seen by another reader "
                    f"({len(seen) - before} of them from the rebuild on), {machine.crashes} crashes of the server, {2 * kills} runners killed as they "
                    f"followed and {killed} as they rebuilt, {effects.total()} effects of {len(effects)} events, seed {seed}"
                )
            assert seen == log
            assert promised.kept <= set(log)
            assert not promised.gone & set(log)
            assert balances == await folded(store)
            assert handled == dict.fromkeys(log, 1)
            assert set(effects) == set(log)
            assert states == {"live"}
            assert killed > 0

    with crashing_server(tmp_path / "server") as server:
        asyncio.run(run(Machine(server, outside)))
