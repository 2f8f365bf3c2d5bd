"""A transaction on read models is whole or nothing, whatever its user does with the errors that it meets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from eventcore import InMemoryEventStore, PostgresEventStore, RequestRefused, SqliteEventStore, StoreError, StoreUnavailable
from eventcore.store import EventStore, Statement
from tests.faults.arranged import ShutDown
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import connected


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], EventStore]:
    match request.param:
        case "memory":
            return InMemoryEventStore
        case "sqlite":
            return lambda: SqliteEventStore(tmp_path / "events.db")
        case _:
            dsn, schema = request.getfixturevalue("postgres"), request.getfixturevalue("schema")
            return lambda: PostgresEventStore(dsn, schema=schema)


def insert(table: str, number: int) -> Statement:
    return Statement(f"INSERT INTO {table} (n) VALUES ($1)", (number,))


async def made(store: EventStore) -> str:
    async with store.transaction() as transaction:
        table: str = transaction.table("kept")
        await transaction.execute([Statement(f"CREATE TABLE {table} (n INTEGER)")])
    return table


async def kept(store: EventStore, table: str) -> list[int]:
    async with store.transaction(read_only=True) as transaction:
        return [row["n"] for row in await transaction.fetch(Statement(f"SELECT n FROM {table} ORDER BY n"))]


def test_a_refusal_that_was_swallowed_takes_all_back(make: Callable[[], EventStore]) -> None:
    async def run() -> None:
        async with make() as store:
            table = await made(store)
            with pytest.raises(RequestRefused, match="nothing_like_it"):
                async with store.transaction() as transaction:
                    await transaction.execute([insert(table, 1)])
                    with suppress(RequestRefused):
                        await transaction.fetch(Statement("SELECT n FROM nothing_like_it"))
                    with suppress(RequestRefused):
                        await transaction.execute([insert(table, 2)])
            assert await kept(store, table) == []
            async with store.transaction() as transaction:
                await transaction.execute([insert(table, 3)])
            assert await kept(store, table) == [3]

    asyncio.run(run())


def test_a_statement_that_was_cancelled_takes_all_back(make: Callable[[], EventStore]) -> None:
    async def run() -> None:
        async with make() as store:
            table = await made(store)
            with pytest.raises(StoreUnavailable, match="was cancelled"):
                async with store.transaction() as transaction:
                    await transaction.execute([insert(table, 1)])
                    second = asyncio.create_task(transaction.execute([insert(table, 2)]))
                    await asyncio.sleep(0)
                    second.cancel()
                    await asyncio.wait([second])
                    assert second.cancelled()
                    with suppress(StoreUnavailable):
                        await transaction.execute([insert(table, 3)])
            assert await kept(store, table) == []

    asyncio.run(run())


def test_statements_at_the_same_time_are_done_one_after_the_other(make: Callable[[], EventStore]) -> None:
    async def run() -> None:
        async with make() as store:
            table = await made(store)
            for numbers in (range(10), range(10, 20)):  # the second time on a connection that is there already
                async with store.transaction() as transaction:
                    await asyncio.gather(*(transaction.execute([insert(table, number)]) for number in numbers))
                assert await kept(store, table) == list(range(numbers.stop))

            with pytest.raises(RequestRefused, match="nothing_like_it"):
                async with store.transaction() as transaction:
                    refused = transaction.fetch(Statement("SELECT n FROM nothing_like_it"))
                    await asyncio.gather(refused, *(transaction.execute([insert(table, number)]) for number in range(20, 30)))
            assert await kept(store, table) == list(range(20))

    asyncio.run(run())


def test_a_transaction_that_has_ended_does_nothing(make: Callable[[], EventStore]) -> None:
    """What it was held by belongs to the next one."""

    async def run() -> None:
        async with make() as store:
            table = await made(store)
            with suppress(ZeroDivisionError):
                async with store.transaction() as failed:
                    await failed.execute([insert(table, 1)])
                    raise ZeroDivisionError
            async with store.transaction() as ended:
                await ended.execute([insert(table, 2)])
            for transaction in (failed, ended):
                with pytest.raises(StoreError, match="has ended"):
                    await transaction.execute([insert(table, 3)])
                with pytest.raises(StoreError, match="has ended"):
                    await transaction.fetch(Statement(f"SELECT n FROM {table}"))
            assert await kept(store, table) == [2]

    asyncio.run(run())


def test_a_connection_that_was_lost_takes_all_back(postgres: str, schema: str) -> None:
    """What came before the loss is gone: what comes after it must not be committed alone."""

    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as admin:
            table = await made(store)
            with pytest.raises(StoreUnavailable):
                async with store.transaction() as transaction:
                    await transaction.execute([insert(table, 1)])
                    (row,) = await transaction.fetch(Statement("SELECT pg_backend_pid() AS pid"))
                    assert await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", row["pid"])
                    for number in (2, 3):
                        with suppress(StoreUnavailable):
                            await transaction.execute([insert(table, number)])
            assert await kept(store, table) == []

    asyncio.run(run())


def test_a_transaction_begins_elsewhere_where_its_connection_was_told_of_a_shutdown(postgres: str, schema: str) -> None:
    """The driver refuses to send anything more on such a connection, though it does not count it as closed."""

    async def run() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            table = await made(store)
            idle = proxy.arm(ShutDown(marker=b"COMMIT\0"))
            async with store.transaction() as transaction:
                await transaction.execute([insert(table, 1)])
            await asyncio.wait_for(idle.happened.wait(), 10)
            async with store.transaction() as transaction:
                await transaction.execute([insert(table, 2)])
            assert await kept(store, table) == [1, 2]

    asyncio.run(run())


def test_a_transaction_that_was_told_of_a_shutdown_says_that_its_connection_is_lost(postgres: str, schema: str) -> None:
    async def run() -> None:
        async with FaultProxy(postgres) as proxy, PostgresEventStore(proxy.dsn, schema=schema) as store:
            table = await made(store)
            told = proxy.arm(ShutDown(marker=f"INSERT INTO {table}".encode()))
            with pytest.raises(StoreUnavailable, match="a connection to .* was lost .*try again"):
                async with store.transaction() as transaction:
                    await transaction.execute([insert(table, 1)])
                    await asyncio.wait_for(told.happened.wait(), 10)
                    await transaction.execute([insert(table, 2)])
            assert await kept(store, table) == []

    asyncio.run(run())
