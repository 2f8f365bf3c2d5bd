"""Inline projections: what they are made of, which stores take them, and what their errors tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_type

from eventcore import (
    CommandExecutor,
    EventCodec,
    EventStore,
    InlineProjectionFailed,
    InlineProjectionsDiffer,
    InMemoryEventStore,
    Position,
    PostgresEventStore,
    Recorded,
    RequestRefused,
    SqliteEventStore,
    StoreError,
    event,
)
from eventcore.projections import Context, ProjectionRunner, end_inline, on, project_inline, projection
from eventcore.store import InlineStore, InlineSwitch, InlineWork, ProjectionStore, ReadModelTransaction, StoredEvent


@event
class Paid:
    amount: int


@event
class Returned:
    amount: int


@projection
class Balances:
    """row: @on(ItemAdded) of a @projection, and its context"""

    @on(Paid)
    def paid(self, recorded: Recorded[Paid], context: Context) -> None:
        context.execute(f"INSERT INTO {context.table('balances')} VALUES ($1)", recorded.event.amount)
        context.execute("INSERT INTO t VALUES ($1)", amount=recorded.event.amount)  # E: arguments by position
        context.execute(Paid)  # E: SQL is text

    @on(Paid, Returned)
    async def either(self, recorded: Recorded[Paid | Returned], context: Context) -> None:
        rows = await context.fetch("SELECT 1 AS one")
        assert_type(len(rows), int)
        rows[0][0]  # E: rows are asked by the names of their columns

    @on(Returned)  # E: it takes another event
    def other(self, recorded: Recorded[Paid], context: Context) -> None: ...

    @on(Paid, Returned)  # E: it takes one of the two
    def half(self, recorded: Recorded[Paid], context: Context) -> None: ...


async def which_stores(
    sqlite: SqliteEventStore,
    postgres: PostgresEventStore,
    memory: InMemoryEventStore,
    any_store: EventStore,
    followed: ProjectionStore,
    executor: CommandExecutor,
) -> None:
    """row: project_inline(store, [...]), end_inline(store, name): the stores that can"""
    assert_type(await project_inline(sqlite, [Balances()]), None)
    assert_type(await project_inline(postgres, (Balances(),)), None)
    assert_type(await project_inline(memory, [Balances()], codec=EventCodec(), batch_size=100, timeout=5), None)
    assert_type(await end_inline(sqlite, "balances"), None)
    ProjectionRunner(sqlite, [Balances()])
    await project_inline(any_store, [Balances()])  # E: not every store can
    await project_inline(followed, [Balances()])  # E: one that can be followed need not
    await project_inline(executor, [Balances()])  # E: an executor is no store
    await end_inline(any_store, "balances")  # E: not every store can


async def which_arguments(store: SqliteEventStore) -> None:
    """row: project_inline(store, [...]), end_inline(store, name): their arguments"""
    assert_type(await project_inline(store, [Balances()], batch_size=100), None)
    await project_inline(store)  # E: which projections?
    await project_inline(store, Balances())  # E: a list of them
    await project_inline(store, [Balances()], 100)  # E: options by name
    await project_inline(store, [Balances()], EventCodec())  # E: options by name
    await project_inline(store, [Balances()], batch_size="100")  # E: a number
    await project_inline(store, [Balances()], timeout=None)  # E: a number of seconds
    await project_inline(store, [Balances()], poll_interval=1.0)  # E: that is a runner's
    await project_inline(store=store, projections=[Balances()])  # E: by position
    await end_inline(store)  # E: which one?
    await end_inline(store, Balances)  # E: by its name
    await end_inline(store, name="balances")  # E: by position


def what_errors_tell(failed: InlineProjectionFailed, differs: InlineProjectionsDiffer) -> None:
    """row: InlineProjectionFailed, InlineProjectionsDiffer"""
    refused: RequestRefused = failed
    wide: StoreError = differs
    assert_type(failed.projection, str)
    assert_type(failed.event, str | None)
    assert_type(failed.stream_id, str | None)
    assert_type(failed.version, int | None)
    assert_type(differs.demanded, str | None)
    assert_type(differs.kept, str | None)
    narrow: RequestRefused = differs  # E: it is about the store, not one request
    failed.stored  # E: no event of ours was stored
    del refused, wide, narrow


class Work:
    kept = "balances/1"

    async def handle(self, requests: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, /, *, step: bool) -> None: ...


class WorkWithoutName:
    async def handle(self, requests: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, /, *, step: bool) -> None: ...


class WorkAtOnce:
    kept = "balances/1"

    def handle(self, requests: Sequence[Sequence[StoredEvent]], transaction: ReadModelTransaction, /, *, step: bool) -> None: ...


async def what_stores_are_asked(store: InlineStore, work: Work, nameless: WorkWithoutName, at_once: WorkAtOnce) -> None:
    """row: InlineStore, one protocol"""
    assert_type(store.attach(work), InlineWork | None)
    assert_type(store.attach(None), InlineWork | None)
    store.attach(nameless)  # E: what does it keep?
    store.attach(at_once)  # E: it is awaited
    store.attach(Balances())  # E: a projection is handed to project_inline
    async with store.switch_inline() as switch:
        assert_type(switch, InlineSwitch)
        assert_type(await switch.newest(), Position | None)
        await switch.demand("balances/1")
        await switch.demand(["balances/1"])  # E: one text
    async with store.transaction() as transaction:
        await transaction.demand("balances/1")  # E: that belongs into a switch
