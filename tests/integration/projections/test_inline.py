"""Inline projections: in the append's own transaction, on every store that has read models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eventcore import InMemoryEventStore, Recorded, RetryPolicy, SqliteEventStore
from eventcore.errors import InlineProjectionFailed, InlineProjectionsDiffer, InvalidArgument, ProjectionStopped, RequestRefused
from eventcore.projections import Context, ProjectionRunner, caught_up, end_inline, on, project_inline, projection
from eventcore.projections.records import records
from eventcore.store import ANY, NO_STREAM, AppendRequest, Committed, Conflict, IdempotencyKey, InlineSwitch, Refused, Statement
from eventcore.stores.postgres import PostgresEventStore
from eventcore.testing.contract.making import read_log
from eventcore.testing.forwarding import ForwardingStore
from tests.integration.projections.lab import Balances, Paid, Remarked, folded, new, pay, record

Store = InMemoryEventStore | SqliteEventStore | PostgresEventStore
Make = Callable[[], Store]


def _make(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Make:
    match kind:
        case "memory":
            return InMemoryEventStore
        case "sqlite":
            return lambda: SqliteEventStore(tmp_path / "events.db")
        case _:
            dsn, schema = request.getfixturevalue("postgres"), request.getfixturevalue("schema")
            return lambda: PostgresEventStore(dsn, schema=schema)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return _make(request, tmp_path, request.param)


@pytest.fixture(params=["sqlite", "postgres"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Opens the same store again and again, as other processes do."""
    return _make(request, tmp_path, request.param)


@projection
class Limited:
    """Takes no payment beyond 100, by the database's own constraint, and none of 13, by its handler's."""

    def create(self, context: Context) -> None:
        context.execute(f"CREATE TABLE {context.table('limited')} (account TEXT PRIMARY KEY, balance INTEGER CHECK (balance <= 100))")

    @on(Paid)
    async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
        if recorded.event.amount == 13:
            raise ValueError("unlucky")
        rows = await context.fetch(f"SELECT balance FROM {context.table('limited')} WHERE account = $1", recorded.event.account)
        if rows:
            context.execute(
                f"UPDATE {context.table('limited')} SET balance = $2 WHERE account = $1",
                recorded.event.account,
                rows[0]["balance"] + recorded.event.amount,
            )
        else:
            context.execute(f"INSERT INTO {context.table('limited')} VALUES ($1, $2)", recorded.event.account, recorded.event.amount)


async def balances(store: Store) -> Mapping[str, tuple[int, int]]:
    async with store.transaction(read_only=True) as transaction:
        rows = await transaction.fetch(Statement(f"SELECT account, balance, payments FROM {transaction.table('balances')}"))
    return {row["account"]: (row["balance"], row["payments"]) for row in rows}


def payment(account: str, amount: int, stream_id: str) -> AppendRequest:
    return AppendRequest({stream_id: ANY}, [new(Paid(account, amount), stream_id)])


def test_what_is_appended_is_in_the_table_at_once(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Balances()])
            for amount in range(20):
                last = await pay(store, [("a", amount), ("b", 1)], f"payments-{amount % 3}")
                assert await balances(store) == await folded(store)
            await caught_up(store, "balances", last, timeout=0)

    asyncio.run(run())


def test_history_is_gone_through_first(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await pay(store, [(f"a{n % 7}", n) for n in range(1200)])
            await record(store, [Remarked("x")] * 50)
            await project_inline(store, [Balances()], batch_size=100)
            assert await balances(store) == await folded(store)
            await pay(store, [("a1", 5)])
            assert await balances(store) == await folded(store)

    asyncio.run(run())


def test_switching_loses_and_doubles_nothing_while_others_append(make: Make) -> None:
    """Appends without the projection go on while history is gone through; from the switch on they come with it, from the same store object."""

    async def run() -> None:
        async with make() as store:
            await pay(store, [(f"a{n % 7}", n) for n in range(500)])
            ended = asyncio.Event()

            async def writer(number: int) -> int:
                done = 0
                while not ended.is_set():
                    await pay(store, [(f"w{number}", 1)], f"writer-{number}")
                    done += 1
                return done

            writers = [asyncio.create_task(writer(number)) for number in range(8)]
            await asyncio.sleep(0.05)
            await project_inline(store, [Balances()], batch_size=50)
            await asyncio.sleep(0.05)
            ended.set()
            counts = await asyncio.gather(*writers)
            assert all(counts)
            assert await balances(store) == await folded(store)
            assert [(await balances(store))[f"w{number}"] for number in range(8)] == [(count, count) for count in counts]

    asyncio.run(run())


def test_a_failing_projection_fails_its_own_command_only(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Balances(), Limited()])
            requests = [payment(f"a{n}", 13 if n == 5 else 200 if n == 9 else n, f"s-{n}") for n in range(12)]
            verdicts = await store.append(requests)
            for number, verdict in enumerate(verdicts):
                if number in {5, 9}:
                    assert isinstance(verdict, Refused)
                    error = verdict.error
                    assert isinstance(error, InlineProjectionFailed)
                    assert (error.projection, error.event, error.stream_id, error.version) == ("limited", "Paid", f"s-{number}", 1)
                    assert isinstance(error.__cause__, ValueError if number == 5 else RequestRefused)
                    assert "'limited'" in str(error)
                    assert f"'s-{number}'" in str(error)
                else:
                    assert isinstance(verdict, Committed)
            assert {event.stream_id for event in await read_log(store)} == {f"s-{n}" for n in range(12)} - {"s-5", "s-9"}
            assert await balances(store) == await folded(store)
            # The streams are as if nobody had tried, and versions go on without a gap.
            (verdict,) = await store.append([AppendRequest({"s-5": NO_STREAM}, [new(Paid("a5", 1), "s-5")])])
            assert isinstance(verdict, Committed)
            assert verdict.events[0].version == 1

    asyncio.run(run())


def test_the_error_names_the_event_among_several_of_a_command(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Limited()])
            events = [new(Paid("a", amount), "s-1") for amount in (60, 30, 20, 1)]
            (verdict,) = await store.append([AppendRequest({"s-1": ANY}, events)])
            assert isinstance(verdict, Refused)
            assert isinstance(verdict.error, InlineProjectionFailed)
            assert verdict.error.version == 3
            assert await read_log(store) == []

    asyncio.run(run())


def test_the_error_names_one_repair(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Limited()])
            verdicts = [(await store.append([payment("a", amount, "s-1")]))[0] for amount in (101, 13)]
            of_the_database, of_the_handler = [str(verdict.error) for verdict in verdicts if isinstance(verdict, Refused)]
            assert of_the_database.count("mend") == of_the_handler.count("mend") == 1
            assert of_the_database.endswith("; mend the SQL of the projection, or look at the event that it was run for")
            assert of_the_handler.endswith("; mend the handler, or do not let the command write what the read model cannot take")

    asyncio.run(run())


def test_an_error_that_cannot_be_told_is_that_of_the_projection_all_the_same(make: Make) -> None:
    class Untold(Exception):
        def __str__(self) -> str:
            raise KeyError("text")

    @projection(name="balances")
    class Silent(Balances):
        @on(Paid)
        def fail(self, recorded: Recorded[Paid], context: Context) -> None:
            raise Untold

    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Silent()])
            (verdict,) = await store.append([payment("a", 1, "s-1")])
            assert isinstance(verdict, Refused)
            assert isinstance(verdict.error, InlineProjectionFailed)
            assert "Untold: it cannot be told (KeyError)" in str(verdict.error)

    asyncio.run(run())


def test_a_key_of_a_command_that_failed_is_free(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Limited()])
            key = IdempotencyKey("k", b"f")
            (verdict,) = await store.append([payment("a", 13, "s-1")._replace(idempotency=key)])
            assert isinstance(verdict, Refused)
            again = payment("a", 14, "s-1")._replace(idempotency=key)
            (first,) = await store.append([again])
            assert isinstance(first, Committed)
            (second,) = await store.append([again])
            assert not isinstance(second, Committed)
            assert len(await read_log(store)) == 1

    asyncio.run(run())


def test_requests_that_are_not_committed_are_not_handled(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Balances()])
            await pay(store, [("a", 1)], "s-1")
            verdicts = await store.append(
                [AppendRequest({"s-1": NO_STREAM}, [new(Paid("a", 5), "s-1")]), payment("b", 2, "s-2"), AppendRequest({"s-1": NO_STREAM})]
            )
            assert [type(verdict) for verdict in verdicts] == [Conflict, Committed, Conflict]
            assert await balances(store) == {"a": (1, 1), "b": (2, 1)}

    asyncio.run(run())


def test_a_handler_that_passes_over_a_refusal_fails_all_the_same(make: Make) -> None:
    @projection
    class Careless:
        def create(self, context: Context) -> None:
            context.execute(f"CREATE TABLE {context.table('careless')} (n INTEGER PRIMARY KEY)")

        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            try:
                await context.fetch(f"INSERT INTO {context.table('careless')} VALUES (1) RETURNING n")
            except RequestRefused:
                return

    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Careless()])
            assert isinstance((await store.append([payment("a", 1, "s-1")]))[0], Committed)
            (verdict,) = await store.append([payment("a", 1, "s-1")])
            assert isinstance(verdict, Refused)
            assert isinstance(verdict.error, InlineProjectionFailed)
            assert len(await read_log(store)) == 1

    asyncio.run(run())


def test_a_handler_that_waits_for_something_else_is_refused(make: Make) -> None:
    """Where appends are made in a thread or under a lock. On PostgreSQL it could wait, and would keep everybody waiting."""

    @projection
    class Waits:
        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            await asyncio.sleep(0)

    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Waits()])
            (verdict,) = await store.append([payment("a", 1, "s-1")])
            if isinstance(store, PostgresEventStore):
                assert isinstance(verdict, Committed)
            else:
                assert isinstance(verdict, Refused)
                assert isinstance(verdict.error, InlineProjectionFailed)
                assert "awaited something else than its context" in str(verdict.error)

    asyncio.run(run())


@pytest.mark.parametrize("ends", [SystemExit, asyncio.CancelledError])
def test_a_handler_cannot_end_the_store(make: Make, ends: type[BaseException]) -> None:
    @projection
    class Ends:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            if recorded.event.amount == 13:
                raise ends

    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Ends()])
            verdicts = await store.append([payment("a", 1, "s-1"), payment("a", 13, "s-2")])
            assert [type(verdict) for verdict in verdicts] == [Committed, Refused]
            assert isinstance((await store.append([payment("a", 1, "s-1")]))[0], Committed)

    asyncio.run(run())


# Other processes


def test_an_append_without_the_projection_is_refused(lasting: Make) -> None:
    async def run() -> None:
        async with lasting() as other, lasting() as store:
            await pay(other, [("a", 1)])
            await project_inline(store, [Balances()])
            with pytest.raises(InlineProjectionsDiffer, match="balances/1") as caught:
                await pay(other, [("a", 1)])
            assert (caught.value.demanded, caught.value.kept) == ("balances/1", None)
            await project_inline(other, [Balances()])
            await pay(other, [("a", 1)])
            assert await balances(store) == {"a": (2, 2)}
        async with lasting() as store:
            with pytest.raises(InlineProjectionsDiffer):
                await pay(store, [("a", 1)])
            assert len(await read_log(store)) == 2
            # Questions are no appends.
            (verdict,) = await store.append([AppendRequest({"payments-1": NO_STREAM})])
            assert isinstance(verdict, Conflict)

    asyncio.run(run())


def test_all_of_them_have_to_be_kept(lasting: Make) -> None:
    async def run() -> None:
        async with lasting() as store, lasting() as other:
            await project_inline(store, [Balances()])
            await project_inline(other, [Balances(), Limited()])
            with pytest.raises(InlineProjectionsDiffer, match="balances/1 limited/1"):
                await pay(store, [("a", 1)])
            with pytest.raises(InlineProjectionsDiffer):
                await project_inline(store, [Balances()])
            await project_inline(store, [Limited(), Balances()])
            await pay(store, [("a", 1)])

    asyncio.run(run())


def test_many_processes_begin_at_once(lasting: Make) -> None:
    async def run() -> None:
        async with lasting() as one, lasting() as two, lasting() as three:
            await pay(one, [(f"a{n % 7}", n) for n in range(1000)])
            await asyncio.gather(*(project_inline(each, [Balances(), Limited2()], batch_size=50) for each in (one, two, three)))
            await asyncio.gather(*(pay(each, [("x", 1)] * 3, f"s-{n}") for n, each in enumerate((one, two, three))))
            assert await balances(one) == await folded(one)
            async with records(one, read_only=True) as kept:
                assert [(each.name, each.generation, each.live, each.inline) for each in await kept.load_all()] == [
                    ("balances", 1, True, True),
                    ("limited2", 1, True, True),
                ]

    asyncio.run(run())


def test_another_process_may_finish_what_this_one_builds(lasting: Make) -> None:
    """The last page is handled here after the other has switched: it is not handled twice, and this process just goes on."""

    async def run() -> None:
        async with lasting() as one, lasting() as two:
            await pay(one, [("a", 1)] * 100)
            read, switch, reached, go_on = two.read_all, one.switch_inline, asyncio.Event(), asyncio.Event()

            async def held_up(*arguments: object, **options: object) -> object:
                page = await read(*arguments, **options)  # type: ignore[arg-type]
                reached.set()
                await go_on.wait()
                return page

            @asynccontextmanager
            async def between() -> AsyncIterator[object]:
                """The first has built all there was and gave the lease back: the second one takes it, and reads what is new, before the switch."""
                await pay(two, [("a", 1)])
                late = asyncio.create_task(project_inline(two, [Balances()]))
                await reached.wait()
                async with switch() as switching:
                    yield switching
                go_on.set()
                await late

            # The attributes of these objects alone.
            two.read_all = held_up  # type: ignore[method-assign,assignment]
            one.switch_inline = between  # type: ignore[method-assign,assignment]
            await project_inline(one, [Balances()])
            await pay(two, [("a", 1)])
            assert await balances(one) == await folded(one) == {"a": (102, 102)}

    asyncio.run(run())


def test_a_runner_that_fails_too_late_says_nothing_of_an_inline_projection(lasting: Make) -> None:
    """A fault would keep it, once it is a runner's again, at the place where it became inline: what was appended since would come twice."""
    failed = asyncio.Event()

    @projection(name="balances", retry=RetryPolicy(max_attempts=3, initial_delay=0.5, jitter=0))
    class Failing(Balances):
        @on(Paid)
        async def refuse(self, recorded: Recorded[Paid], context: Context) -> None:
            if recorded.event.account == "b":
                failed.set()
                raise ValueError("no")

    async def run() -> None:
        async with lasting() as one, lasting() as two:
            await pay(one, [("a", 1)] * 5)
            switch, running = one.switch_inline, ProjectionRunner(two, [Failing()])

            @asynccontextmanager
            async def between() -> AsyncIterator[object]:
                """All there was is built: a runner with other code takes the lease, fails at what is new, and tries again after the switch."""
                await running.__aenter__()
                await pay(two, [("b", 1)])
                await failed.wait()
                await asyncio.sleep(0.1)
                async with switch() as switching:
                    yield switching

            # The attribute of this object alone.
            one.switch_inline = between  # type: ignore[method-assign,assignment]
            await project_inline(one, [Balances()])
            one.switch_inline = switch  # type: ignore[method-assign]
            await asyncio.sleep(1)
            await running.__aexit__(None, None, None)

            assert await fault(one) is None
            await pay(one, [("a", 1)] * 5)
            await end_and_go_on(one)

    async def fault(store: Store) -> str | None:
        async with records(store, read_only=True) as kept:
            return (await kept.load("balances"))[0].fault

    async def end_and_go_on(store: Store) -> None:
        await end_inline(store, "balances")
        async with ProjectionRunner(store, [Balances()]) as running:
            await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
        assert await balances(store) == await folded(store) == {"a": (11, 11), "b": (1, 1)}

    asyncio.run(run())


def test_an_old_fault_does_not_keep_the_end_of_inline_from_where_it_is(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Balances()])
            await pay(store, [("a", 1)] * 5)
            async with store.transaction() as transaction:
                await transaction.execute([Statement(f"UPDATE {transaction.table('projections')} SET fault = 'old'")])
            await end_inline(store, "balances")
            async with ProjectionRunner(store, [Balances()]) as running:
                await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
            assert await balances(store) == {"a": (6, 6)}

    asyncio.run(run())


def test_what_is_paused_before_the_switch_does_not_become_inline(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            switch = store.switch_inline

            @asynccontextmanager
            async def between() -> AsyncIterator[object]:
                async with records(store) as kept:
                    await kept.pause("balances", paused=True)
                async with switch() as switching:
                    yield switching

            # The attribute of this object alone.
            store.switch_inline = between  # type: ignore[method-assign,assignment]
            await pay(store, [("a", 1)])
            with pytest.raises(ProjectionStopped, match="it is paused"):
                await project_inline(store, [Balances()])

    asyncio.run(run())


@projection
class Limited2:
    @on(Paid)
    def paid(self, recorded: Recorded[Paid], context: Context) -> None: ...


def test_a_new_version_is_built_beside_the_old_one(lasting: Make) -> None:
    @projection(name="balances", version=2)
    class Newer(Balances):
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            context.execute(
                f"INSERT INTO {context.table('balances')} AS b (account, balance, payments) VALUES ($1, $2, 1) "
                "ON CONFLICT (account) DO UPDATE SET balance = b.balance + excluded.balance, payments = b.payments + 1",
                recorded.event.account,
                -recorded.event.amount,
            )

    async def run() -> None:
        async with lasting() as old, lasting() as store:
            await project_inline(old, [Balances()])
            await pay(old, [("a", 5)])
            await project_inline(store, [Newer()])
            assert await balances(store) == {"a": (-5, 1)}
            await pay(store, [("a", 5)])
            assert await balances(store) == {"a": (-10, 2)}
            with pytest.raises(InlineProjectionsDiffer):
                await pay(old, [("a", 5)])
            with pytest.raises(InvalidArgument, match="newer code"):
                await project_inline(old, [Balances()])

    asyncio.run(run())


def test_from_a_runner_and_back(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await pay(store, [("a", 1)] * 3)
            async with ProjectionRunner(store, [Balances()], poll_interval=0.05) as runner:
                await runner.caught_up(await pay(store, [("a", 1)]), timeout=20)
                with pytest.raises(ProjectionStopped, match="a runner runs it"):
                    await project_inline(store, [Balances()], timeout=0)
            await pay(store, [("a", 1)])
            await project_inline(store, [Balances()])
            await pay(store, [("a", 1)])
            assert await balances(store) == await folded(store)
            async with ProjectionRunner(store, [Balances()], poll_interval=0.05) as runner:
                await runner.caught_up(await pay(store, [("a", 1)]), timeout=5)
                assert await balances(store) == await folded(store)
                await end_inline(store, "balances")
                await runner.caught_up(await pay(store, [("b", 1)]), timeout=20)
                assert await balances(store) == await folded(store)
            with pytest.raises(InvalidArgument, match="no inline projection"):
                await end_inline(store, "balances")

    asyncio.run(run())


def test_ending_it_refuses_no_append_of_the_same_store(make: Make) -> None:
    class Slow(ForwardingStore):
        @asynccontextmanager
        async def switch_inline(self) -> AsyncGenerator[InlineSwitch]:
            async with super().switch_inline() as switch:
                yield switch
            await asyncio.sleep(0.1)

    async def run() -> None:
        async with make() as store:
            await project_inline(store, [Balances()])
            ended = asyncio.Event()

            async def go_on(stream_id: str) -> None:
                while not ended.is_set():
                    (verdict,) = await store.append([payment("a", 1, stream_id)])
                    assert isinstance(verdict, Committed), verdict
                    await asyncio.sleep(0)

            appending = [asyncio.create_task(go_on(f"s-{number}")) for number in range(8)]
            await end_inline(Slow(store), "balances")
            ended.set()
            await asyncio.gather(*appending)
            async with ProjectionRunner(store, [Balances()], poll_interval=0.05) as runner:
                await runner.caught_up((await store.read_all(limit=1_000_000)).position, timeout=20)
                assert await balances(store) == await folded(store)

    asyncio.run(run())


def test_history_that_it_cannot_take_is_told_and_gone_on_with(make: Make) -> None:
    async def run() -> None:
        async with make() as store:
            await pay(store, [("a", 1), ("b", 13)], "s-1")
            with pytest.raises(
                ProjectionStopped, match=r"'limited' does not go on: 'Paid', version 2 of stream 's-1': ValueError: unlucky"
            ):
                await project_inline(store, [Limited()])
            await pay(store, [("a", 1)])  # nothing is demanded of anybody

    asyncio.run(run())


def test_history_that_the_database_refuses_is_told_by_its_event(make: Make) -> None:
    """What a page queued runs at once: the event is found in shorter pages. One that comes just before the switch is found behind it."""

    @projection
    class Unique:
        def create(self, context: Context) -> None:
            context.execute(f"CREATE TABLE {context.table('accounts')} (account TEXT PRIMARY KEY)")

        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            context.execute(f"INSERT INTO {context.table('accounts')} VALUES ($1)", recorded.event.account)

    async def run() -> None:
        async with make() as store:
            await pay(store, [(f"a{n}", 1) for n in range(40)], "s-1")
            switch = store.switch_inline

            @asynccontextmanager
            async def between() -> AsyncIterator[object]:
                await pay(store, [("b", 1), ("a7", 1), ("c", 1)], "s-1")
                async with switch() as switching:
                    yield switching

            # The attribute of this object alone.
            store.switch_inline = between  # type: ignore[method-assign,assignment]
            for _ in range(2):
                with pytest.raises(ProjectionStopped, match=r"'unique' does not go on: 'Paid', version 42 of stream 's-1': .*accounts__1"):
                    await project_inline(store, [Unique()])
            await pay(store, [("a", 1)])  # nothing is demanded of anybody

    asyncio.run(run())


def test_what_is_replaced_while_it_is_built_is_no_fault_of_an_event(lasting: Make) -> None:
    """Newer code may be faster: then this process is told that its code is older, and not that a table is missing."""

    @projection(name="balances", version=2)
    class Second(Balances): ...

    async def run() -> None:
        async with lasting() as one, lasting() as two:
            last = await pay(one, [("a", 1)] * 100)
            async with ProjectionRunner(one, [Balances()]) as running:
                await running.caught_up(last, timeout=20)
            await pay(one, [("a", 1)])
            read = one.read_all

            async def replaced(*arguments: object, **options: object) -> object:
                page = await read(*arguments, **options)  # type: ignore[arg-type]
                await project_inline(two, [Second()])
                return page

            # The attribute of this object alone.
            one.read_all = replaced  # type: ignore[method-assign,assignment]
            with pytest.raises(InvalidArgument, match="was built by newer code, as version 2; this code has version 1"):
                await project_inline(one, [Balances()])

    asyncio.run(run())


def test_history_that_lets_a_handler_be_cancelled_cancels_nobody(make: Make) -> None:
    @projection
    class Waits:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            raise asyncio.CancelledError

    async def run() -> None:
        async with make() as store:
            await store.append([payment("a", 1, "s-1")])
            with pytest.raises(ProjectionStopped, match="HandlerCancelled"):
                await project_inline(store, [Waits()])

    asyncio.run(run())


def test_what_cannot_be_inline_is_told(make: Make) -> None:
    @projection
    class Mails:
        @on(Paid, effect=True)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None: ...

    @projection(on_fault="park")
    class Parks:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None: ...

    async def run() -> None:
        async with make() as store:
            for unfit, why in (([Mails()], "effect"), ([Parks()], "park"), ([], "none"), ([Balances(), Balances()], "different names")):
                with pytest.raises(InvalidArgument, match=why):
                    await project_inline(store, unfit)

    asyncio.run(run())
