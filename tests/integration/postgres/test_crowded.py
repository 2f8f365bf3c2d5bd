"""A server that takes no more connections (error 53300)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from eventcore import PostgresEventStore, StoreUnavailable
from eventcore.local_postgres import LocalPostgres, Settings
from eventcore.testing.contract.making import add, labels_of, read_log
from tests.servers.run import FAST, dsn_of


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a server for eight connections."""
    parameters = {**FAST, "max_connections": "8", "superuser_reserved_connections": "1", "max_wal_senders": "0"}
    with LocalPostgres.start(tmp_path_factory.mktemp("small"), Settings(parameters=parameters, immediate=True)) as server:
        yield dsn_of(server)


@asynccontextmanager
async def crowd(dsn: str) -> AsyncIterator[list[asyncpg.Connection[asyncpg.Record]]]:
    """Take all connections that the server still has."""
    taken: list[asyncpg.Connection[asyncpg.Record]] = []
    try:
        with pytest.raises(asyncpg.TooManyConnectionsError):
            while True:
                taken.append(await asyncpg.connect(dsn))
        yield taken
    finally:
        for connection in taken:
            await connection.close()


def test_who_gets_no_connection_is_told_why(small_server: str, schema: str) -> None:
    async def scenario() -> None:
        async with crowd(small_server):
            with pytest.raises(StoreUnavailable, match=r"too many clients.*make pool_size= smaller, or max_connections larger") as raised:
                async with PostgresEventStore(small_server, schema=schema, patience=2):
                    pass
            assert isinstance(raised.value.__cause__, asyncpg.TooManyConnectionsError)

    asyncio.run(scenario())


def test_who_waits_gets_a_connection_when_there_is_room(small_server: str, schema: str) -> None:
    async def scenario() -> None:
        async with crowd(small_server) as taken:
            opening = asyncio.create_task(PostgresEventStore(small_server, schema=schema, pool_size=3).__aenter__())
            await asyncio.sleep(0.2)
            assert not opening.done()
            await taken.pop().close()
            store = await opening
            # It has one connection, and wants another two.
            adding = asyncio.create_task(add(store, "a-1", "waited"))
            await asyncio.sleep(0.2)
            assert not adding.done()
            for _ in range(3):
                await taken.pop().close()
            await adding
            assert labels_of(await read_log(store)) == ["waited"]
            await store.__aexit__()

    asyncio.run(scenario())


def test_an_append_that_gets_no_connection_was_not_written(small_server: str, schema: str) -> None:
    """It was never sent, so nobody need wonder: no outcome is unknown."""

    async def scenario() -> None:
        async with PostgresEventStore(small_server, schema=schema, pool_size=3, patience=2) as store:
            async with crowd(small_server):
                with pytest.raises(StoreUnavailable, match="too many clients"):
                    await add(store, "a-1", "never")
            await add(store, "a-1", "then")
            assert labels_of(await read_log(store)) == ["then"]

    asyncio.run(scenario())
