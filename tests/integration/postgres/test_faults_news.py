"""Whoever waits for news of other processes gets them, also when the connection that listens, or the whole server, was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from eventcore import PostgresEventStore
from eventcore.stores.postgres import store as store_module
from eventcore.testing.contract.making import add, labels_of, read_log
from tests.faults.crashing import crashing_server
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import connected


@pytest.fixture
def deaf_without_notify(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it believes to be listening, a store looks for news so seldom that only a NOTIFY can wake it in time."""
    monkeypatch.setattr(store_module, "_SLOW_LOOK", 3600.0)


async def is_woken(reader: PostgresEventStore, writer: PostgresEventStore, label: str) -> bool:
    """Whether *reader*, who has read everything and waits, hears of what *writer* appends."""
    after = (await reader.read_all(limit=10_000)).position
    waiting = asyncio.create_task(reader.wait_for_news(after, timeout=60))
    await asyncio.sleep(0.1)
    await add(writer, "a-1", label)
    # Long before it would have looked for the last time.
    return await asyncio.wait_for(waiting, 20)


async def listeners(dsn: str) -> list[int]:
    async with connected(dsn) as admin:
        rows = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()")
        return [row["pid"] for row in rows]


@asynccontextmanager
async def reader_and_writer(
    dsn: str, schema: str, listen_dsn: str | None = None
) -> AsyncIterator[tuple[PostgresEventStore, PostgresEventStore]]:
    async with PostgresEventStore(dsn, schema=schema, listen_dsn=listen_dsn) as reader, PostgresEventStore(dsn, schema=schema) as writer:
        yield reader, writer


@pytest.mark.usefixtures("deaf_without_notify")
def test_listen_connection_lost(postgres: str, schema: str) -> None:
    """The connection is cut, then nobody lets it in for a while, then it is there again: it listens again, and nothing was missed meanwhile."""

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, reader_and_writer(postgres, schema, proxy.dsn) as (reader, writer):
            assert await is_woken(reader, writer, "first")
            assert proxy.accepted == 1
            proxy.refusing = True
            proxy.cut_all()
            # Nobody listens: the store looks by itself.
            assert await is_woken(reader, writer, "unheard")
            proxy.refusing = False
            async with asyncio.timeout(20):
                while not proxy.connections:
                    await asyncio.sleep(0.02)
            assert await is_woken(reader, writer, "again")
            assert labels_of(await read_log(reader)) == ["first", "unheard", "again"]

    asyncio.run(scenario())


@pytest.mark.usefixtures("deaf_without_notify")
def test_a_listening_connection_that_went_silent(postgres: str, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told when a firewall forgets a connection: what listens asks whether it still lives."""
    from eventcore.stores.postgres import news

    monkeypatch.setattr(news, "_HEARTBEAT", 1.0)

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, reader_and_writer(postgres, schema, proxy.dsn) as (reader, writer):
            assert await is_woken(reader, writer, "first")
            after = (await reader.read_all()).position
            waiting = asyncio.create_task(reader.wait_for_news(after, timeout=60))
            # It waits before anybody knows that nothing will be heard.
            await asyncio.sleep(0.05)
            proxy.black_hole = True
            await add(writer, "a-1", "unheard")
            assert await asyncio.wait_for(waiting, 20), "a connection that is silent for ever must not be waited for for ever"

    asyncio.run(scenario())


@pytest.mark.slow
@pytest.mark.usefixtures("deaf_without_notify")
def test_listening_survives_the_server(tmp_path_factory: pytest.TempPathFactory, schema: str) -> None:
    async def scenario() -> None:
        async with reader_and_writer(server.dsn, schema) as (reader, writer):
            assert await is_woken(reader, writer, "first")
            await asyncio.to_thread(server.kill)
            waiting = asyncio.create_task(reader.wait_for_news(None, timeout=60))
            await asyncio.to_thread(server.start)
            assert await waiting
            async with asyncio.timeout(20):
                while not await listeners(server.dsn):
                    await asyncio.sleep(0.05)
            assert await is_woken(reader, writer, "second")
            assert labels_of(await read_log(reader)) == ["first", "second"]

    with crashing_server(tmp_path_factory.mktemp("server")) as server:
        asyncio.run(scenario())


@pytest.mark.usefixtures("deaf_without_notify")
def test_a_listener_that_is_thrown_out(postgres: str, schema: str) -> None:
    """By an administrator, or by a server that is told to restart."""

    async def scenario() -> None:
        async with reader_and_writer(postgres, schema) as (reader, writer):
            assert await is_woken(reader, writer, "first")
            (pid,) = await listeners(postgres)
            async with connected(postgres) as admin:
                assert await admin.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
            assert await is_woken(reader, writer, "second")
            async with asyncio.timeout(20):
                while not await listeners(postgres):
                    await asyncio.sleep(0.02)
            assert await is_woken(reader, writer, "third")

    asyncio.run(scenario())
