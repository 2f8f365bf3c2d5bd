"""Pools that users made, with whatever they set on them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import final

import asyncpg
import pytest

from eventcore import InvalidArgument, Position, PostgresEventStore, StoreClosed, StoreUnavailable
from eventcore.errors import InlineProjectionFailed
from eventcore.store import AlreadyDone, Conflict, EventFilter, IdempotencyKey, ReadModelTransaction, Statement, StoredEvent, StreamRead
from eventcore.testing.contract.bare import folded
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_log, read_one, request, version_of
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import adding, connected

THROW_OUT = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = $1"


@asynccontextmanager
async def over_a_pool(dsn: str, schema: str, *, reply_timeout: float = 60.0, **options: object) -> AsyncIterator[PostgresEventStore]:
    """Open a store on a pool whose sessions are called as the schema is."""
    pool = asyncpg.create_pool(dsn, min_size=0, max_size=12, server_settings={"application_name": schema}, **options)
    async with pool, PostgresEventStore(pool, schema=schema, reply_timeout=reply_timeout) as store:
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


async def with_codecs(connection: asyncpg.Connection) -> None:
    """As most programs do that keep JSON."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


def test_codecs_of_a_pool_change_nothing(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with over_a_pool(postgres, schema, init=with_codecs) as store:
            await add(store, "a-1", 1, 2)
            await add(store, "a-1", 3, kind="Rare")
            some = frozenset({"Rare"})

            assert labels_of((await read_one(store, "a-1")).events) == [1, 2, 3]
            assert labels_of((await read_one(store, "a-1", types=some)).events) == [3]
            reads = [StreamRead("a-1", 0, types, bare=True) for types in (None, some)]
            assert [len(folded(each)) for each in (await store.read(reads)).slices] == [3, 1]

            lost = await append_one(store, adding("a-1", "late", 1))
            assert isinstance(lost, Conflict)
            assert labels_of(lost.news["a-1"].events) == [2, 3]
            keyed = request({"b-1": None}, new_event("b-1", "once"), key=IdempotencyKey("key", b"print"))
            await append_one(store, keyed)
            again = await append_one(store, keyed)
            assert isinstance(again, AlreadyDone)
            assert labels_of(again.events) == ["once"]
            remembered = (await store.read([], idempotency_key="key")).remembered
            assert remembered is not None
            assert labels_of(remembered.events) == ["once"]

            for limit in (1000, 10**7):  # in one row, and in a row for each
                assert labels_of(await read_log(store, limit=limit)) == [1, 2, 3, "once"]
                assert labels_of(await read_log(store, limit=limit, where=EventFilter(types=some))) == [3]
            found = (await store.read_back(limit=1)).events
            assert labels_of(found) == ["once"]
            assert await store.find_event(found[0].event_id) == found[0]

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [4, 7])
def test_a_small_pool_is_shared_out(postgres: str, schema: str, size: int) -> None:
    """A store that wanted more connections than there are would wait for those that it keeps itself."""

    async def scenario() -> None:
        async with asyncpg.create_pool(postgres, min_size=0, max_size=size) as pool:
            async with PostgresEventStore(pool, schema=schema, patience=2) as store:
                waiting = asyncio.create_task(store.wait_for_news(Position((2**60, 0)), timeout=1))
                for _ in range(2):
                    await asyncio.gather(
                        *(add(store, f"a-{number}", number) for number in range(200)),
                        *(version_of(store, f"a-{number}") for number in range(600)),
                        *(store.read_all() for _ in range(20)),
                    )
                assert not await waiting
            with pytest.raises(InvalidArgument, match="room for 3 connections"):
                PostgresEventStore(asyncpg.create_pool(postgres, min_size=0, max_size=3), schema=schema)

    asyncio.run(scenario())


def test_an_answer_that_does_not_come_is_not_waited_for(postgres: str, schema: str) -> None:
    """A pool without `command_timeout=` waits for ever; the store does not."""

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy, over_a_pool(proxy.dsn, schema, reply_timeout=0.3) as store:
            await add(store, "a-1", 1)
            await read_one(store, "a-1")
            silent = asyncio.Event()
            begun = asyncio.Event()

            async def two_steps() -> None:
                async with store.transaction() as transaction:
                    await transaction.fetch(Statement("SELECT 1"))
                    begun.set()
                    await silent.wait()
                    await transaction.fetch(Statement("SELECT 2"))

            in_two_steps = asyncio.create_task(two_steps())
            await begun.wait()
            proxy.black_hole = True
            silent.set()
            calls = [asyncio.create_task(call) for call in (add(store, "a-1", 2), read_one(store, "a-1"), store.load_checkpoint("nobody"))]
            async with asyncio.timeout(10):
                with pytest.raises(StoreUnavailable, match="no answer for 0.3 seconds"):
                    await in_two_steps
            proxy.black_hole = False
            async with asyncio.timeout(20):
                added, read, checkpoint = await asyncio.gather(*calls)
            assert labels_of(added) == [2]
            assert read.version in {1, 2}
            assert checkpoint is None

    asyncio.run(scenario())


# The first row waits for a lock, and its server reads nothing meanwhile.
HELD_UP = """
CREATE FUNCTION "{0}".wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(hashtext('{0}')); RETURN NEW; END $$;
CREATE TRIGGER waits BEFORE INSERT ON "{0}".kept FOR EACH ROW WHEN (NEW.n = 1) EXECUTE FUNCTION "{0}".wait();
"""


def test_a_server_that_reads_nothing_more_is_not_waited_for(postgres: str, schema: str) -> None:
    """What is written in one go may be more than fits between a program and a server that has stopped."""

    async def scenario() -> None:
        async with over_a_pool(postgres, schema, reply_timeout=0.5) as store, connected(postgres) as admin:
            async with store.transaction() as transaction:
                table = transaction.table("kept")
                await transaction.execute([Statement(f"CREATE TABLE {table} (n int, t text)")])
            await admin.execute(HELD_UP.format(schema))
            insert = f"INSERT INTO {table} (n, t) VALUES ($1, $2)"
            async with admin.transaction():
                await admin.execute("SELECT pg_advisory_xact_lock(hashtext($1))", schema)
                with pytest.raises(StoreUnavailable, match=r"no answer for 0\.5 seconds"):
                    async with asyncio.timeout(20), store.transaction() as transaction:
                        await transaction.execute([Statement(insert, (0, "to be known"))] * 2)
                        began = time.monotonic()
                        await transaction.execute([Statement(insert, (number, "x" * 1000)) for number in range(1, 30_000)])
                assert time.monotonic() - began < 10
            async with store.transaction(read_only=True) as transaction:
                assert await transaction.fetch(Statement(f"SELECT n FROM {table}")) == []

    asyncio.run(scenario())


@final
class Dawdling:
    """Inline work between whose statements something happens."""

    kept = "dawdling"

    def __init__(self, meanwhile: Callable[[], Awaitable[object]]) -> None:
        self._meanwhile = meanwhile

    async def handle(self, written: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, *, step: bool) -> None:
        try:
            await transaction.execute([Statement(f"INSERT INTO {transaction.table('seen')} SELECT $1", (len(written),))])
            await self._meanwhile()
            await transaction.fetch(Statement("SELECT 1"))
        except Exception as error:
            raise InlineProjectionFailed("dawdling", error) from error


def test_connections_that_end_between_two_statements(postgres: str, schema: str) -> None:
    """Who has a transaction is told so in words of ours, and an append is sent again."""

    async def scenario() -> None:
        async with over_a_pool(postgres, schema) as store, connected(postgres) as admin:
            ends = 3

            async def end() -> None:
                nonlocal ends
                if ends:
                    ends -= 1
                    await admin.fetchval(THROW_OUT, schema)
                    await asyncio.sleep(0.05)

            with pytest.raises(StoreUnavailable, match="try again"):
                async with store.transaction() as transaction:
                    await transaction.execute([Statement(f"CREATE TABLE {transaction.table('seen')} (n int)")])
                    await end()
                    await transaction.fetch(Statement("SELECT 1"))
            async with store.switch_inline() as switch:
                await switch.execute([Statement(f"CREATE TABLE {switch.table('seen')} (n int)")])
                await switch.demand(Dawdling.kept)
            store.attach(Dawdling(end))
            await add(store, "a-1", 1)
            assert not ends
            async with store.transaction(read_only=True) as transaction:
                assert await transaction.fetch(Statement(f"SELECT n FROM {transaction.table('seen')}")) == [{"n": 1}]

    asyncio.run(scenario())


def test_a_pool_gets_back_all_that_a_store_took(postgres: str, schema: str) -> None:
    """Also where calls wait for the few connections that they share while the store is closed, and where the server does not answer them."""

    async def scenario() -> None:
        async with connected(postgres) as admin, asyncpg.create_pool(postgres, min_size=0, max_size=12) as pool:
            async with PostgresEventStore(pool, schema=schema) as store:
                await add(store, "a-1", 1)
                news = [asyncio.create_task(store.wait_for_news(Position((2**60, 0)), timeout=50)) for _ in range(20)]
                pages = [asyncio.create_task(store.read_all()) for _ in range(20)]
                await asyncio.sleep(0)
            assert pool.get_size() == pool.get_idle_size()
            for told in await asyncio.gather(*news, *pages, return_exceptions=True):
                assert isinstance(told, StoreClosed) or labels_of(told.events) == [1]
            assert pool.get_size() == pool.get_idle_size()

            async with admin.transaction():
                async with PostgresEventStore(pool, schema=schema) as store:
                    await admin.execute(f'LOCK TABLE "{schema}".snapshots')
                    held_up = [asyncio.create_task(store.load_snapshots([("a-1", "State")])) for _ in range(20)]
                    await asyncio.sleep(0.1)
                assert {type(told) for told in await asyncio.gather(*held_up, return_exceptions=True)} == {StoreClosed}
            assert pool.get_size() == pool.get_idle_size()

    asyncio.run(scenario())
