"""Ways to a database, and what is said where there is none."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from eventcore import (
    InvalidArgument,
    MigrationNeeded,
    NotAnEventStore,
    PostgresEventStore,
    StoreBusy,
    StoreClosed,
    StoreError,
    StoreReadOnly,
    StoreTooNew,
    StoreUnavailable,
)
from eventcore.store import Statement
from eventcore.stores.postgres.faults import Faults
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_log, request, version_of
from tests.faults.proxy import FaultProxy
from tests.integration.postgres.hand import adding, append_in, connected


def test_the_environment_says_where(postgres: str, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = urlsplit(postgres)
    told = {"PGHOST": parts.hostname, "PGPORT": parts.port, "PGUSER": parts.username, "PGDATABASE": parts.path.strip("/")}
    for name, value in {**told, "PGPASSWORD": unquote(parts.password or "")}.items():
        monkeypatch.setenv(name, str(value))

    async def scenario() -> None:
        async with PostgresEventStore(schema=schema) as store:
            await add(store, "a-1", 1)

    asyncio.run(scenario())


def test_a_pool_of_the_users_is_used_and_left_open(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with asyncpg.create_pool(postgres, min_size=1, max_size=4) as pool:
            async with PostgresEventStore(pool, schema=schema, pool_size=3) as store:
                await add(store, "a-1", 1)
                assert labels_of(await read_log(store)) == [1]
            assert await pool.fetchval("SELECT 1") == 1
            assert pool.get_idle_size() == pool.get_size()

    asyncio.run(scenario())


def test_an_exhausted_pool_is_waited_for_and_then_told(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with asyncpg.create_pool(postgres, min_size=0, max_size=4) as pool, PostgresEventStore(postgres, schema=schema):
            async with pool.acquire(), pool.acquire(), pool.acquire(), pool.acquire():
                with pytest.raises(StoreUnavailable, match=r"no connection .*all 4 connections of the pool are in use.*max_size="):
                    async with asyncio.timeout(60), PostgresEventStore(pool, schema=schema, patience=0.2):
                        pass
            async with PostgresEventStore(pool, schema=schema) as store:
                await add(store, "a-1", 1)

    asyncio.run(scenario())


def test_a_primary_that_is_not_there_yet_is_waited_for_and_then_told(postgres: str, schema: str) -> None:
    """As after a failover, until one of the hosts takes over."""

    async def scenario() -> None:
        nowhere = f"{postgres}{'&' if '?' in postgres else '?'}target_session_attrs=standby"
        with pytest.raises(StoreUnavailable, match="no connection"):
            async with PostgresEventStore(nowhere, schema=schema, patience=0.3):
                pass

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("postgresql://nobody:s3cret@127.0.0.1:{port}/{database}", "cannot be reached"),
        ("postgresql://{user}:s3cret@127.0.0.1:{port}/{database}", "cannot be reached"),
        ("postgresql://{user}:s3cret@127.0.0.1:1/{database}", "no connection"),
    ],
)
def test_a_wrong_address_is_told_soon_and_without_the_password(postgres: str, dsn: str, said: str) -> None:
    parts = urlsplit(postgres)
    wrong = dsn.format(port=parts.port, database=parts.path.strip("/"), user=parts.username)

    async def scenario() -> None:
        with pytest.raises(StoreUnavailable, match=said) as raised:
            # Long before its patience ends, which is for a server that was there.
            async with asyncio.timeout(60), PostgresEventStore(wrong, patience=3600):
                pass
        assert "s3cret" not in str(raised.value)
        assert "s3cret" not in repr(PostgresEventStore(wrong))

    asyncio.run(scenario())


@pytest.mark.parametrize("option", ["source", "listen_dsn"])
@pytest.mark.parametrize("dsn", ["postgresql://u:s3cret@127.0.0.1:x/y", "postgresql://u:s3c/ret@h/y", "s3cret", "password=s3cret", ""])
def test_what_is_no_dsn_is_refused_at_once_and_without_the_password(dsn: str, option: str) -> None:
    with pytest.raises(InvalidArgument, match="is no DSN") as raised:
        PostgresEventStore(dsn) if option == "source" else PostgresEventStore(listen_dsn=dsn)

    assert not re.search("s3c|ret", str(raised.value))


def test_the_words_of_a_driver_lose_the_password() -> None:
    faults = Faults("the store", ("postgresql://u:s3cret@h/y", "password=hush"))

    said = str(faults.turned_away(OSError("no s3cret at hush")))

    assert "s3cret" not in said
    assert "hush" not in said
    assert "no *** at ***" in said


@pytest.mark.parametrize(
    "name", ['we"ird', "UPPER lower", "schéma", "a.b", "select", "x" * 63, "{schema}", "{seed}", "100%s", "$1", "a$b", "--", "/*", "a\\b"]
)
def test_any_name_will_do_for_a_schema(postgres: str, name: str) -> None:
    async def scenario() -> None:
        quoted = '"' + name.replace('"', '""') + '"'
        async with connected(postgres) as hand:
            try:
                async with PostgresEventStore(postgres, schema=name) as store:
                    await add(store, "a-1", 1)
                    assert labels_of(await read_log(store)) == [1]
                assert await hand.fetchval(f"SELECT count(*) FROM {quoted}.events") == 1
            finally:
                await hand.execute(f"DROP SCHEMA IF EXISTS {quoted} CASCADE")

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["", "x" * 64, "pg_mine", "nul\0", "two\nlines", "we$$ird", "lone\ud800"])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        PostgresEventStore("", schema=name)


@pytest.mark.parametrize("option", [{"pool_size": 2}, {"lock_timeout": 0}, {"patience": -1.0}, {"reply_timeout": float("nan")}])
def test_a_setting_that_makes_no_sense_is_refused(option: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(option))):
        PostgresEventStore("", **option)  # type: ignore[arg-type]


@pytest.mark.parametrize("table", ["events", "projections", "parked_events"])
def test_a_schema_of_something_else_is_left_alone(postgres: str, schema: str, table: str) -> None:
    async def scenario() -> None:
        async with connected(postgres) as hand:
            await hand.execute(f'CREATE SCHEMA "{schema}"; CREATE TABLE "{schema}".{table} (n integer)')
            with pytest.raises(NotAnEventStore, match=table):
                async with PostgresEventStore(postgres, schema=schema):
                    pass
            assert await hand.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = $1", schema) == 1

    asyncio.run(scenario())


def test_a_schema_that_is_missing_or_newer_is_refused(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        with pytest.raises(MigrationNeeded, match=f"eventcore migrate <url> --schema {schema}"):
            async with PostgresEventStore(postgres, schema=schema, migrate=False):
                pass
        async with PostgresEventStore(postgres, schema=schema), connected(postgres) as hand:
            await hand.execute(f"INSERT INTO \"{schema}\".migrations (number, name) VALUES (999, 'future')")
            with pytest.raises(StoreTooNew, match="999"):
                async with PostgresEventStore(postgres, schema=schema):
                    pass

    asyncio.run(scenario())


def test_many_open_a_new_schema_at_once(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        stores = [PostgresEventStore(postgres, schema=schema, pool_size=3) for _ in range(8)]
        await asyncio.gather(*(store.__aenter__() for store in stores))
        await asyncio.gather(*(add(store, f"a-{number}", number) for number, store in enumerate(stores)))
        assert sorted(labels_of(await read_log(stores[0])), key=str) == list(range(8))
        await asyncio.gather(*(store.__aexit__() for store in stores))

    asyncio.run(scenario())


@pytest.mark.parametrize("level", ["serializable", "repeatable read"])
def test_a_database_with_another_default_isolation(postgres: str, schema: str, level: str) -> None:
    """Under a snapshot that is older than the locks, a stream that was only read would look unchanged."""

    async def scenario() -> None:
        pool = asyncpg.create_pool(postgres, min_size=1, max_size=8, server_settings={"default_transaction_isolation": level})
        async with pool, PostgresEventStore(pool, schema=schema) as store:
            for number in range(20):
                x, y = f"x-{number}", f"y-{number}"
                verdicts = await asyncio.gather(
                    append_one(store, request({x: 0, y: 0}, new_event(y))), append_one(store, request({x: 0, y: 0}, new_event(x)))
                )
                assert sorted(type(verdict).__name__ for verdict in verdicts) == ["Committed", "Conflict"]

    asyncio.run(scenario())


def test_a_store_whose_server_went_silent_is_closed_soon(postgres: str, schema: str) -> None:
    """All its connections wait for an answer to their goodbye at the same time."""

    async def scenario() -> None:
        async with FaultProxy(postgres) as proxy:
            async with PostgresEventStore(proxy.dsn, schema=schema) as store:
                for _ in range(3):
                    await asyncio.gather(
                        *(add(store, f"a-{number}", number) for number in range(50)), *(store.read_all() for _ in range(5))
                    )
                    await asyncio.gather(*(version_of(store, f"a-{number}") for number in range(200)))
                assert proxy.connections > 4
                proxy.black_hole = True
                under_way = [asyncio.create_task(call) for call in (version_of(store, "a-1"), store.read_all(), store.find_lease("none"))]
                await asyncio.sleep(0.05)
                began = time.monotonic()
            assert time.monotonic() - began < 12
            assert {type(told) for told in await asyncio.gather(*under_way, return_exceptions=True)} == {StoreClosed}

    asyncio.run(scenario())


def test_a_session_that_can_only_read_is_not_kept(postgres: str, schema: str) -> None:
    """After a failover the old primary may let the store in again, as a standby; a session that stays there would never write again."""
    role, password = f"role_of_{schema}", "for-a-test"
    parts = urlsplit(postgres)
    dsn = postgres.replace(parts.netloc, f"{role}:{password}@{parts.hostname}:{parts.port}")

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema), connected(postgres) as admin:
            await admin.execute(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{password}'")
            try:
                await admin.execute(f"ALTER ROLE {role} SET default_transaction_read_only = on")
                async with PostgresEventStore(dsn, schema=schema, pool_size=3) as store:
                    with pytest.raises(StoreReadOnly):
                        await add(store, "a-1", 1)
                    with pytest.raises(StoreReadOnly):
                        await store.acquire_lease("lease", owner="me", ttl=timedelta(seconds=1))
                    with pytest.raises(StoreReadOnly):
                        async with store.transaction() as transaction:
                            await transaction.execute([Statement(f"CREATE TABLE {transaction.table('mine')} (n integer)")])

                    await admin.execute(f"ALTER ROLE {role} RESET default_transaction_read_only")
                    await add(store, "a-1", 1)
                    assert await store.acquire_lease("lease", owner="me", ttl=timedelta(seconds=1))
                    async with store.transaction() as transaction:
                        await transaction.execute([Statement(f"CREATE TABLE {transaction.table('mine')} (n integer)")])
            finally:
                await admin.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")

    asyncio.run(scenario())


def test_locks_that_others_keep_are_told(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema, lock_timeout=0.1) as store, connected(postgres) as other:
            await other.execute("BEGIN")
            await append_in(other, schema, adding("a-1", 1))
            with pytest.raises(StoreBusy, match="lock_timeout"):
                await add(store, "a-1", 2)
            await add(store, "b-1", 3)
            await other.execute("ROLLBACK")
            await add(store, "a-1", 4)
            assert labels_of(await read_log(store)) == [3, 4]

    asyncio.run(scenario())


def test_another_event_loop_is_told_so(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            told: list[BaseException] = []

            def elsewhere() -> None:
                try:
                    asyncio.run(store.read([]))
                except StoreError as error:
                    told.append(error)

            thread = threading.Thread(target=elsewhere)
            thread.start()
            await asyncio.to_thread(thread.join)
            assert "event loop" in str(told[0])

    asyncio.run(scenario())


def test_a_store_is_closed_where_it_was_opened(postgres: str, schema: str) -> None:
    """By another loop it is not; the end of that loop ends it too."""

    async def open_it() -> None:
        await store.__aenter__()
        await add(store, "a-1", 1)

    async def close_it() -> None:
        await store.__aexit__(None, None, None)

    store = PostgresEventStore(postgres, schema=schema)
    with asyncio.Runner() as runner:
        runner.run(open_it())
        with pytest.raises(StoreError, match="another event loop"):
            asyncio.run(close_it())
        runner.run(add(store, "a-1", 2))
        runner.run(close_it())
        with pytest.raises(StoreClosed):
            runner.run(add(store, "a-1", 3))


def test_a_fork_that_leaves_the_block_takes_nothing_from_its_parent(postgres: str, schema: str) -> None:
    async def pids() -> set[int]:
        async with connected(postgres) as admin:
            rows = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = $1", schema)
        return {row["pid"] for row in rows}

    store = PostgresEventStore(f"{postgres}?application_name={schema}", schema=schema)
    with asyncio.Runner() as runner:
        runner.run(store.__aenter__())
        runner.run(add(store, "a-1", 1))
        before = runner.run(pids())
        if (child := os.fork()) == 0:
            left = False
            try:
                asyncio.run(store.__aexit__(None, None, None))
                left = True
            finally:
                os._exit(0 if left else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert before == runner.run(pids())
        runner.run(add(store, "a-1", 2))
        runner.run(store.__aexit__(None, None, None))


def test_a_store_is_opened_once(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        store = PostgresEventStore(postgres, schema=schema)
        with pytest.raises(StoreClosed):
            await store.read([])
        async with store:
            with pytest.raises(StoreError, match="open already"):
                await store.__aenter__()
        async with store:
            await add(store, "a-1", 1)

        opened, refused = await asyncio.gather(store.__aenter__(), store.__aenter__(), return_exceptions=True)
        assert opened is store
        assert isinstance(refused, StoreError)
        await store.__aexit__(None, None, None)

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await store.__aenter__()
        async with store:
            await add(store, "a-1", 2)

    asyncio.run(scenario())
