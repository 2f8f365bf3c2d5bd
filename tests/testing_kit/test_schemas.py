"""A schema that one test leaves behind is a new one to the next."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from datetime import timedelta

import asyncpg
import pytest

from eventcore.store import IdempotencyKey, Snapshot
from eventcore.testing.contract.making import add, new_event, read_log, request
from eventcore.testing.postgres import PostgresForTests
from tests.servers import run as servers


@pytest.fixture
def tests_on(postgres: str) -> Iterator[PostgresForTests]:
    with PostgresForTests(postgres) as shared:
        yield shared


def schema_of(store):
    return store._settings.schema.name


async def on_a_connection(dsn, act):
    connection = await asyncpg.connect(dsn)
    try:
        return await act(connection)
    finally:
        await connection.close()


def rows_in(dsn, schema):
    async def count(connection):
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
        return {table: await connection.fetchval(f'SELECT count(*) FROM "{schema}"."{table}"') for (table,) in tables}

    return asyncio.run(on_a_connection(dsn, count))


def a_test(shared, use=None):
    """Do in a store of *shared* what *use* says, as one test does; return the store's schema."""

    async def main():
        async with shared.opened() as store:
            assert await read_log(store) == []
            if use is not None:
                await use(store)
            return schema_of(store)

    with shared.loop() as loop:
        return loop.run(main())


async def keep_something_everywhere(store):
    key = IdempotencyKey("once", b"same")
    await store.append([request({"a-1": 0}, new_event("a-1", "first"), key=key)])
    page = await store.read_all()
    assert page.position is not None
    await store.save_snapshots([Snapshot("a-1", "Kind", 1, b"{}")])
    await store.save_checkpoint("reader", page.position)
    assert await store.acquire_lease("reader", owner="me", ttl=timedelta(hours=1))


def test_what_a_test_kept_is_gone_for_the_next(tests_on, postgres):
    first = a_test(tests_on, keep_something_everywhere)

    left = rows_in(postgres, first)
    assert {table for table, count in left.items() if count} == {"migrations", "store"}
    assert {"events", "streams", "outcomes", "snapshots", "checkpoints", "leases", "projections", "parked_events"} <= left.keys()
    assert a_test(tests_on, keep_something_everywhere) == first


def test_many_tests_take_one_schema_and_the_same_connections(tests_on, postgres):
    async def sessions(connection):
        name = await connection.fetchval("SELECT current_database()")
        return set(await connection.fetch("SELECT pid FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()", name))

    schemas = {a_test(tests_on, keep_something_everywhere)}
    before = asyncio.run(on_a_connection(postgres, sessions))
    for _ in range(5):
        schemas.add(a_test(tests_on, keep_something_everywhere))

    assert len(schemas) == 1
    assert asyncio.run(on_a_connection(postgres, sessions)) == before


def test_the_promises_of_the_schema_hold_for_each_test(tests_on, postgres):
    a_test(tests_on, keep_something_everywhere)

    async def change_history(store):
        await add(store, "a-1", "first")
        for broken in ("DELETE FROM {}.events", "TRUNCATE {}.events", "DELETE FROM {}.streams", "UPDATE {}.streams SET version = 1"):
            sql = broken.format(f'"{schema_of(store)}"')
            with pytest.raises(asyncpg.RestrictViolationError, match="eventcore"):
                await on_a_connection(postgres, lambda connection, sql=sql: connection.execute(sql))

    a_test(tests_on, change_history)


ALTERED = {
    "a table": 'CREATE TABLE "{0}".mine (n integer)',
    "a column": 'ALTER TABLE "{0}".events ADD COLUMN mine integer',
    "an index": "CREATE INDEX mine ON \"{0}\".events ((data->>'label'))",
    "a trigger less": 'DROP TRIGGER events_never_change ON "{0}".events',
    "a trigger off": 'ALTER TABLE "{0}".events DISABLE TRIGGER events_never_change',
    "a function": 'CREATE FUNCTION "{0}".mine() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$',
    "a constraint": 'ALTER TABLE "{0}".events ADD CONSTRAINT mine CHECK (version < 100)',
    "a default": 'ALTER TABLE "{0}".leases ALTER COLUMN owner SET DEFAULT current_user',
    "a right": 'GRANT SELECT ON "{0}".events TO public',
    "a right on the schema": 'GRANT USAGE ON SCHEMA "{0}" TO public',
    "a type": "CREATE TYPE \"{0}\".mine AS ENUM ('a')",
    "a policy": 'CREATE POLICY mine ON "{0}".events USING (true)',
    "a view": 'CREATE VIEW "{0}".mine AS SELECT 1 AS n',
    "another view": 'CREATE OR REPLACE VIEW "{0}".history AS SELECT * FROM ({1}) AS h LIMIT 1',
    "a constraint's name": 'ALTER TABLE "{0}".store RENAME CONSTRAINT store_epoch_check TO mine',
    "a rule": 'CREATE RULE mine AS ON INSERT TO "{0}".leases DO ALSO NOTHING',
    "a newer migration": "INSERT INTO \"{0}\".migrations (number, name) VALUES (9999, 'mine')",
    "an epoch": 'UPDATE "{0}".store SET epoch = 1',
    "a schema less": 'DROP SCHEMA "{0}" CASCADE',
}


@pytest.mark.parametrize("what", ALTERED)
def test_a_schema_that_was_altered_is_not_taken_again(tests_on, postgres, what):
    async def alter(store):
        async def run(connection):
            view = await connection.fetchval(f"SELECT pg_get_viewdef('\"{schema_of(store)}\".history'::regclass)")
            await connection.execute(ALTERED[what].format(schema_of(store), view.rstrip(";")))

        await on_a_connection(postgres, run)

    altered = a_test(tests_on, alter)

    assert a_test(tests_on, keep_something_everywhere) != altered
    assert rows_in(postgres, altered) == {}, "it is dropped"


def test_a_schema_that_somebody_is_still_in_is_left_to_him(tests_on, postgres):
    async def forgotten(connection):
        schema = await asyncio.to_thread(a_test_that_forgets, connection)
        other = await asyncio.to_thread(a_test, tests_on)
        return schema, other

    def a_test_that_forgets(connection):
        async def use(store):
            asyncio.run_coroutine_threadsafe(append_and_stay(connection, schema_of(store)), loop).result(10)

        return a_test(tests_on, use)

    async def append_and_stay(connection, schema):
        await connection.execute(
            f'BEGIN; INSERT INTO "{schema}".checkpoints VALUES (\'mine\', 1, 1); LOCK "{schema}".events IN ROW EXCLUSIVE MODE'
        )

    loop = asyncio.new_event_loop()
    try:
        schema, other = loop.run_until_complete(on_a_connection(postgres, forgotten))
    finally:
        loop.close()
    assert schema != other


def test_nothing_is_left_on_the_server(postgres):
    with PostgresForTests(postgres) as shared:
        schemas = [a_test(shared), a_test(shared, keep_something_everywhere)]

    assert [rows_in(postgres, schema) for schema in schemas] == [{}, {}]


def test_a_test_leaves_no_task_and_no_variable_behind(tests_on):
    variable = contextvars.ContextVar("variable", default="new")
    ended = []

    async def forgotten():
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cancelled")

    async def first():
        variable.set("changed")
        asyncio.get_running_loop().set_exception_handler(lambda *_: ended.append("handled"))
        first.task = asyncio.create_task(forgotten())
        await asyncio.sleep(0)

    async def seen_in_the_same_test():
        return variable.get()

    async def second():
        return variable.get(), asyncio.all_tasks() - {asyncio.current_task()}, asyncio.get_running_loop().get_exception_handler()

    with tests_on.loop() as loop:
        loop.run(first())
        assert loop.run(seen_in_the_same_test()) == "changed"
    assert ended == ["cancelled"]
    with tests_on.loop() as loop:
        assert loop.run(second()) == ("new", set(), None)


def test_the_server_of_the_run_is_gone_afterwards():
    from eventcore.testing.postgres import test_server

    with test_server() as dsn, PostgresForTests(dsn) as shared:
        a_test(shared)
    with pytest.raises(OSError, match="refused|Connect call failed"):
        servers.execute(dsn, "SELECT 1")
