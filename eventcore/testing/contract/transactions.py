"""Transactions on read models: all or nothing, seen by nobody before, and by nobody who lost the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol, cast

from eventcore.errors import LeaseLost, RequestRefused, StoreClosed, StoreError
from eventcore.store import EventStore, ReadModelStore, ReadModelTransaction, Statement
from eventcore.testing.contract.base import StoreScenarios, cold_scenario, scenario
from eventcore.testing.contract.checks import require_equal, require_raises, require_that
from eventcore.testing.contract.leases import LONG, SHORT, acquire
from eventcore.testing.contract.making import add, labels_of, read_log

TABLE: Final = "contract_rows"
NAMES: Final = ("order", "Big Table", "täglich")
# Seconds in which something that does not wait is done.
MOMENT: Final = 0.1


class StoreWithReadModels(EventStore, ReadModelStore, Protocol):
    """What these scenarios need."""


def with_read_models(store: EventStore) -> StoreWithReadModels:
    if not hasattr(store, "transaction"):
        raise AssertionError(
            f"{type(store).__name__} has no `transaction`; leave ReadModelScenarios out, or see ReadModelStore in eventcore.store"
        )
    return cast("StoreWithReadModels", store)


async def make_table(store: StoreWithReadModels) -> None:
    async with store.transaction() as transaction:
        await transaction.execute([Statement(f"CREATE TABLE {transaction.table(TABLE)} (k BIGINT PRIMARY KEY, v TEXT)")])


async def put(transaction: ReadModelTransaction, *keys: int, value: str | None = "x") -> None:
    insert = f"INSERT INTO {transaction.table(TABLE)} (k, v) VALUES ($1, $2)"
    await transaction.execute([Statement(insert, (key, value)) for key in keys])


async def keys_of(transaction: ReadModelTransaction) -> Sequence[int]:
    return [row["k"] for row in await transaction.fetch(Statement(f"SELECT k FROM {transaction.table(TABLE)} ORDER BY k"))]


async def stored(store: StoreWithReadModels) -> Sequence[int]:
    async with store.transaction(read_only=True) as transaction:
        return await keys_of(transaction)


class Failed(Exception):
    """What a program raises in the middle of a transaction."""


class ReadModelScenarios(StoreScenarios):
    """For a store that has `transaction`: what projections write through. Put it beside the contract::

    class TestMyStore(ReadModelScenarios, DurableEventStoreContract): ...
    """

    @scenario
    async def test_what_a_transaction_wrote_is_there_after_it(self, store: EventStore) -> None:
        models = with_read_models(store)
        await make_table(models)
        async with models.transaction() as transaction:
            await put(transaction, 1, 2)
            await put(transaction, 3)
            require_equal(await keys_of(transaction), [1, 2, 3], "what a transaction sees of its own")

        require_equal(await stored(models), [1, 2, 3], "what was committed")

    @scenario
    async def test_an_exception_takes_all_of_a_transaction_back(self, store: EventStore) -> None:
        """Tables that were made in it as well; the exception itself comes through."""
        models = with_read_models(store)
        await make_table(models)

        async def fail() -> None:
            async with models.transaction() as transaction:
                await put(transaction, 1)
                other = transaction.table("contract_other")
                await transaction.execute([Statement(f"CREATE TABLE {other} (k BIGINT)"), Statement(f"INSERT INTO {other} VALUES (1)")])
                raise Failed

        await require_raises(Failed, fail(), "an exception in the block")
        require_equal(await stored(models), [], "rows of a transaction that failed")
        async with models.transaction() as transaction:
            await transaction.execute([Statement(f"CREATE TABLE {transaction.table('contract_other')} (k BIGINT)")])

    @scenario
    async def test_a_cancelled_transaction_leaves_nothing(self, store: EventStore) -> None:
        models = with_read_models(store)
        await make_table(models)
        written = asyncio.Event()

        async def work() -> None:
            async with models.transaction() as transaction:
                await put(transaction, 1)
                written.set()
                await asyncio.sleep(3600)

        task = asyncio.create_task(work())
        await written.wait()
        task.cancel()
        await asyncio.wait([task])

        require_that(task.cancelled(), "a cancelled transaction must end as cancelled")
        require_equal(await stored(models), [], "rows of a cancelled transaction")
        async with models.transaction() as transaction:
            await put(transaction, 2)
        require_equal(await stored(models), [2], "rows of the transaction after it")

    @scenario
    async def test_a_refused_statement_is_the_end_of_its_transaction(self, store: EventStore) -> None:
        """Nothing of it stays, also where somebody catches the error and goes on as if nothing had been."""
        models = with_read_models(store)
        await make_table(models)

        async def pass_over_it(*, go_on: bool) -> None:
            async with models.transaction() as transaction:
                await put(transaction, 1)
                await require_raises(RequestRefused, put(transaction, 1), "a key that is there already")
                if go_on:
                    await put(transaction, 2)

        await require_raises(RequestRefused, pass_over_it(go_on=True), "a statement after the refused one")
        await require_raises(RequestRefused, pass_over_it(go_on=False), "the end of a block whose error was caught")
        require_equal(await stored(models), [], "rows of a transaction with a refused statement")
        async with models.transaction() as transaction:
            await put(transaction, 2)
        require_equal(await stored(models), [2], "rows of the transaction after it")

    @scenario
    async def test_sql_that_is_wrong_is_refused_with_its_reason(self, store: EventStore) -> None:
        """What the database does not understand, a table that is not there, a value of a wrong kind: `RequestRefused`, with the cause."""
        models = with_read_models(store)
        await make_table(models)
        for wrong in ("SELEKT 1", "SELECT * FROM contract_table_that_is_not_there"):

            async def ask(sql: str = wrong) -> None:
                async with models.transaction() as transaction:
                    await transaction.fetch(Statement(sql))

            refused = await require_raises(RequestRefused, ask(), f"`{wrong}`")
            require_that(wrong in str(refused), f"a refusal must quote the statement, got {refused}")
            require_that(refused.__cause__ is not None, "a refusal must carry what the database said as its cause")

    @scenario
    async def test_nobody_sees_a_transaction_before_its_commit(self, store: EventStore) -> None:
        """A reader that comes meanwhile sees nothing of it, or waits for its end."""
        models = with_read_models(store)
        await make_table(models)
        async with models.transaction() as transaction:
            await put(transaction, 1)
            reader = asyncio.create_task(stored(models))
            await asyncio.wait([reader], timeout=MOMENT)
            if reader.done():
                require_equal(reader.result(), [], "what a reader sees of an open transaction")
            await put(transaction, 2)

        require_that(list(await reader) in ([], [1, 2]), "a reader must see all of a transaction or nothing")
        require_equal(await stored(models), [1, 2], "what a reader sees after the commit")

    @scenario
    async def test_a_read_only_transaction_is_a_snapshot(self, store: EventStore) -> None:
        models = with_read_models(store)
        await make_table(models)

        async def write() -> None:
            async with models.transaction() as transaction:
                await put(transaction, 2)

        async with models.transaction() as transaction:
            await put(transaction, 1)
        async with models.transaction(read_only=True) as transaction:
            before = await keys_of(transaction)
            writer = asyncio.create_task(write())
            await asyncio.wait([writer], timeout=MOMENT)
            require_equal(await keys_of(transaction), before, "what a read-only transaction sees at its second look")
        await writer
        require_equal(await stored(models), [1, 2], "rows after the writer")

    @scenario
    async def test_a_read_only_transaction_changes_nothing(self, store: EventStore) -> None:
        models = with_read_models(store)
        await make_table(models)
        try:
            async with models.transaction(read_only=True) as transaction:
                await put(transaction, 1)
        except StoreError:
            pass  # a store may say so
        require_equal(await stored(models), [], "rows that a read-only transaction wrote")

    @scenario
    async def test_transactions_at_the_same_time_lose_nothing(self, store: EventStore) -> None:
        models = with_read_models(store)
        await make_table(models)
        async with models.transaction() as transaction:
            await transaction.execute([Statement(f"INSERT INTO {transaction.table(TABLE)} VALUES (0, NULL)")])

        async def count(number: int) -> None:
            async with models.transaction() as transaction:
                table = transaction.table(TABLE)
                await transaction.execute(
                    [Statement(f"UPDATE {table} SET k = k + 1"), Statement(f"UPDATE {table} SET v = $1", (str(number),))]
                )

        await asyncio.gather(*(count(number) for number in range(20)))
        require_equal(await stored(models), [20], "a count that 20 transactions raised at the same time")

    @scenario
    async def test_arguments_come_back_as_they_were(self, store: EventStore) -> None:
        models = with_read_models(store)
        texts = ["", "plain", "quote ' and \" and $1", "Grüße, 你好, 🎉", "line\nbreak", None]
        await make_table(models)
        async with models.transaction() as transaction:
            for key, text in enumerate(texts):
                await put(transaction, key, value=text)
            await put(transaction, 2**63 - 1, -(2**63))
            rows = await transaction.fetch(
                Statement(f"SELECT v FROM {transaction.table(TABLE)} WHERE k >= 0 AND k < $1 ORDER BY k", (len(texts),))
            )
            extremes = await transaction.fetch(Statement(f"SELECT min(k) AS low, max(k) AS high FROM {transaction.table(TABLE)}"))
            swapped = await transaction.fetch(
                Statement(f"SELECT k FROM {transaction.table(TABLE)} WHERE v = $2 AND k = $1 OR k = $1 ORDER BY k", (1, "plain"))
            )

        require_equal([row["v"] for row in rows], texts, "texts")
        require_equal(dict(extremes[0]), {"low": -(2**63), "high": 2**63 - 1}, "whole numbers of 64 bits")
        require_equal([row["k"] for row in swapped], [1], "what a statement finds whose placeholders repeat and come in another order")

    @scenario
    async def test_tables_are_called_by_any_name(self, store: EventStore) -> None:
        models = with_read_models(store)
        async with models.transaction() as transaction:
            for number, name in enumerate(NAMES):
                table = transaction.table(name)
                await transaction.execute(
                    [Statement(f"CREATE TABLE {table} (n BIGINT)"), Statement(f"INSERT INTO {table} VALUES ($1)", (number,))]
                )
            for number, name in enumerate(NAMES):
                rows = await transaction.fetch(Statement(f"SELECT n FROM {transaction.table(name)}"))
                require_equal([row["n"] for row in rows], [number], f"rows of the table {name!r}")

    @scenario
    async def test_a_transaction_under_a_lease_is_refused_to_a_former_owner(self, store: EventStore) -> None:
        models = with_read_models(store)
        await make_table(models)
        async with models.transaction(under=await acquire(store, "daily", "one", LONG)) as transaction:
            await put(transaction, 1)
        late = await acquire(store, "daily", "one", SHORT)
        await asyncio.sleep(2 * SHORT.total_seconds())
        held = await acquire(store, "daily", "two", LONG)

        async def write_late() -> None:
            async with models.transaction(under=late) as transaction:
                await put(transaction, 2)

        await require_raises(LeaseLost, write_late(), "a transaction of a former owner")
        async with models.transaction(under=held) as transaction:
            await put(transaction, 3)
        require_equal(await stored(models), [1, 3], "rows")

    @scenario
    async def test_a_lease_does_not_pass_on_before_the_transaction_under_it_has_ended(self, store: EventStore) -> None:
        """Or the transaction is refused at its end: two owners never commit past each other."""
        models = with_read_models(store)
        await make_table(models)
        lease = await acquire(store, "daily", "one", SHORT)
        passed_on = asyncio.Event()

        async def take_over() -> None:
            while await store.acquire_lease("daily", owner="two", ttl=LONG) is None:  # noqa: ASYNC110  # nobody tells of its end
                await asyncio.sleep(MOMENT / 10)
            passed_on.set()

        async def write() -> bool:
            async with models.transaction(under=lease) as transaction:
                await put(transaction, 1)
                await asyncio.sleep(3 * SHORT.total_seconds())
                return passed_on.is_set()

        writer = asyncio.create_task(write())
        await asyncio.gather(asyncio.wait([writer]), take_over())
        error = writer.exception()
        require_that(
            error is None or isinstance(error, LeaseLost), f"a transaction whose lease passed on fails with LeaseLost, not {error!r}"
        )
        if error is None:
            require_that(not writer.result(), "a transaction was committed although its lease had passed on before")
        require_equal(await stored(models), [1] if error is None else [], "rows")

    @scenario
    async def test_events_and_read_models_are_changed_apart(self, store: EventStore) -> None:
        """A transaction that fails takes no event along, and an append changes no table."""
        models = with_read_models(store)
        await make_table(models)
        await add(store, "a-1", 1)

        async def fail() -> None:
            async with models.transaction() as transaction:
                await put(transaction, 1)
                raise Failed

        await require_raises(Failed, fail(), "an exception in the block")
        await add(store, "a-1", 2)
        require_equal(labels_of(await read_log(store)), [1, 2], "events")
        require_equal(await stored(models), [], "rows")

    @cold_scenario
    async def test_a_closed_store_opens_no_transaction(self) -> None:
        async with self.open_store() as closed:
            pass

        async def ask() -> None:
            async with with_read_models(closed).transaction() as transaction:
                await transaction.fetch(Statement("SELECT 1 AS one"))

        await require_raises(StoreClosed, ask(), "a transaction on a closed store")
