"""The server dies, again and again, while clients transfer money; what they were told is true."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest

from eventcore import PostgresEventStore
from tests.faults.crashing import CrashingServer, crashing_server
from tests.faults.judge import Told
from tests.faults.workload import account_ids, following, open_bank, require_truth, run_clients
from tests.integration.postgres.hand import connected
from tests.servers.full_wal import FullWalServer, full_wal_server
from tests.soak import times

ACCOUNTS = account_ids(8)


async def die_and_rise(server: CrashingServer, rng: random.Random, rounds: int, told: list[Told]) -> None:
    for number in range(rounds):
        # Not before the clients are at work again: a crash of an idle server shows little.
        before = committed(told)
        async with asyncio.timeout(60):
            while committed(told) < before + 20:
                await asyncio.sleep(0.002)
        await asyncio.sleep(rng.uniform(0, 0.05))
        if number % 3 == 2:
            server.kill_a_backend(await some_backend(server, rng))
        else:
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(rng.uniform(0, 0.2))
            await asyncio.to_thread(server.start)


def committed(told: list[Told]) -> int:
    return sum(each.outcome == "committed" for each in told)


async def some_backend(server: CrashingServer, rng: random.Random) -> int:
    connection = await asyncpg.connect(server.dsn)
    try:
        pids = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        return int(rng.choice(pids)["pid"])
    finally:
        await connection.close()


@pytest.mark.slow
@pytest.mark.timeout(times(120))
def test_partial_write_is_impossible(tmp_path_factory: pytest.TempPathFactory, schema: str) -> None:
    """The server is SIGKILLed at random moments under load, whole or in part, and comes back."""
    rng = random.Random(20250401)
    told: list[Told] = []

    async def scenario(server: CrashingServer) -> None:
        async with PostgresEventStore(server.dsn, schema=schema, patience=60) as store:
            await open_bank(store, ACCOUNTS)
            async with following(store, "one", "two") as followers:
                done = asyncio.Event()
                clients = asyncio.create_task(
                    run_clients(store, ACCOUNTS, name="c", clients=16, seed=1, tell=told.append, going_on=lambda _: not done.is_set())
                )
                await die_and_rise(server, rng, times(6), told)
                done.set()
                await clients
            found = await require_truth(store, ACCOUNTS, told, followers)
        outcomes = [each.outcome for each in told]
        assert outcomes.count("committed") >= 20 * times(6), "hardly anything was committed: the test shows little"
        assert outcomes.count("unknown") == 0, "the server came back in time, and could say what it has"
        assert len(found.log) == 2 * outcomes.count("committed") + 2 * len(ACCOUNTS)

    with crashing_server(tmp_path_factory.mktemp("server")) as server:
        asyncio.run(scenario(server))


@pytest.mark.slow
@pytest.mark.timeout(times(120))
def test_a_full_disk_for_wal(tmp_path: Path, schema: str) -> None:
    """The server stops in the middle of whatever was being committed, and cannot come back before there is room."""
    told: list[Told] = []

    async def use_up(server: FullWalServer) -> None:
        """Write WAL until the server stops."""
        async with connected(server.dsn) as connection:
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
                while True:
                    await connection.execute("SELECT pg_logical_emit_message(true, 'eventcore', repeat('x', 1000000))")

    async def scenario(server: FullWalServer) -> None:
        async with PostgresEventStore(server.dsn, schema=schema, patience=60) as store:
            await open_bank(store, ACCOUNTS)
            async with following(store, "one", "two") as followers:
                done = asyncio.Event()
                clients = asyncio.create_task(
                    run_clients(store, ACCOUNTS, name="c", clients=16, seed=2, tell=told.append, going_on=lambda _: not done.is_set())
                )
                for _ in range(times(2)):
                    await asyncio.to_thread(server.fill)
                    await use_up(server)
                    before = committed(told)
                    await asyncio.sleep(0.3)
                    await asyncio.to_thread(server.relieve)
                    await asyncio.to_thread(server.restart)
                    async with asyncio.timeout(60):
                        while committed(told) < before + 50:
                            await asyncio.sleep(0.01)
                done.set()
                await clients
            found = await require_truth(store, ACCOUNTS, told, followers)
        outcomes = [each.outcome for each in told]
        assert outcomes.count("committed") >= 50 * times(2), "hardly anything was committed: the test shows little"
        assert outcomes.count("unknown") == 0, "the server came back in time, and could say what it has"
        assert len(found.log) == 2 * outcomes.count("committed") + 2 * len(ACCOUNTS)

    with full_wal_server(tmp_path) as server:
        asyncio.run(scenario(server))
