"""Pools that users made, with whatever they set on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from eventcore import PostgresEventStore
from eventcore.store import Statement
from eventcore.testing.contract.making import add, labels_of, read_log, version_of
from tests.integration.postgres.hand import connected

THROW_OUT = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = $1"


@asynccontextmanager
async def over_a_pool(dsn: str, schema: str, **options: object) -> AsyncIterator[PostgresEventStore]:
    """Open a store on a pool whose sessions are called as the schema is."""
    pool = asyncpg.create_pool(dsn, min_size=0, max_size=12, server_settings={"application_name": schema}, **options)
    async with pool, PostgresEventStore(pool, schema=schema) as store:
        yield store


def test_connections_that_the_server_ends_are_replaced(postgres: str, schema: str) -> None:
    """A pool takes back what has ended, whoever held it."""

    async def scenario() -> None:
        async with over_a_pool(postgres, schema) as store, connected(postgres) as admin:
            for round_ in range(1, 4):
                await add(store, "a-1", round_)
                assert await version_of(store, "a-1") == round_
                assert labels_of(await read_log(store)) == list(range(1, round_ + 1))
                assert not await store.wait_for_news((await store.read_all()).position, timeout=0.05)
                async with store.transaction() as transaction:
                    assert await transaction.fetch(Statement("SELECT 1 AS one")) == [{"one": 1}]
                assert await admin.fetchval(THROW_OUT, schema) >= 4
                await asyncio.sleep(0.05 * (round_ - 1))

            waiting = asyncio.create_task(store.wait_for_news((await store.read_all()).position, timeout=20))
            async with asyncio.timeout(20):
                while not await admin.fetchval(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND query LIKE 'LISTEN%'", schema
                ):
                    await asyncio.sleep(0.02)
            await add(store, "a-1", "news")
            assert await waiting
            # And where they have ended when the store is closed.
            await admin.fetchval(THROW_OUT, schema)

    asyncio.run(scenario())
