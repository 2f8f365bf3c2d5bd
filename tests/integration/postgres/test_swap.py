"""Read models that are replaced on PostgreSQL while others use them."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from eventcore import PostgresEventStore, Recorded
from eventcore.errors import InlineProjectionsDiffer
from eventcore.projections import Context, ProjectionRunner, caught_up, end_inline, on, project_inline, projection
from eventcore.projections.records import records
from eventcore.projections.runner import live_record
from tests.integration.postgres.hand import connected
from tests.integration.projections.lab import Balances, Paid, folded, pay
from tests.soak import times


@projection(name="balances")
class TwoTables(Balances):
    """Balances, and each payment."""

    def create(self, context: Context) -> None:
        super().create(context)
        context.execute(f"CREATE TABLE {context.table('payments')} (event_id TEXT PRIMARY KEY, amount INTEGER)")

    @on(Paid)
    def note(self, recorded: Recorded[Paid], context: Context) -> None:
        context.execute(f"INSERT INTO {context.table('payments')} VALUES ($1, $2)", str(recorded.event_id), recorded.event.amount)


@asynccontextmanager
async def beside(*works: object) -> AsyncIterator[None]:
    """Let others go on meanwhile; raise what they end with."""
    tasks = [asyncio.ensure_future(work) for work in works]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended


async def deadlocks(dsn: str) -> int:
    async with connected(dsn) as connection:
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        return await connection.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")


async def replaced(store: PostgresEventStore, *, seconds: float = 40) -> None:
    """Ask for a rebuild, and wait until it is live."""
    async with records(store) as kept:
        generation = await kept.request_rebuild("balances")
    async with asyncio.timeout(seconds):
        while (live := await live_record(store, "balances")) is None or live.generation != generation:
            await asyncio.sleep(0.02)


def test_a_swap_under_load_deadlocks_with_nobody(postgres: str, schema: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    held_up: list[float] = []

    async def write(store: PostgresEventStore) -> None:
        while True:
            # No faster than the live one, which a slow machine holds up as it does the one that is built.
            await caught_up(store, "balances", await pay(store, [(f"a{n}", 1) for n in range(5)]), timeout=20)
            await asyncio.sleep(0.01)

    async def read(*views: str) -> None:
        clock = asyncio.get_running_loop().time
        async with connected(postgres) as connection:
            while True:
                async with connection.transaction():
                    began = clock()
                    for view in views:
                        await connection.fetch(f'SELECT count(*) FROM "{schema}".{view}')
                    held_up.append(clock() - began)
                await asyncio.sleep(0.005)

    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, PostgresEventStore(postgres, schema=schema) as other:
            async with ProjectionRunner(store, [TwoTables()], poll_interval=0.05, batch_seconds=0.05) as running:
                await running.caught_up(await pay(store, [("a", 1)] * 500), timeout=20)
                before = await deadlocks(postgres)
                ways = (("balances", "payments"), ("payments", "balances"), ("balances",), ("payments",))
                async with beside(write(store), write(other), *(read(*views) for views in ways)):
                    for _ in range(times(6)):
                        await replaced(store)
                await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
                await asyncio.sleep(1.5)  # the server counts a little later
                assert await deadlocks(postgres) == before
            async with connected(postgres) as connection:
                rows = await connection.fetch(f'SELECT account, balance, payments FROM "{schema}".balances')
                noted = await connection.fetchval(f'SELECT count(*) FROM "{schema}".payments')
            assert {row["account"]: (row["balance"], row["payments"]) for row in rows} == await folded(store)
            assert noted == sum(row["payments"] for row in rows)

    asyncio.run(run())
    assert not [record.getMessage() for record in caplog.records]
    assert max(held_up) < 5


@asynccontextmanager
async def at_work(dsn: str, schema: str, kept: object | None = None) -> AsyncIterator[PostgresEventStore]:
    """A store whose balances are followed."""
    async with (
        PostgresEventStore(dsn, schema=schema) as store,
        ProjectionRunner(store, [kept or TwoTables()], poll_interval=0.05) as running,
    ):
        await running.caught_up(await pay(store, [("a", 1)] * 20), timeout=20)
        yield store


def told(dsn: str, schema: str, *arguments: str) -> tuple[int, str, str]:
    """Return what the command line says, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "eventcore", "projections", *arguments, "--url", dsn, "--schema", schema],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout, ran.stderr


@projection(name="balances", version=2)
class Wider(TwoTables):
    """With one column more, behind the others."""

    def create(self, context: Context) -> None:
        super().create(context)
        context.execute(f"ALTER TABLE {context.table('balances')} ADD COLUMN remark TEXT DEFAULT 'none'")


def test_a_view_of_somebodys_own_follows_a_swap(postgres: str, schema: str, caplog: pytest.LogCaptureFixture) -> None:
    """It neither stands in the way nor goes on showing what was: where the columns stay, the view below it shows the new table."""

    async def run() -> None:
        async with connected(postgres) as connection:

            async def fetch(name: str) -> list[tuple[object, ...]]:
                return [tuple(row) for row in await connection.fetch(f'SELECT * FROM "{schema}".{name}')]

            async with at_work(postgres, schema) as store:
                await connection.execute(f'CREATE VIEW "{schema}".rich AS SELECT account, balance FROM "{schema}".balances')
                await connection.execute(f'CREATE MATERIALIZED VIEW "{schema}".kept AS SELECT * FROM "{schema}".rich')
                await connection.execute(f'GRANT SELECT ON "{schema}".balances TO pg_read_all_stats')
                await connection.execute(f'UPDATE "{schema}".balances__1 SET balance = 99')
                await replaced(store)
                assert await fetch("rich") == [("a", 20)]
                await connection.execute(f'REFRESH MATERIALIZED VIEW "{schema}".kept')
            async with at_work(postgres, schema, Wider()) as store:
                async with asyncio.timeout(20):
                    while (live := await live_record(store, "balances")) is None or live.version != 2:
                        await asyncio.sleep(0.02)
                assert await fetch("balances") == [("a", 40, 40, "none")]
                assert await fetch("rich") == [("a", 40)]
                assert await fetch("kept") == [("a", 20)]
            rights = "SELECT has_table_privilege('pg_read_all_stats', $1, 'SELECT')"
            assert await connection.fetchval(rights, f'"{schema}".balances')
            assert await connection.fetchval(f"SELECT to_regclass('\"{schema}\".balances__2')") is None

    asyncio.run(run())
    assert not caplog.records


@projection(name="balances", version=2)
class Renamed(TwoTables):
    """With other columns: no view of the old ones can show them."""

    def create(self, context: Context) -> None:
        context.execute(f"CREATE TABLE {context.table('balances')} (who TEXT PRIMARY KEY, balance INTEGER)")
        context.execute(f"CREATE TABLE {context.table('payments')} (event_id TEXT PRIMARY KEY, amount INTEGER)")

    @on(Paid)
    def paid(self, recorded: Recorded[Paid], context: Context) -> None:
        context.execute(f"INSERT INTO {context.table('balances')} VALUES ($1, 1) ON CONFLICT DO NOTHING", recorded.event.account)


@pytest.mark.parametrize("what", ["view", "constraint"])
def test_what_rests_on_a_read_model_is_told_wherever_one_looks(
    postgres: str, schema: str, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A view that cannot follow, and a foreign key: the old read model answers until they are gone, and everybody can see why."""

    async def run() -> None:
        async with at_work(postgres, schema), connected(postgres) as connection:
            if what == "view":
                await connection.execute(f'CREATE VIEW "{schema}".rich AS SELECT account FROM "{schema}".balances')
                drop, named = "VIEW", f"the view {schema}.rich rests on the live one"
            else:
                await connection.execute(
                    f'CREATE TABLE "{schema}".notes (account TEXT CONSTRAINT of_one REFERENCES "{schema}".balances__1)'
                )
                drop, named = "TABLE", f"the constraint of_one on table {schema}.notes rests on the live one"
        async with (
            PostgresEventStore(postgres, schema=schema) as store,
            connected(postgres) as connection,
            ProjectionRunner(store, [Renamed()], poll_interval=0.05),
        ):
            async with asyncio.timeout(60):
                while not caplog.records:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(1)
                assert [record.levelname for record in caplog.records] == ["WARNING"]
                assert named in caplog.text
                assert "Traceback" not in caplog.text
                for action in ("status", "list"):
                    code, out, _ = await asyncio.to_thread(told, postgres, schema, action)
                    assert code == 0
                    assert named in " ".join(out.split())
                _, out, _ = await asyncio.to_thread(told, postgres, schema, "status", "--json")
                assert [named in "".join(json.loads(line)["blocked_by"]) for line in out.splitlines()] == [False, True]
                waiting = asyncio.create_task(asyncio.to_thread(told, postgres, schema, "rebuild", "balances", "--wait"))
                await asyncio.sleep(2)
                assert not waiting.done()
                await connection.execute(f'DROP {drop} "{schema}".{"rich" if what == "view" else "notes"}')
                code, out, err = await waiting
                assert (code, err.count(named), out.splitlines()[-1]) == (0, 1, "balances is live as generation 2")
                assert [row["who"] for row in await connection.fetch(f'SELECT who FROM "{schema}".balances')] == ["a"]

    asyncio.run(run())


def test_a_transaction_that_stays_open_is_told_and_others_read_on(postgres: str, schema: str, caplog: pytest.LogCaptureFixture) -> None:
    held_up: list[float] = []

    async def read() -> None:
        clock = asyncio.get_running_loop().time
        async with connected(postgres) as connection:
            while True:
                began = clock()
                await connection.fetch(f'SELECT count(*) FROM "{schema}".payments')
                held_up.append(clock() - began)
                await asyncio.sleep(0.02)

    async def run() -> None:
        async with at_work(postgres, schema) as store, connected(postgres) as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.fetch(f'SELECT count(*) FROM "{schema}".payments')
            session = f"the session {connection.get_server_pid()} of postgres, idle in transaction, in a transaction since "
            waiting = asyncio.create_task(asyncio.to_thread(told, postgres, schema, "rebuild", "balances", "--wait"))
            async with beside(read()):
                async with asyncio.timeout(30):
                    while not caplog.records:
                        await asyncio.sleep(0.05)
                assert session in caplog.text
                await asyncio.sleep(6)
                position = await pay(store, [("late", 1)])
                await caught_up(store, "balances", position, timeout=10)
                _, out, _ = await asyncio.to_thread(told, postgres, schema, "status", "balances")
                assert f"  blocked   {session}" in out
                await transaction.rollback()
                code, out, err = await waiting
            assert (code, err.count(session)) == (0, 1), err
            assert "password" not in err
            assert [record.levelname for record in caplog.records] == ["WARNING"]
            assert await connection.fetchval(f'SELECT balance FROM "{schema}".balances WHERE account = $1', "late") == 1

    asyncio.run(run())
    assert max(held_up) < 6


def test_tables_that_refer_to_one_another_are_replaced(postgres: str, schema: str) -> None:
    @projection(name="balances")
    class Family(Balances):
        def create(self, context: Context) -> None:
            super().create(context)
            context.execute(f"CREATE TABLE {context.table('payers')} (account TEXT REFERENCES {context.table('balances')})")

    async def run() -> None:
        async with at_work(postgres, schema, Family()) as store:
            await replaced(store)

    asyncio.run(run())


def test_becoming_inline_under_load_deadlocks_with_nobody(postgres: str, schema: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def write(store: PostgresEventStore) -> None:
        while True:
            with suppress(InlineProjectionsDiffer):
                await pay(store, [(f"a{n}", 1) for n in range(5)])
            await asyncio.sleep(0.005)

    async def run() -> None:
        before = await deadlocks(postgres)
        async with PostgresEventStore(postgres, schema=schema) as store, PostgresEventStore(postgres, schema=schema) as other:
            for version in range(1, 7, 2):
                old = projection(name="balances", version=version)(type("Old", (TwoTables,), {}))
                new_ = projection(name="balances", version=version + 1)(type("New", (TwoTables,), {}))
                async with ProjectionRunner(store, [old()], poll_interval=0.05, batch_seconds=0.05) as running:
                    await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
                    async with beside(write(store)):
                        await asyncio.sleep(0.2)
                        await project_inline(other, [new_()], batch_size=100)
                await end_inline(other, "balances")
            await asyncio.sleep(1.5)
            assert await deadlocks(postgres) == before

    asyncio.run(run())
    assert not [record.getMessage() for record in caplog.records]


def test_of_many_who_ask_at_once_one_begins_a_rebuild(postgres: str, schema: str) -> None:
    async def ask(store: PostgresEventStore) -> int | None:
        async with records(store) as kept:
            return await kept.request_rebuild("balances")

    async def run() -> None:
        before = await deadlocks(postgres)
        async with at_work(postgres, schema) as store, PostgresEventStore(postgres, schema=schema) as other:

            async def write() -> None:
                while True:
                    await pay(store, [("a", 1)])
                    await asyncio.sleep(0.02)

            async with beside(write()):
                for _ in range(times(5)):
                    live = await live_record(store, "balances")
                    assert live is not None
                    asked = await asyncio.gather(*(ask(each) for each in (store, other) * 4))
                    assert sorted(each for each in asked if each is not None) == [live.generation + 1]
                    assert await ask(store) is None
                    async with asyncio.timeout(20):
                        while (now := await live_record(store, "balances")) is None or now.generation == live.generation:
                            await asyncio.sleep(0.02)
            await asyncio.sleep(1.2)
            assert await deadlocks(postgres) == before

    asyncio.run(run())


def test_a_lease_is_renewed_while_a_swap_waits_with_one_connection_left(
    postgres: str, schema: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A renewal waits for the swap; were it on the connection with which the swap reads what is left, each would wait for the other."""
    caplog.set_level(logging.WARNING)
    builds, goes_on = asyncio.Event(), asyncio.Event()

    @projection(name="balances")
    class Halting(Balances):
        @on(Paid)
        async def halt(self, recorded: Recorded[Paid], context: Context) -> None:
            if context.rebuilding:
                builds.set()
                await goes_on.wait()

    async def run() -> None:
        async with (
            PostgresEventStore(postgres, schema=schema, pool_size=3) as store,
            connected(postgres) as connection,
            ProjectionRunner(store, [Halting()], poll_interval=0.05, lease_seconds=0.6) as running,
            asyncio.timeout(20),
        ):
            await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
            async with records(store) as kept:
                await kept.request_rebuild("balances")
            await builds.wait()
            await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
            async with connection.transaction():
                await connection.execute(f'SELECT FROM "{schema}".projections WHERE generation = 1 FOR UPDATE')
                goes_on.set()
                await asyncio.sleep(1)
            while (live := await live_record(store, "balances")) is None or live.generation != 2:
                await asyncio.sleep(0.02)

    asyncio.run(run())
    assert not caplog.records
