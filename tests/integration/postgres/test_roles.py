"""What the page 'PostgreSQL in production' grants is enough for an application, and not enough to change history."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from eventcore import MigrationNeeded, PostgresEventStore, RequestRefused, StoreUnavailable
from eventcore.projections import project_inline
from eventcore.projections.records import records
from eventcore.store import ANY, AppendRequest, Refused, Snapshot
from eventcore.testing.contract.making import add, labels_of, read_log
from tests.integration.postgres.hand import connected
from tests.integration.projections.lab import Balances, Paid, new, pay

PAGE = Path(__file__).parents[3] / "docs/howto/postgres-in-production.md"


def _documented(schema: str) -> tuple[str, str]:
    (sql,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    sql = re.sub(r"\bshop_(owner|app)\b", rf"{schema}_\1", sql).replace("SCHEMA shop", f"SCHEMA {schema}").replace(" shop.", f" {schema}.")
    before, after = sql.split("-- After", 1)
    return before, "-- After" + after


def _as(dsn: str, role: str) -> str:
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{role}:known@{parts.netloc.rpartition('@')[2]}").geturl()


@asynccontextmanager
async def _application(postgres: str, schema: str) -> AsyncIterator[str]:
    before, after = _documented(schema)
    async with connected(postgres) as admin:
        await admin.execute(before.replace(" LOGIN", " LOGIN PASSWORD 'known'"))
        try:
            async with PostgresEventStore(_as(postgres, f"{schema}_owner"), schema=schema):
                pass
            await admin.execute(after)
            yield _as(postgres, f"{schema}_app")
        finally:
            await admin.execute(f"DROP SCHEMA {schema} CASCADE; DROP OWNED BY {schema}_app; DROP ROLE {schema}_owner, {schema}_app")


def test_the_documented_grants_are_enough(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with _application(postgres, schema) as dsn, PostgresEventStore(dsn, schema=schema, migrate=False) as store:
            (event,) = await add(store, "a-1", 1)
            assert labels_of(await read_log(store)) == [1]
            await store.save_checkpoint("p", event.position)
            await store.save_snapshots([Snapshot("a-1", "k", 1, b"{}")])
            assert await store.acquire_lease("l", owner="me", ttl=timedelta(seconds=5)) is not None
            assert await store.forget_idempotency_keys(older_than=timedelta(0)) == 0
            assert await store.wait_for_news(None, timeout=1)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO {0}.events SELECT * FROM {0}.events",
        "UPDATE {0}.events SET type = 'x'",
        "DELETE FROM {0}.events",
        "TRUNCATE {0}.events",
        "UPDATE {0}.streams SET version = 99",
        "DELETE FROM {0}.streams",
        "UPDATE {0}.store SET epoch = 5",
        "ALTER TABLE {0}.events DISABLE TRIGGER ALL",
        "DROP TABLE {0}.events",
    ],
)
def test_the_application_cannot_change_history(postgres: str, schema: str, statement: str) -> None:
    async def scenario() -> None:
        async with _application(postgres, schema) as dsn, PostgresEventStore(dsn, schema=schema, migrate=False) as store:
            await add(store, "a-1", 1)
            async with connected(dsn) as application:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await application.execute(statement.format(schema))
            assert labels_of(await read_log(store)) == [1]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {0}.events SET type = 'x'",
        "DELETE FROM {0}.events",
        "TRUNCATE {0}.events",
        "TRUNCATE {0}.events, {0}.streams CASCADE",
        "INSERT INTO {0}.events SELECT * FROM {0}.events ON CONFLICT (event_id) DO UPDATE SET type = 'x'",
        "SET session_replication_role = replica; DELETE FROM {0}.events",
        "UPDATE {0}.streams SET version = version - 1",
        "UPDATE {0}.streams SET stream_id = 'b'",
        "DELETE FROM {0}.streams",
        "TRUNCATE {0}.streams",
    ],
)
def test_replace_is_refused(postgres: str, schema: str, statement: str) -> None:
    """Not even the superuser changes an event in passing."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            (event,) = await add(store, "a-1", 1)
            async with connected(postgres) as superuser:
                with pytest.raises(asyncpg.PostgresError, match="eventcore: "):
                    await superuser.execute(statement.format(schema))
            assert await read_log(store) == [event]

    asyncio.run(scenario())


def test_a_role_without_rights_is_told_what_it_lacks(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema), connected(postgres) as admin:
            await admin.execute(f"CREATE ROLE {schema}_app LOGIN PASSWORD 'known'")
            try:
                with pytest.raises((StoreUnavailable, MigrationNeeded), match="grant|migrate"):
                    async with PostgresEventStore(_as(postgres, f"{schema}_app"), schema=schema, migrate=False):
                        pass
            finally:
                await admin.execute(f"DROP ROLE {schema}_app")

    asyncio.run(scenario())


def test_who_may_not_write_records_of_projections_is_told_so(postgres: str, schema: str) -> None:
    """`eventcore projections pause`, as the role of an application."""

    async def scenario() -> None:
        async with _application(postgres, schema) as dsn, PostgresEventStore(dsn, schema=schema, migrate=False) as store:
            with pytest.raises(RequestRefused, match="permission denied for table projections; grant this role what"):
                async with records(store) as kept:
                    await kept.pause("balances", paused=True)

    asyncio.run(scenario())


def test_the_application_keeps_inline_projections_that_the_owner_switched_on(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        async with _application(postgres, schema) as dsn:
            async with PostgresEventStore(_as(postgres, f"{schema}_owner"), schema=schema) as store:
                await project_inline(store, [Balances()])
            async with PostgresEventStore(dsn, schema=schema, migrate=False) as store:
                await project_inline(store, [Balances()])
                (verdict,) = await store.append([AppendRequest({"p-1": ANY}, [new(Paid("a", 5), "p-1")])])
                assert isinstance(verdict, Refused), "nobody granted the table yet"
                async with connected(postgres) as admin:
                    await admin.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.balances__1 TO {schema}_app")
                await pay(store, [("a", 5)])
                async with connected(dsn) as application:
                    with pytest.raises(asyncpg.InsufficientPrivilegeError):
                        await application.execute(f"UPDATE {schema}.store SET inline = NULL")
                    assert await application.fetchval(f"SELECT balance FROM {schema}.balances__1") == 5

    asyncio.run(scenario())
