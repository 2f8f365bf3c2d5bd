from __future__ import annotations

import asyncio
import os
from pathlib import Path

import asyncpg
import pytest

from eventcore import Position, PostgresEventStore
from eventcore.stores.postgres import statements
from eventcore.stores.postgres.statements import Migration, Schema
from eventcore.testing.contract.making import add, labels_of, read_log
from tests.integration.postgres.hand import connected
from tests.servers.run import database

STATES = sorted(Path(__file__).with_name("states").glob("*.sql"))

CATALOGUE = """
SELECT 'column', c.table_name || '.' || c.column_name, concat_ws(' ', c.data_type, c.collation_name, c.is_nullable, c.column_default)
FROM information_schema.columns AS c WHERE c.table_schema = $1
UNION ALL
SELECT 'constraint', o.conrelid::regclass || ' ' || o.conname, pg_get_constraintdef(o.oid)
FROM pg_constraint AS o WHERE o.connamespace = $1::regnamespace
UNION ALL
SELECT 'index', i.indexname, i.indexdef FROM pg_indexes AS i WHERE i.schemaname = $1
UNION ALL
SELECT 'trigger', t.tgrelid::regclass || ' ' || t.tgname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid WHERE c.relnamespace = $1::regnamespace AND NOT t.tgisinternal
UNION ALL
SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid) || coalesce(p.proacl::text, 'everybody')
FROM pg_proc AS p WHERE p.pronamespace = $1::regnamespace
UNION ALL
SELECT 'relation', c.relname, c.relkind::text || ' ' || coalesce(c.reloptions::text, '') || ' ' || coalesce(obj_description(c.oid, 'pg_class'), '')
    || ' ' || CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) ELSE '' END
FROM pg_class AS c WHERE c.relnamespace = $1::regnamespace
ORDER BY 1, 2, 3
"""


async def catalogue(connection: asyncpg.Connection, schema: str) -> list[tuple[str, ...]]:
    return [tuple(map(str, row)) for row in await connection.fetch(CATALOGUE, schema)]


def test_numbers_are_contiguous() -> None:
    numbers = [migration.number for migration in Schema("s").migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_there_is_a_state_for_every_migration() -> None:
    assert [path.stem for path in STATES] == [f"{migration.number:04}" for migration in Schema("s").migrations()]


@pytest.mark.parametrize("state", STATES, ids=lambda path: path.stem)
def test_migrate_from_every_state(postgres: str, state: Path) -> None:
    """A schema of each numbered state, with data in it, becomes what a fresh one is, and keeps its data and its guards."""

    async def scenario() -> None:
        async with connected(fresh) as hand:
            async with PostgresEventStore(fresh, schema="eventcore"):
                pass
            expected = await catalogue(hand, "eventcore")
            await hand.execute("DROP SCHEMA eventcore CASCADE")
            await hand.execute(state.read_text(encoding="utf-8"))
            async with PostgresEventStore(fresh, schema="eventcore") as store:
                assert labels_of(await read_log(store)) == [1, 2, 3]
                assert isinstance(await store.load_checkpoint("reader"), Position)
                remembered = (await store.read([], idempotency_key="key")).remembered
                assert remembered is not None
                assert labels_of(remembered.events) == [2, 3]
                await add(store, "a-1", 4)
                assert labels_of(await read_log(store)) == [1, 2, 3, 4]
            assert await catalogue(hand, "eventcore") == expected

    # A database of its own, because a dump names its schema.
    with database(postgres, f"eventcore_state_{os.getpid()}") as fresh:
        asyncio.run(scenario())


def test_opening_again_changes_nothing(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with connected(postgres) as hand:
            async with PostgresEventStore(postgres, schema=schema) as store:
                await add(store, "a-1", 1)
                before = await catalogue(hand, schema)
            xmin = await hand.fetchval(f'SELECT xmin::text FROM "{schema}".store')
            async with PostgresEventStore(postgres, schema=schema):
                assert await catalogue(hand, schema) == before
            assert await hand.fetchval(f'SELECT xmin::text FROM "{schema}".store') == xmin

    asyncio.run(scenario())


def test_a_migration_that_fails_leaves_nothing(postgres: str, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = statements._migrations()
    broken = Migration(known[-1].number + 1, "broken", "CREATE TABLE {schema}.half (x integer); SELECT no_such_function();")
    monkeypatch.setattr(statements, "_migrations", lambda: (*known, broken))

    async def opened() -> None:
        async with PostgresEventStore(postgres, schema=schema):
            pass

    async def scenario() -> None:
        async with connected(postgres) as hand:
            with pytest.raises(Exception, match="no_such_function"):
                await opened()
            assert not await hand.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = $1", schema)
            monkeypatch.undo()
            await opened()

    asyncio.run(scenario())


def test_a_migration_waits_for_appends_and_keeps_others_out(postgres: str, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.integration.postgres.hand import adding, append_in

    known = statements._migrations()
    later = Migration(known[-1].number + 1, "later", "CREATE TABLE {schema}.later (x integer);")

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as slow:
            await slow.execute("BEGIN")
            await append_in(slow, schema, adding("a-1", 1))
            monkeypatch.setattr(statements, "_migrations", lambda: (*known, later))
            migrating = asyncio.create_task(PostgresEventStore(postgres, schema=schema).__aenter__())
            await asyncio.sleep(0.2)
            assert not migrating.done()
            appending = asyncio.create_task(add(store, "b-1", 2))
            await asyncio.sleep(0.1)
            assert not appending.done()
            await slow.execute("COMMIT")
            await (await migrating).__aexit__()
            await appending
            assert sorted(labels_of(await read_log(store)), key=str) == [1, 2]

    asyncio.run(scenario())
