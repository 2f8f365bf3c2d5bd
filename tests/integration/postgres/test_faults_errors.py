"""The server refuses, stops or has no room; what is raised by somebody else is not taken for our own; a caller who goes away does no harm."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest

from eventcore import CommandExecutor, OutcomeUnknown, Position, PostgresEventStore, RequestRefused, StoreBusy, StoreFull, StoreUnavailable
from eventcore.store import Committed, Refused, Statement, StreamRead
from eventcore.testing.contract.making import add, append_one, labels_of, new_event, read_log, read_one, request
from tests.faults.judge import Told
from tests.faults.workload import account_ids, following, open_bank, require_truth, run_clients, transfer
from tests.integration.postgres.hand import adding, append_in, connected
from tests.servers.full_disk import FullDiskServer, full_disk_server
from tests.soak import times

ACCOUNTS = account_ids(4)

# A trigger of the user's; nextval is not rolled back, so the sequence tells how often it was asked.
USERS_OWN = """
CREATE SEQUENCE "{0}".asked;
CREATE FUNCTION "{0}".no() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('"{0}".asked');
    RAISE EXCEPTION 'not on my watch' USING ERRCODE = '{1}';
END $$;
CREATE TRIGGER no BEFORE INSERT ON "{0}".events FOR EACH ROW WHEN (NEW.data->>'label' = 'forbidden') EXECUTE FUNCTION "{0}".no();
"""


@pytest.mark.parametrize("code", ["P0001", "23505", "40001", "40P01", "23514", "57014", "55P03", "42501", "08006", "57P01", "53100"])
def test_foreign_error_is_no_conflict(postgres: str, schema: str, code: str) -> None:
    """Whatever code a trigger chooses for its error: that one request is refused, once, and its neighbours are committed."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema, patience=2) as store, connected(postgres) as admin:
            await admin.execute(USERS_OWN.format(schema, code))
            good, bad, fine = await store.append([adding("a-1", "good"), adding("a-1", "forbidden"), adding("b-1", "fine")])
            asked = await admin.fetchval(f'SELECT last_value FROM "{schema}".asked')
            await store.append([adding("c-1", "alone")])
            (alone,) = await store.append([adding("c-1", "forbidden")])
            asked_alone = await admin.fetchval(f'SELECT last_value FROM "{schema}".asked') - asked

            assert isinstance(good, Committed)
            assert isinstance(bad, Refused)
            assert isinstance(bad.error, RequestRefused)
            assert "not on my watch" in str(bad.error)
            assert isinstance(fine, Committed)
            assert isinstance(alone, Refused)
            assert asked_alone == 1, "an error of somebody else is not tried again"
            assert sorted(map(str, labels_of(await read_log(store)))) == ["alone", "fine", "good"]

    asyncio.run(scenario())


def test_a_constraint_of_the_users_is_no_conflict(postgres: str, schema: str) -> None:
    """A unique index of the user's own fails with the very code that a unique index of ours would."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store, connected(postgres) as admin:
            await admin.execute(f"CREATE UNIQUE INDEX one_label ON \"{schema}\".events ((data->>'label'))")
            await add(store, "a-1", "taken")
            verdict = await append_one(store, request({"b-1": 0}, new_event("b-1", "taken")))
            assert isinstance(verdict, Refused)
            assert isinstance(verdict.error, RequestRefused)
            assert "one_label" in str(verdict.error)
            assert isinstance(await append_one(store, request({"b-1": 0}, new_event("b-1", "free"))), Committed)

    asyncio.run(scenario())


def test_statement_timeout_in_the_middle(postgres: str, schema: str) -> None:
    """The slow one is stopped and nothing of it is written; those that shared its transaction are committed."""
    slow = """
    CREATE FUNCTION "{0}".slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON "{0}".events FOR EACH ROW WHEN (NEW.data->>'label' = 'slow') EXECUTE FUNCTION "{0}".slow();
    """

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema, statement_timeout=2) as store, connected(postgres) as admin:
            await admin.execute(slow.format(schema))
            before, stopped, after = await store.append([adding("a-1", "before"), adding("b-1", "slow"), adding("c-1", "after")])
            assert isinstance(before, Committed)
            assert isinstance(after, Committed)
            assert isinstance(stopped, Refused)
            assert isinstance(stopped.error, StoreBusy)
            assert "statement_timeout" in str(stopped.error)
            assert (await read_one(store, "b-1")).version == 0
            await add(store, "b-1", "quick")

    asyncio.run(scenario())


def test_statement_timeout_of_all_who_wait_for_one_lock(postgres: str, schema: str) -> None:
    """Nobody of a batch is guilty then: who it is is not looked for longer than a lock is waited for."""

    async def scenario() -> None:
        async with (
            PostgresEventStore(postgres, schema=schema, statement_timeout=0.2, lock_timeout=1) as store,
            connected(postgres) as admin,
        ):
            await add(store, "a-1", 1)
            await admin.execute(f'BEGIN; LOCK TABLE "{schema}".events IN ACCESS EXCLUSIVE MODE')
            async with asyncio.timeout(5):
                with pytest.raises(StoreBusy):
                    await store.append([adding(f"b-{number}", number) for number in range(32)])
            await admin.execute("ROLLBACK")
            await add(store, "a-1", 2)

    asyncio.run(scenario())


def test_a_transaction_that_the_server_ends(postgres: str, schema: str) -> None:
    """`transaction_timeout` (PostgreSQL 17 and newer) ends the connection too; nothing was written, and nobody need be told that it is unknown."""

    async def scenario() -> None:
        hurried = f"{postgres}?options=-c%20transaction_timeout%3D300ms"
        async with PostgresEventStore(postgres, schema=schema) as patient, connected(postgres) as admin:
            await add(patient, "a-1", 1)
            async with PostgresEventStore(hurried, schema=schema, lock_timeout=5) as store, asyncio.timeout(10):
                async with admin.transaction():
                    await append_in(admin, schema, adding("locked-1", "held"))
                    before, stopped, after = await store.append([adding("a-1", 2), adding("locked-1", "late"), adding("b-1", 3)])
                    with pytest.raises(StoreBusy, match="transaction_timeout"):
                        await add(store, "locked-1", "late")
                assert isinstance(before, Committed)
                assert isinstance(after, Committed)
                assert isinstance(stopped, Refused)
                assert isinstance(stopped.error, StoreBusy)
                async with admin.transaction():
                    await admin.execute(f'LOCK TABLE "{schema}".events')
                    with pytest.raises(StoreBusy, match="transaction_timeout"):
                        await read_one(store, "a-1")
                    with pytest.raises(StoreBusy, match="transaction_timeout"):
                        async with store.transaction() as transaction:
                            await transaction.fetch(Statement(f"SELECT count(*) FROM {transaction.table('events')}"))
                await add(store, "locked-1", "now")
            assert labels_of((await read_one(patient, "locked-1")).events) == ["held", "now"]

    asyncio.run(scenario())


def test_tasks_of_the_store_that_somebody_cancels(postgres: str, schema: str) -> None:
    """As programs do with all tasks there are when they end: whoever still waits is told, and the store goes on."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema, pool_size=3) as store, connected(postgres) as admin:
            await add(store, "a-1", 1)
            await admin.execute(f'BEGIN; LOCK TABLE "{schema}".events IN ACCESS EXCLUSIVE MODE')
            under_way = [asyncio.create_task(call) for call in (add(store, "a-1", 2), read_one(store, "a-1"))]
            await asyncio.sleep(0.1)
            queued = [asyncio.create_task(call) for call in (add(store, "b-1", 3), read_one(store, "a-1"))]
            await asyncio.sleep(0.1)
            for task in asyncio.all_tasks():
                if task.get_name().startswith("eventcore-"):
                    task.cancel()
            async with asyncio.timeout(20):
                appended, read = await asyncio.gather(*under_way, return_exceptions=True)
            assert isinstance(appended, OutcomeUnknown)
            assert isinstance(read, StoreUnavailable)
            await admin.execute("ROLLBACK")
            async with asyncio.timeout(20):
                await asyncio.gather(*queued)
            assert (await read_one(store, "b-1")).version == 1

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path, schema: str) -> None:
    """Appends fail with StoreFull and leave nothing behind; what was there stays readable; with room they go on."""

    async def scenario(server: FullDiskServer) -> None:
        async with PostgresEventStore(server.dsn, schema=schema) as store:
            await add(store, "a-1", "before")
            await asyncio.to_thread(server.fill)
            committed: list[object] = ["before"]
            with pytest.raises(StoreFull, match="room") as raised:
                for number in range(500):
                    # What cannot be made smaller.
                    await add(store, "a-1", [number, os.urandom(100_000).hex()])
                    committed.append(number)
            assert raised.value.__cause__ is not None
            assert labels_of(await read_log(store))[0] == "before"
            assert len(await read_log(store)) == len(committed)
            calls = [append_one(store, request({f"b-{n}": 0}, new_event(f"b-{n}", [n, os.urandom(300_000).hex()]))) for n in range(4)]
            assert all(isinstance(error, StoreFull) for error in await asyncio.gather(*calls, return_exceptions=True))
            with pytest.raises(StoreFull):
                async with store.transaction() as transaction:
                    table = transaction.table("large")
                    large = Statement(f"INSERT INTO {table} VALUES ($1)", (os.urandom(3_000_000).hex(),))
                    await transaction.execute([Statement(f"CREATE TABLE {table} (text TEXT)"), large])
            await asyncio.to_thread(server.relieve)
            await add(store, "a-1", "room again")
            events = await read_log(store)
            assert [event.version for event in events] == list(range(1, len(committed) + 2))
            assert labels_of(events)[-1] == "room again"

    with full_disk_server(tmp_path) as server:
        asyncio.run(scenario(server))


@pytest.mark.slow
def test_long_transactions_of_others(postgres: str, schema: str) -> None:
    """One that only reads, one that writes elsewhere, one that holds an append open for a while and gives it up: readers skip nothing."""

    async def scenario() -> None:
        told: list[Told] = []
        async with (
            PostgresEventStore(postgres, schema=schema) as store,
            connected(postgres) as old,
            connected(postgres) as busy,
            connected(postgres) as slow,
        ):
            await open_bank(store, ACCOUNTS)
            await old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            assert await old.fetchval(f'SELECT count(*) FROM "{schema}".events') == 8
            await busy.execute("BEGIN; CREATE TEMP TABLE mine (n integer)")
            async with following(store, "one", "two") as followers:

                async def hold() -> None:
                    for _ in range(4):
                        await slow.execute("BEGIN")
                        await append_in(slow, schema, adding("held-1", "never"))
                        held = await slow.fetchval("SELECT pg_current_xact_id()::text::bigint")
                        await asyncio.sleep(0.1)
                        assert all(each.last is None or each.last < Position((held, 0)) for each in followers), (
                            "a reader went past an open append"
                        )
                        await slow.execute("ROLLBACK")
                        await asyncio.sleep(0.02)

                holding = asyncio.create_task(hold())
                await run_clients(
                    store,
                    ACCOUNTS,
                    name="c",
                    clients=8,
                    seed=5,
                    tell=told.append,
                    going_on=lambda begun: begun < times(200) or not holding.done(),
                )
                await holding
            assert await old.fetchval(f'SELECT count(*) FROM "{schema}".events') == 8
            await require_truth(store, ACCOUNTS, told, followers)

    asyncio.run(scenario())


def test_more_callers_than_connections(postgres: str, schema: str) -> None:
    async def scenario() -> None:
        told: list[Told] = []
        async with PostgresEventStore(postgres, schema=schema, pool_size=3) as store:
            await open_bank(store, ACCOUNTS)
            async with following(store, *(f"reader-{n}" for n in range(10))) as followers:
                await run_clients(
                    store, ACCOUNTS, name="c", clients=200, seed=6, tell=told.append, going_on=lambda begun: begun < times(200)
                )
            await require_truth(store, ACCOUNTS, told, followers)

    asyncio.run(scenario())


class CancelAt:
    """Await *work*, and cancel the task that does so when it has been suspended *number* times and *turns* turns of the loop later."""

    def __init__(self, work: Coroutine[Any, Any, object], number: int, turns: int) -> None:
        self._work = work
        self._left = number
        self._turns = turns
        self.suspended = 0

    def __await__(self) -> Generator[Any, Any, object]:
        steps = self._work.__await__()
        task = asyncio.current_task()
        assert task is not None
        thrown: BaseException | None = None
        while True:
            try:
                waiting_for = steps.send(None) if thrown is None else steps.throw(thrown)
            except StopIteration as finished:
                return finished.value
            self.suspended += 1
            if self.suspended == self._left:
                self._cancel_later(task, self._turns)
            thrown = None
            try:
                yield waiting_for
            except BaseException as error:
                thrown = error

    def _cancel_later(self, task: asyncio.Task[object], turns: int) -> None:
        if turns:
            asyncio.get_running_loop().call_soon(self._cancel_later, task, turns - 1)
        else:
            task.cancel()


async def cancelled_everywhere(make: Callable[[int], Coroutine[Any, Any, object]], turns: int) -> int:
    """Do what *make* makes, cancelled at its first suspension, its second, ..., until it completes; return how many there are."""
    number = 0
    while True:
        number += 1
        assert number < 500, "it is suspended for ever"
        cancelling = CancelAt(make(number), number, turns)

        async def run(cancelling: CancelAt = cancelling) -> object:
            return await cancelling

        task = asyncio.create_task(run())
        await asyncio.wait([task], timeout=30)
        assert task.done(), f"what was cancelled at suspension {number} hangs"
        if not task.cancelled():
            await task
            if cancelling.suspended < number:
                return number - 1


@pytest.mark.parametrize("turns", [0, 1, 3, 10, 40])
def test_a_command_cancelled_at_every_await(postgres: str, schema: str, turns: int) -> None:
    async def scenario() -> None:
        told: list[Told] = []
        rng = random.Random(turns)
        async with PostgresEventStore(postgres, schema=schema, pool_size=3) as store:
            await open_bank(store, ACCOUNTS)
            executor = CommandExecutor(store)

            def command(name: str) -> Coroutine[Any, Any, None]:
                return transfer(executor, ACCOUNTS, f"{name}-{len(told)}", rng, told.append, most=1)

            async def among_others(name: str) -> None:
                others = [asyncio.create_task(command(f"beside-{name}-{n}")) for n in range(3)]
                try:
                    await command(name)
                finally:
                    await asyncio.gather(*others)

            for run in range(times(3)):
                await cancelled_everywhere(lambda number, run=run: command(f"alone-{run}-{number}"), turns)
                await cancelled_everywhere(lambda number, run=run: among_others(f"among-{run}-{number}"), turns)
            await command("last")
            await require_truth(store, ACCOUNTS, told)
        if turns <= 1:  # later than that, the answer may have come first
            assert [each for each in told if each.outcome == "unknown"], "nothing was cancelled"
        assert told[-1].outcome == "committed"

    asyncio.run(scenario())


READING: dict[str, Callable[[PostgresEventStore], Coroutine[Any, Any, object]]] = {
    "read": lambda store: store.read([StreamRead("a-1"), StreamRead("b-1")]),
    "read_all": lambda store: store.read_all(limit=5),
    "wait_for_news": lambda store: store.wait_for_news(None, timeout=1),
    "load_checkpoint": lambda store: store.load_checkpoint("nobody"),
}


@pytest.mark.parametrize("turns", [0, 1, 5, 30])
@pytest.mark.parametrize("what", READING)
def test_a_reader_cancelled_at_every_await(postgres: str, schema: str, what: str, turns: int) -> None:
    """No connection of the few is lost to a caller who went away, and none gives the next one what was meant for him."""

    async def scenario() -> None:
        async with PostgresEventStore(postgres, schema=schema, pool_size=3) as store:
            await add(store, "a-1", 1, 2, 3)
            for _ in range(times(2)):
                await cancelled_everywhere(lambda _: READING[what](store), turns)
            async with asyncio.timeout(10):
                assert labels_of((await read_one(store, "a-1")).events) == [1, 2, 3]
                assert labels_of(await read_log(store)) == [1, 2, 3]
                assert await store.load_checkpoint("nobody") is None
                await add(store, "a-1", 4)

    asyncio.run(scenario())


@pytest.mark.parametrize("turns", [0, 2, 20])
def test_opening_cancelled_at_every_await(postgres: str, schema: str, turns: int) -> None:
    """Nothing is left behind: no connection, no task, no half a schema."""

    async def scenario() -> None:
        async def open_and_close() -> None:
            async with PostgresEventStore(postgres, schema=schema, pool_size=3) as store:
                await add(store, "a-1", 1)

        before = asyncio.all_tasks()
        await cancelled_everywhere(lambda _: open_and_close(), turns)
        async with asyncio.timeout(10):
            while left := asyncio.all_tasks() - before:
                await asyncio.wait(left)
        async with PostgresEventStore(postgres, schema=schema) as store:
            assert set(labels_of(await read_log(store))) == {1}

    asyncio.run(scenario())
