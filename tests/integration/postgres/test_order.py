"""The global order on PostgreSQL: what commits late is never skipped, and what cannot commit anything holds nobody up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from eventcore import InvalidPosition, MigrationNeeded, Position, PostgresEventStore
from eventcore.store import EVERYTHING
from eventcore.stores.postgres.catalogue import Catalogue
from eventcore.stores.postgres.connections import DsnSource
from eventcore.stores.postgres.statements import Schema
from eventcore.testing.contract.making import add, labels_of, read_log, version_of
from tests.integration.postgres.hand import adding, append_in, connected, opened_when_replicated
from tests.servers.run import dsn_of
from tests.servers.standby import primary_and_standby


@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK"])
@pytest.mark.parametrize("restarted", [False, True])
def test_late_commit_is_delivered(postgres: str, schema: str, ends: str, restarted: bool) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as slow:
            await slow.execute("BEGIN")
            await append_in(slow, schema, adding("a-1", "late"))
            await add(store, "b-1", "early")

            page = await store.read_all()
            assert labels_of(page.events) == [], "an open append came first: what follows it must wait"
            assert not await store.wait_for_news(page.position, timeout=0.05)
            waiting = asyncio.create_task(store.wait_for_news(page.position, timeout=10))
            await asyncio.sleep(0.05)
            await slow.execute(ends)
            assert await waiting

            if restarted:
                async with PostgresEventStore(postgres, schema=schema) as another:
                    events = await read_log(another, after=page.position)
            else:
                events = await read_log(store, after=page.position)
            assert labels_of(events) == (["late", "early"] if ends == "COMMIT" else ["early"])

    asyncio.run(scenario())


def test_a_standby_shows_nothing_before_what_commits_late(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows how far transactions have ended, but not which of those after that are open, nor what they have locked."""

    async def scenario(primary: str, standby: str) -> None:
        async with PostgresEventStore(primary) as store, connected(primary) as slow:
            await slow.execute("BEGIN")
            await append_in(slow, "eventcore", adding("a-1", "late"))
            (early,) = await add(store, "b-1", "early")
            async with asyncio.timeout(30), AsyncExitStack() as stack:
                reader = await opened_when_replicated(stack, standby)
                while await version_of(reader, "b-1") == 0:
                    await asyncio.sleep(0.01)
                page = await reader.read_all()
                assert labels_of(page.events) == []
                assert not await reader.wait_for_news(None, timeout=0.05)
                await slow.execute("COMMIT")
                assert await reader.wait_for_news(page.position, timeout=10)
                events = await read_log(reader, after=page.position)
                while early not in events:
                    await asyncio.sleep(0.01)
                    events = await read_log(reader, after=page.position)
                assert labels_of(events) == ["late", "early"]

                # Nobody can listen there: it is not tried all the time.
                connected_before = len(taken)
                assert not await reader.wait_for_news(events[-1].position, timeout=1.5)
                assert len(taken) - connected_before <= 1

    taken: list[None] = []
    take = DsnSource.take

    async def counted(source: DsnSource) -> Any:
        taken.append(None)
        return await take(source)

    monkeypatch.setattr(DsnSource, "take", counted)
    with primary_and_standby(tmp_path_factory.mktemp("standby")) as (primary, standby):
        asyncio.run(scenario(dsn_of(primary), dsn_of(standby)))


def test_a_foreign_transaction_holds_no_reader_up(postgres: str, schema: str) -> None:
    """Whatever else the cluster is busy with: a transaction that has begun to write, and did not append, will not append."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as foreign:
            await foreign.execute("BEGIN; CREATE TEMP TABLE mine (n integer); INSERT INTO mine VALUES (1)")
            await add(store, "a-1", 1, 2)
            assert labels_of((await store.read_all()).events) == [1, 2]
            assert await store.wait_for_news(None, timeout=0)

    asyncio.run(scenario())


def test_who_wrote_before_cannot_append_in_the_same_transaction(postgres: str, schema: str) -> None:
    """Or its number would be older than the locks, and readers would pass it by."""
    import asyncpg

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema), connected(postgres) as other:
            await other.execute("BEGIN; CREATE TEMP TABLE mine (n integer)")
            with pytest.raises(asyncpg.PostgresError, match="first to write"):
                await append_in(other, schema, adding("a-1", 1))

    asyncio.run(scenario())


def test_two_appends_in_one_transaction_follow_each_other(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as other:
            await other.execute("BEGIN")
            await append_in(other, schema, adding("a-1", 1), adding("b-1", 2))
            await append_in(other, schema, adding("a-1", 3, 1))
            await other.execute("COMMIT")
            events = await read_log(store)
            assert labels_of(events) == [1, 2, 3]
            assert len({event.position for event in events}) == 3

    asyncio.run(scenario())


def test_versions_of_a_stream_are_in_the_order_of_positions(postgres: str, schema: str) -> None:
    """A lock that gives its transaction a number while it waits for another lock would invert them."""

    async def scenario() -> None:
        stores = [PostgresEventStore(postgres, schema=schema) for _ in range(3)]
        async with stores[0], stores[1], stores[2]:
            await asyncio.gather(*(stores[n % 3].append([adding(f"hot-{n % 2}", n, **{f"hot-{(n + 1) % 2}": None})]) for n in range(200)))
            events = await read_log(stores[0])
        for stream_id in ("hot-0", "hot-1"):
            assert [event.version for event in events if event.stream_id == stream_id] == list(range(1, 101))

    asyncio.run(scenario())


def test_a_restored_schema_gets_a_new_epoch(postgres: str, schema: str) -> None:
    """After a logical restore, the transactions written down may lie ahead of the cluster's counter."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            await add(store, "a-1", "old")
        async with connected(postgres) as hand:
            await hand.execute(f'SET session_replication_role = replica; ALTER TABLE "{schema}".events DISABLE TRIGGER ALL')
            await hand.execute(f'UPDATE "{schema}".events SET tx = tx + 1000000000000')
            await hand.execute(f'ALTER TABLE "{schema}".events ENABLE ALWAYS TRIGGER events_never_change')

        with pytest.raises(MigrationNeeded, match="restored from another"):
            async with PostgresEventStore(postgres, schema=schema, migrate=False):
                pass
        async with PostgresEventStore(postgres, schema=schema) as store:
            assert labels_of(await read_log(store)) == ["old"]
            await add(store, "a-1", "new")
            assert labels_of(await read_log(store)) == ["old", "new"]
        async with PostgresEventStore(postgres, schema=schema, migrate=False) as store:
            assert labels_of(await read_log(store)) == ["old", "new"]

    asyncio.run(scenario())


def test_a_position_of_another_store_is_refused(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            for key in ((1,), (2**63, 0), (1, 2**31), (-1, 0)):
                position = Position(key)
                for call in (store.read_all(position), store.wait_for_news(position, timeout=0), store.read_back(position)):
                    with pytest.raises(InvalidPosition, match="pairs"):
                        await call
                with pytest.raises(InvalidPosition, match="pairs"):
                    await store.save_checkpoint("reader", position)

    asyncio.run(scenario())


class EndedMeanwhile:
    """A connection whose first looks at the horizon meet a foreign transaction that has just ended: it counts as open then, and the server tells."""

    def __init__(self, connection: Any, times: int) -> None:
        self.connection = connection
        self.left = times

    async def fetchrow(self, sql: str, *arguments: object) -> Any:
        if "horizon" in sql and self.left:
            self.left -= 1
            return 0, True
        return await self.connection.fetchrow(sql, *arguments)

    async def fetch(self, sql: str, *arguments: object) -> Any:
        return await self.connection.fetch(sql, *arguments)


def test_looking_back_begins_with_the_newest_event_whatever_ends_meanwhile(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as connection:
            await add(store, "a-1", 1, 2)
            catalogue = Catalogue(Schema(schema))
            for times in (0, 1, 5):
                page = await catalogue.read_back(EndedMeanwhile(connection, times), None, 1, EVERYTHING)  # type: ignore[arg-type]
                assert labels_of(page.events) == [2]
            # On a server where something ends all the time, it is not asked for ever.
            assert (await catalogue.read_back(EndedMeanwhile(connection, 1000), None, 1, EVERYTHING)).events == []  # type: ignore[arg-type]

    asyncio.run(scenario())


def test_a_prepared_append_holds_readers_back_and_a_foreign_one_does_not(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as other:
            await other.execute(f"BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION '{schema}-foreign'")
            await add(store, "a-1", 1)
            assert labels_of(await read_log(store)) == [1]
            await other.execute("BEGIN")
            await append_in(other, schema, adding("b-1", 2))
            await other.execute(f"PREPARE TRANSACTION '{schema}-append'")
            await add(store, "a-1", 3)
            assert labels_of(await read_log(store)) == [1]
            await other.execute(f"COMMIT PREPARED '{schema}-append'")
            assert labels_of(await read_log(store)) == [1, 2, 3]
            await other.execute(f"ROLLBACK PREPARED '{schema}-foreign'")

    asyncio.run(scenario())
