"""What the proxy does to a plain asyncpg connection, seen from both sides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from tests.faults.arranged import CutAtByte, CutAtMessage, DeliverAndCut, HoldReply, Tape
from tests.faults.proxy import FaultProxy, LatencyProxy, Target
from tests.integration.postgres.hand import connected

LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)


def through(postgres: str, act: Callable[[FaultProxy, asyncpg.Connection], Awaitable[None]]) -> None:
    """Run *act* with a connection through a proxy that has seen its first query."""

    async def run() -> None:
        async with FaultProxy(postgres) as proxy:
            connection = await asyncpg.connect(proxy.dsn)
            try:
                assert await connection.fetchval("SELECT $1::text", "warm") == "warm"
                await act(proxy, connection)
            finally:
                connection.terminate()

    asyncio.run(run())


async def eventually(postgres: str, sql: str, expected: object) -> None:
    """Wait until the server itself says so, on a connection of our own."""
    connection = await asyncpg.connect(postgres)
    try:
        async with asyncio.timeout(10):
            while (found := await connection.fetchval(sql)) != expected:
                await asyncio.sleep(0.005)
        assert found == expected
    finally:
        await connection.close()


@pytest.fixture
def table(postgres: str, schema: str) -> str:
    async def make() -> None:
        connection = await asyncpg.connect(postgres)
        await connection.execute(f'CREATE SCHEMA "{schema}"; CREATE TABLE "{schema}".t (id text)')
        await connection.close()

    asyncio.run(make())
    return f'"{schema}".t'


def test_what_nobody_disturbs_passes(postgres: str) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        tape = proxy.arm(Tape(marker=b"generate_series"))
        rows = await connection.fetch("SELECT g, repeat('x', 1000) FROM generate_series(1, $1) AS g", 500)
        assert len(rows) == 500
        assert tape.kinds[0] == ("request", "Parse")
        assert tape.kinds[-1] == ("reply", "ReadyForQuery")
        assert proxy.connections == 1

    through(postgres, act)


@pytest.mark.parametrize("byte", [0, 1, 7, 30])
def test_a_request_is_cut_at_a_byte_and_the_server_does_nothing(postgres: str, table: str, byte: int) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        insert = await connection.prepare(f"INSERT INTO {table} VALUES ($1)")
        cut = proxy.arm(CutAtByte("request", byte, marker=b"cut-me"))
        with pytest.raises(LOST):
            await insert.fetch("cut-me")
        assert cut.happened.is_set()
        await eventually(postgres, f"SELECT count(*) FROM {table}", 0)

    through(postgres, act)


def test_every_byte_of_a_reply_can_be_the_last(postgres: str, table: str) -> None:
    """The server commits before it replies: however little of the reply arrives, the row is there, and the client has no answer."""

    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        insert = await connection.prepare(f"INSERT INTO {table} VALUES ($1)")
        tape = proxy.arm(Tape(marker=b"row-tape"))
        await insert.fetch("row-tape")
        length = tape.bytes["reply"]
        for byte in range(0, length, 3):
            again = await asyncpg.connect(proxy.dsn)
            insert = await again.prepare(f"INSERT INTO {table} VALUES ($1)")
            cut = proxy.arm(CutAtByte("reply", byte, marker=b"row-%03d" % byte))
            with pytest.raises(LOST):
                await insert.fetch(f"row-{byte:03}")
            assert cut.happened.is_set()
            await eventually(postgres, f"SELECT count(*) FROM {table} WHERE id = 'row-{byte:03}'", 1)

    through(postgres, act)


@pytest.mark.parametrize(
    ("direction", "kind", "side", "stored"),
    [
        ("request", "Bind", "before", 0),
        ("request", "Bind", "after", 0),
        ("request", "Execute", "after", 0),
        ("request", "Sync", "before", 0),
        ("request", "Sync", "after", 1),
        ("reply", "BindComplete", "before", 1),
        ("reply", "CommandComplete", "before", 1),
        ("reply", "ReadyForQuery", "before", 1),
    ],
)
def test_a_connection_is_cut_at_a_message(postgres: str, table: str, direction: str, kind: str, side: str, stored: int) -> None:
    """Without a Sync the server rolls back what it did; with one it commits, whoever is there to hear it."""

    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        insert = await connection.prepare(f"INSERT INTO {table} VALUES ($1)")
        cut = proxy.arm(CutAtMessage(direction, kind, side=side, marker=b"cut-me"))
        with pytest.raises(LOST):
            await insert.fetch("cut-me")
        assert cut.happened.is_set()
        await eventually(
            postgres, "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid() AND query LIKE 'INSERT%'", 0
        )
        await eventually(postgres, f"SELECT count(*) FROM {table}", stored)

    through(postgres, act)


def test_the_second_message_of_a_kind_is_another_than_the_first(postgres: str) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        select = await connection.prepare("SELECT g FROM generate_series(1, $1::int) AS g")
        proxy.arm(CutAtMessage("request", "Sync", number=2, side="before"))
        assert len(await select.fetch(2)) == 2
        with pytest.raises(LOST):
            await select.fetch(2)

    through(postgres, act)


def test_a_reply_is_held_back_while_the_server_has_committed(postgres: str, table: str) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        hold = proxy.arm(HoldReply(marker=b"held"))
        asking = asyncio.create_task(connection.fetch(f"/* held */ INSERT INTO {table} VALUES ('a') RETURNING id"))
        await asyncio.wait_for(hold.happened.wait(), 10)
        assert not asking.done()
        # The reply of the preparation was held: the client has not even asked for the rest.
        hold.release()
        assert len(await asking) == 1
        held_for_ever = proxy.arm(HoldReply(marker=b"also-held"))
        asking = asyncio.create_task(connection.execute(f"INSERT INTO {table} VALUES ('also-held')"))
        await eventually(postgres, f"SELECT count(*) FROM {table}", 2)
        await asyncio.wait_for(held_for_ever.happened.wait(), 10)
        assert not asking.done()
        held_for_ever.drop()
        with pytest.raises(LOST):
            await asking

    through(postgres, act)


def test_a_request_is_delivered_and_nobody_hears_of_it(postgres: str, table: str) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        async with connected(postgres) as holder:
            await holder.execute("SELECT pg_advisory_lock(2711)")
            proxy.arm(DeliverAndCut(marker=b"unheard"))
            with pytest.raises(LOST):
                await connection.execute(f"INSERT INTO {table} SELECT 'unheard' FROM pg_advisory_xact_lock(2711)")
            await eventually(postgres, "SELECT count(*) FROM pg_locks WHERE NOT granted", 1)
            assert await holder.fetchval(f"SELECT count(*) FROM {table}") == 0
        await eventually(postgres, f"SELECT count(*) FROM {table}", 1)

    through(postgres, act)


def test_new_connections_are_refused_and_old_ones_go_on(postgres: str) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        proxy.refusing = True
        with pytest.raises(LOST):
            await asyncpg.connect(proxy.dsn)
        assert await connection.fetchval("SELECT 1") == 1
        proxy.refusing = False
        await (await asyncpg.connect(proxy.dsn)).close()

    through(postgres, act)


def test_a_black_hole_answers_nobody(postgres: str) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        proxy.black_hole = True
        with pytest.raises(TimeoutError):
            await connection.fetchval("SELECT 1", timeout=0.2)
        with pytest.raises(TimeoutError):
            await asyncpg.connect(proxy.dsn, timeout=0.2)

    through(postgres, act)


def test_all_are_cut_at_once(postgres: str) -> None:
    async def act(proxy: FaultProxy, connection: asyncpg.Connection) -> None:
        other = await asyncpg.connect(proxy.dsn)
        asking = asyncio.create_task(other.execute("SELECT pg_sleep(5)"))
        await asyncio.sleep(0.05)
        proxy.cut_all()
        with pytest.raises(LOST):
            await asking
        with pytest.raises(LOST):
            await connection.execute("SELECT 1")
        assert proxy.connections == 0

    through(postgres, act)


def test_a_server_that_is_away_cuts_the_connection() -> None:
    async def run() -> None:
        async with FaultProxy("postgresql://postgres@127.0.0.1:1/nothing") as proxy:
            with pytest.raises(LOST):
                await asyncpg.connect(proxy.dsn)

    asyncio.run(run())


async def shortest(work: Callable[[], Awaitable[None]], *, below: float = 0.3) -> float:
    """Return the shortest time, in seconds, that *work* took in a few tries: a busy machine makes it longer, but hardly each time."""
    times: list[float] = []
    while len(times) < 20 and min(times, default=below) >= below:
        begun = time.perf_counter()
        await work()
        times.append(time.perf_counter() - begun)
    return min(times)


def test_a_round_trip_takes_longer_and_their_order_stays(postgres: str) -> None:
    async def run() -> None:
        with LatencyProxy(postgres, round_trip=0.03) as proxy:
            connection = await asyncpg.connect(proxy.dsn)
            select = await connection.prepare("SELECT $1::text")

            async def five_times() -> None:
                for number in range(5):
                    assert await select.fetchval(str(number)) == str(number)

            async def many_packets() -> None:
                assert len(await select.fetchval("x" * 5_000_000)) == 5_000_000

            assert 0.15 <= await shortest(five_times) < 0.3
            # Many packets of one request wait for the same time, not for one another.
            assert 0.03 <= await shortest(many_packets, below=1.5) < 1.5
            await connection.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://me:se%40cret@db.example:6543/shop", "postgresql://me:se%40cret@127.0.0.1:77/shop?sslmode=disable"),
        ("postgresql:///shop?host=/tmp/sockets&port=6543&user=me", "postgresql://127.0.0.1:77/shop?user=me&sslmode=disable"),
        (
            "postgresql://me@/shop?host=/run&sslmode=require&application_name=a%20b",
            "postgresql://me@127.0.0.1:77/shop?application_name=a%20b&sslmode=disable",
        ),
    ],
)
def test_the_dsn_keeps_everything_but_the_place(dsn: str, expected: str) -> None:
    assert Target.of(dsn).dsn_at(77) == expected
