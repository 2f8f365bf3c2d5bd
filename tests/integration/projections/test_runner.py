from __future__ import annotations

import asyncio
import math
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from eventcore import EventCodec, InMemoryEventStore, Recorded, RetryPolicy, SqliteEventStore
from eventcore.errors import (
    DefinitionError,
    InvalidArgument,
    LeaseLost,
    ProjectionBehind,
    ProjectionStopped,
    StoreBusy,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnavailable,
)
from eventcore.ids import Position
from eventcore.projections import Context, ProjectionRunner, caught_up, on, projection
from eventcore.projections.building import Building
from eventcore.projections.declare import OnFault
from eventcore.projections.projector import Projector
from eventcore.projections.records import Progress, physical_name, records
from eventcore.projections.runner import live_record
from eventcore.store import EventStore, Lease, ReadModelTransaction, Statement
from eventcore.stores.postgres import PostgresEventStore
from eventcore.testing import simulate
from eventcore.testing.forwarding import ForwardingStore
from tests.integration.projections.lab import Balances, Paid, Remarked, folded, pay, record, shown

QUICK = RetryPolicy(max_attempts=3, initial_delay=0.001)


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], EventStore]:
    match request.param:
        case "memory":
            return InMemoryEventStore
        case "sqlite":
            return lambda: SqliteEventStore(tmp_path / "events.db")
        case _:
            dsn, schema = request.getfixturevalue("postgres"), request.getfixturevalue("schema")
            return lambda: PostgresEventStore(dsn, schema=schema)


def runner(store: EventStore, *projections: object, **settings: float) -> ProjectionRunner:
    return ProjectionRunner(store, projections or [Balances()], poll_interval=0.05, **settings)  # type: ignore[arg-type]


async def balances(store: EventStore, table: str = "balances") -> dict[str, tuple[int, int]]:
    async with store.transaction(read_only=True) as transaction:
        rows = await transaction.fetch(Statement(f"SELECT account, balance, payments FROM {transaction.table(table)}"))
    return {row["account"]: (row["balance"], row["payments"]) for row in rows}


def test_it_catches_up_and_follows(make: Callable[[], EventStore]) -> None:
    async def run() -> None:
        async with make() as store:
            await pay(store, [(f"a{n % 7}", n) for n in range(1200)])
            async with runner(store, batch_size=100) as running:
                await running.caught_up(await pay(store, [("a1", 5)]), timeout=20)
                await running.caught_up(await pay(store, [("new", 5)]), timeout=20)
                assert await balances(store) == await folded(store)

    asyncio.run(run())


def test_what_fell_back_is_gone_on_with_from_there(make: Callable[[], EventStore]) -> None:
    """As after a failover that lost what a runner had handled, while it only waited: it knows of nothing."""

    async def run() -> None:
        async with make() as store, ProjectionRunner(store, [Balances()], poll_interval=3600) as running:
            kept = await pay(store, [("a", 1)])
            await running.caught_up(kept, timeout=20)
            before = await live_record(store, "balances")
            assert before is not None
            await running.caught_up(await pay(store, [("b", 2)]), timeout=20)
            async with records(store) as falling:
                table = falling.transaction.table(physical_name("balances", before.generation))
                await falling.transaction.execute([Statement(f"DELETE FROM {table} WHERE account = 'b'")])
                now = await falling.load_one("balances", before.generation)
                assert now is not None
                assert await falling.advance("balances", before.generation, Progress(before.position, 0), after=now.position) is False
            await running.caught_up(await pay(store, [("c", 3)]), timeout=20)
            async with asyncio.timeout(20):
                while await balances(store) != await folded(store):
                    await asyncio.sleep(0.01)

    asyncio.run(run())


def test_no_hidden_limit(make: Callable[[], EventStore]) -> None:
    """A projection passes pages that hold only other event types, and says so to those who wait."""

    async def run() -> None:
        async with make() as store:
            await pay(store, [("a", 1)])
            for _ in range(30):
                await record(store, [Remarked("x")] * 100)
            await pay(store, [("a", 1)])
            last = await record(store, [Remarked("x")] * 500)
            async with runner(store, batch_size=10) as running:
                await running.caught_up(last, timeout=20)
                assert await balances(store) == {"a": (2, 2)}
                await caught_up(store, "balances", last, timeout=5)
                # What comes while it follows, and is not for it, is progress all the same.
                await caught_up(store, "balances", await record(store, [Remarked("x")] * 30), timeout=5)

    asyncio.run(run())


def test_it_goes_on_where_it_left_off(make: Callable[[], EventStore]) -> None:
    async def run() -> None:
        async with make() as store:
            for _ in range(3):
                last = await pay(store, [("a", 1)] * 50)
                async with runner(store, batch_size=7) as running:
                    await running.caught_up(last, timeout=20)
            assert await balances(store) == {"a": (150, 150)}

    asyncio.run(run())


def test_a_runner_that_is_cancelled_leaves_nobody_at_work(make: Callable[[], EventStore]) -> None:
    async def run() -> None:
        async with make() as store:
            before = asyncio.all_tasks()
            running = asyncio.create_task(runner(store).run())
            await caught_up(store, "balances", await pay(store, [("a", 1)]), timeout=20)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert not [
                task.get_name()
                for task in asyncio.all_tasks() - before
                if task.get_name().startswith(("eventcore-worker", "eventcore-lease"))
            ]
            assert await store.acquire_lease("projection/balances/1", owner="another", ttl=timedelta(seconds=1)) is not None

    asyncio.run(run())


def test_a_runner_that_was_made_before_a_fork_is_another_one_in_each_process(tmp_path: Path) -> None:
    """By one name both would hold the lease, and handle every event twice."""
    path = tmp_path / "events.db"
    subprocess.run([sys.executable, "-m", "tests.integration.projections.forked", str(path)], check=True, timeout=60)

    assert shown(path) == {"a": (300, 300)}


def test_a_runner_runs_once_at_a_time() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            running = runner(store)
            async with running:
                with pytest.raises(InvalidArgument, match="runs already"):
                    await running.run()
            alone = asyncio.create_task(running.run())
            await asyncio.sleep(0)
            with pytest.raises(InvalidArgument, match="runs already"):
                await running.__aenter__()
            running.stop()
            await alone

    asyncio.run(run())


def test_a_runner_runs_again_in_another_event_loop_and_on_a_new_store(tmp_path: Path) -> None:
    """As that of a web application does, whose tests begin and end it again and again."""
    path = tmp_path / "events.db"
    store = SqliteEventStore(path)
    running = runner(store)

    async def beside() -> None:
        async with store, running:
            await running.caught_up(await pay(store, [("a", 1)]), timeout=20)

    async def alone() -> None:
        async with store:
            work = asyncio.create_task(running.run())
            await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
            running.stop()
            await work

    for number, again in enumerate([beside, beside, alone, alone, beside], start=1):
        asyncio.run(again())
        assert shown(path) == {"a": (number, number)}
    for file in tmp_path.iterdir():
        file.unlink()
    asyncio.run(beside())
    assert shown(path) == {"a": (1, 1)}


def test_who_waits_for_one_that_is_stopped_leaves_nobody_waiting_for_the_others(make: Callable[[], EventStore]) -> None:
    @projection
    class Beside:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None: ...

    async def run() -> None:
        async with make() as store:
            async with records(store) as kept:
                await kept.add("beside", 1, 1, live=True)
                await kept.pause("beside", paused=True)
            last = await pay(store, [("a", 1)])
            before = asyncio.all_tasks()
            with pytest.raises(ProjectionStopped):
                await runner(store, Balances(), Beside()).caught_up(last, timeout=600)
            assert asyncio.all_tasks() - before == set()

    asyncio.run(run())


def test_giving_a_lease_back_takes_no_longer_than_the_lease() -> None:
    """A store that is away would be waited for, and the end of the program with it."""

    class Away(ForwardingStore):
        async def release_lease(self, lease: Lease, /) -> None:
            await asyncio.sleep(3600)

    async def run() -> None:
        async with InMemoryEventStore() as store:
            running = asyncio.create_task(runner(Away(store), lease_seconds=0.2).run())
            await caught_up(store, "balances", await pay(store, [("a", 1)]), timeout=20)
            running.cancel()
            async with asyncio.timeout(5):
                await asyncio.wait([running])

    asyncio.run(run())


def test_a_runner_without_an_open_store_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(runner(SqliteEventStore(tmp_path / "events.db")).run())

    (told,) = [each.getMessage() for each in caplog.records if each.name == "eventcore.projections"]
    assert told.startswith("projection balances ended: the store of ")
    assert "async with" in told


def test_a_batch_that_fails_leaves_nothing_and_harms_no_neighbour(make: Callable[[], EventStore]) -> None:
    """Skipped after its attempts: of the faulty event nothing stays, of all others everything, once."""
    seen: list[str] = []

    @projection(on_fault="skip", retry=QUICK, name="balances")
    class Careful(Balances):
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            super().paid(recorded, context)
            if recorded.event.account == "bad":
                seen.append("bad")
                raise ValueError("no")

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [("a", 1)] * 30 + [("bad", 1)] + [("a", 1)] * 30)
            async with runner(store, Careful()) as running:
                await running.caught_up(last, timeout=20)
            assert await balances(store) == {"a": (60, 60)}
            # Once in its batch, once to find it, and as often as the policy says.
            assert len(seen) == QUICK.max_attempts + 1

    asyncio.run(run())


def test_a_handler_whose_work_was_cancelled_fails_like_any_other(make: Callable[[], EventStore]) -> None:
    """What it awaited was cancelled by somebody, and nobody cancelled the runner."""

    @projection(on_fault="park", retry=QUICK)
    class Waits:
        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            work = asyncio.get_running_loop().create_future()
            work.cancel()
            await work

    async def run() -> None:
        async with make() as store, runner(store, Waits()) as running:
            await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
            async with records(store, read_only=True) as kept:
                (parked,) = await kept.parked("waits")
                assert parked.error == "HandlerCancelled: something that it awaited was cancelled"

    asyncio.run(run())


def test_an_event_is_not_tried_again_after_the_deadline_of_its_policy(make: Callable[[], EventStore]) -> None:
    tries = 0

    @projection(on_fault="skip", retry=RetryPolicy(max_attempts=1000, initial_delay=0.02, max_delay=0.02, jitter=0.0, deadline=0.1))
    class Hopeless:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            nonlocal tries
            tries += 1
            raise ValueError("no")

    async def run() -> None:
        async with make() as store, runner(store, Hopeless()) as running:
            await running.caught_up(await pay(store, [("a", 1)]), timeout=60)
            assert tries < 1000

    asyncio.run(run())


@pytest.mark.parametrize("error", [StoreFull, StoreReadOnly, StoreUnavailable, StoreBusy])
def test_a_store_that_takes_nothing_is_waited_for_and_no_event_is_blamed(error: type[StoreError]) -> None:
    class Sick(ForwardingStore):
        left = 0

        async def _forward(self, operation: str, call: Coroutine[object, object, Any], /) -> Any:
            if operation == "execute" and self.left:
                self.left -= 1
                call.close()
                raise error("not now")
            return await call

    @projection(on_fault="skip", retry=QUICK, name="balances")
    class Skipping(Balances): ...

    async def run() -> None:
        async with InMemoryEventStore() as store:
            sick = Sick(store)
            async with runner(sick, Skipping()):
                await caught_up(store, "balances", await pay(store, [("a", 1)]), timeout=20)
                sick.left = QUICK.max_attempts + 2
                await caught_up(store, "balances", await pay(store, [("a", 1)] * 5), timeout=20)
            assert sick.left == 0
            assert await balances(store) == {"a": (6, 6)}

    asyncio.run(run())


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("a\0b"), r"ValueError: a\x00b"),
        (ValueError("a\ud800b"), r"ValueError: a\ud800b"),
        (Unspeakable(), "Unspeakable: it cannot be told (RuntimeError)"),
    ],
    ids=["zero", "surrogate", "none"],
)
def test_an_error_with_a_text_that_no_store_keeps_is_told_all_the_same(
    make: Callable[[], EventStore], error: Exception, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("CRITICAL", "eventcore.projections")  # pytest-xdist cannot hand on half of a pair, either

    @projection(on_fault="park", retry=QUICK)
    class Quoting:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            raise error

    async def run() -> None:
        async with make() as store, runner(store, Quoting()) as running:
            await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
            async with records(store) as kept:
                (parked,) = await kept.parked("quoting")
                assert parked.error == told
                assert await kept.request_retry("quoting") == 1
            async with asyncio.timeout(20):
                while parked.attempts == QUICK.max_attempts:
                    await asyncio.sleep(0.02)
                    async with records(store, read_only=True) as kept:
                        (parked,) = await kept.parked("quoting")

    asyncio.run(run())


def test_in_a_simulation_time_is_that_of_the_loop() -> None:
    """A minute of trying passes at once, and so does the interval after which a runner looks for what was asked of it."""
    tries = 0

    @projection(on_fault="park", retry=RetryPolicy(max_attempts=1000, initial_delay=10, max_delay=10, jitter=0.0, deadline=60))
    class Hopeless:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            nonlocal tries
            tries += 1
            raise ValueError("no")

    async def run() -> None:
        async with InMemoryEventStore() as store, ProjectionRunner(store, [Hopeless()], poll_interval=3600) as running:
            began = asyncio.get_running_loop().time()
            await running.caught_up(await pay(store, [("a", 1)]), timeout=3600)
            assert 60 <= asyncio.get_running_loop().time() - began < 80
            before = tries
            async with records(store) as kept:
                assert await kept.request_retry("hopeless") == 1
            await asyncio.sleep(7200)
            assert tries == before + 1

    simulate(run, seed=1)


def test_generations_with_indexes_stand_side_by_side(make: Callable[[], EventStore]) -> None:
    class Indexed(Balances):
        def create(self, context: Context) -> None:
            super().create(context)
            context.execute(f"CREATE INDEX by_balance_{context.generation} ON {context.table('balances')} (balance)")

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [("a", 1)])
            for version in (1, 2, 3):
                async with runner(store, projection(name="balances", version=version)(Indexed)()) as running:
                    await running.caught_up(last, timeout=20)
                    await until_live(store, version)
            assert await balances(store) == {"a": (1, 1)}

    asyncio.run(run())


def test_a_stopped_projection_stops_no_other(make: Callable[[], EventStore]) -> None:
    @projection(retry=QUICK)
    class Faulty:
        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            raise ValueError("no")

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [("a", 1)] * 10)
            async with runner(store, Faulty(), Balances()) as running:
                with pytest.raises(ProjectionStopped, match="ValueError: no"):
                    await running.caught_up(last, timeout=20, projections=["faulty"])
                await running.caught_up(await pay(store, [("a", 1)]), timeout=20, projections=["balances"])
            assert await balances(store) == {"a": (11, 11)}

    asyncio.run(run())


def test_a_stopped_projection_goes_on_when_it_is_resumed(make: Callable[[], EventStore]) -> None:
    broken = True

    @projection(retry=QUICK, name="balances")
    class Mended(Balances):
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            if broken:
                raise ValueError("no")
            super().paid(recorded, context)

    async def run() -> None:
        nonlocal broken
        async with make() as store:
            last = await pay(store, [("a", 1)] * 3)
            async with runner(store, Mended()) as running:
                with pytest.raises(ProjectionStopped):
                    await running.caught_up(last, timeout=20)
                broken = False
                async with records(store) as kept:
                    assert await kept.resume("balances")
                await until_reached(store, last)
            assert await balances(store) == {"a": (3, 3)}

    asyncio.run(run())


@pytest.mark.parametrize("on_fault", ["stop", "skip", "park"])
def test_a_projection_that_cannot_make_its_tables_stops_and_says_why(make: Callable[[], EventStore], on_fault: OnFault) -> None:
    """There is no event to skip or to park. Resumed, it makes them and handles everything; no neighbour feels it."""
    tries = 0

    @projection(name="balances", on_fault=on_fault, retry=QUICK)
    class Faulty(Balances):
        def create(self, context: Context) -> None:
            nonlocal tries
            tries += 1
            super().create(context)
            context.execute("CREATE TABLE no table")

    @projection(name="neighbour")
    class Neighbour:
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None: ...

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [("a", 1)])
            async with runner(store, Faulty(), Neighbour()) as running:
                with pytest.raises(
                    ProjectionStopped, match="does not go on: `create`, which makes its tables: RequestRefused: .*CREATE TABLE"
                ):
                    await running.caught_up(last, timeout=20, projections=["balances"])
                await running.caught_up(last, timeout=20, projections=["neighbour"])
                assert tries == QUICK.max_attempts
            async with records(store) as kept:
                (record,) = await kept.load("balances")
                assert not record.goes_on
                assert record.tables == ()
                assert await kept.resume("balances")
            async with runner(store) as running:
                await running.caught_up(last, timeout=20)
            assert await balances(store) == {"a": (1, 1)}

    asyncio.run(run())


def test_a_parked_event_is_handled_later(make: Callable[[], EventStore]) -> None:
    broken = True

    @projection(on_fault="park", retry=QUICK, name="balances")
    class Parking(Balances):
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            super().paid(recorded, context)
            if broken and recorded.event.account == "bad":
                raise ValueError("no")

    async def run() -> None:
        nonlocal broken
        async with make() as store:
            last = await pay(store, [("a", 1), ("bad", 1), ("a", 1)])
            async with runner(store, Parking()) as running:
                await running.caught_up(last, timeout=20)
                assert await balances(store) == {"a": (2, 2)}
                broken = False
                async with records(store) as kept:
                    assert await kept.count_parked() == {("balances", 1): 1}
                    assert await kept.request_retry("balances") == 1
                async with asyncio.timeout(20):
                    while await balances(store) != {"a": (2, 2), "bad": (1, 1)}:
                        await asyncio.sleep(0.02)
            async with records(store, read_only=True) as kept:
                assert await kept.count_parked() == {}

    asyncio.run(run())


def test_a_pause_takes_no_effect_of_the_batch_back(make: Callable[[], EventStore]) -> None:
    """The batch that the projection is at is committed, and is the last one: not even its effects are repeated when it goes on."""
    done: Counter[int] = Counter()

    @projection
    class Telling:
        @on(Paid, effect=True)
        async def tell(self, recorded: Recorded[Paid], context: Context) -> None:
            done[recorded.version] += 1
            await asyncio.sleep(0.02)

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [("a", 1)] * 15)
            async with runner(store, Telling(), batch_size=5, batch_seconds=5) as running:
                while not done:
                    await asyncio.sleep(0.005)
                async with records(store) as kept:
                    await kept.pause("telling", paused=True)
                await asyncio.sleep(0.5)
                # In memory a pause waits for its turn, and batches may be faster.
                assert len(done) == 5 or isinstance(store, InMemoryEventStore)
                async with records(store) as kept:
                    await kept.resume("telling")
                await running.caught_up(last, timeout=20)
            assert done == Counter(range(1, 16))

    asyncio.run(run())


def test_stopping_and_pausing_do_not_wait_for_all_parked_events(make: Callable[[], EventStore]) -> None:
    broken = True
    handled: list[int] = []

    @projection(on_fault="park", retry=RetryPolicy(max_attempts=1))
    class Parking:
        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            if broken:
                raise ValueError("no")
            handled.append(recorded.version)
            begun.set()
            await asyncio.sleep(0.05)

    async def ask(store: EventStore) -> None:
        begun.clear()
        async with records(store) as kept:
            await kept.request_retry("parking")
            await kept.resume("parking")

    begun = asyncio.Event()

    async def run() -> None:
        nonlocal broken
        async with make() as store:
            last = await pay(store, [("a", 1)] * 20)
            async with runner(store, Parking()) as running:
                await running.caught_up(last, timeout=20)
            broken = False
            await ask(store)
            async with runner(store, Parking()):
                await begun.wait()
            assert len(handled) < 5
            if isinstance(store, InMemoryEventStore):
                return  # whoever pauses there has no place in line
            await ask(store)
            async with runner(store, Parking()):
                await begun.wait()
                async with records(store) as kept:
                    assert await kept.pause("parking", paused=True)
                before = len(handled)
                await asyncio.sleep(0.3)
                assert len(handled) <= before + 1
            async with records(store, read_only=True) as kept:
                assert await kept.count_parked() == {("parking", 1): 20 - len(handled)}

    asyncio.run(run())


def test_a_runner_that_begins_handles_what_was_asked_for_before(make: Callable[[], EventStore]) -> None:
    broken = True

    @projection(on_fault="park", retry=QUICK, name="balances")
    class Parking(Balances):
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            if broken:
                raise ValueError("no")
            super().paid(recorded, context)

    async def run() -> None:
        nonlocal broken
        async with make() as store:
            async with runner(store, Parking()) as running:
                await running.caught_up(await pay(store, [("a", 1)]), timeout=20)
            async with records(store) as kept:
                assert await kept.request_retry("balances") == 1
            broken = False
            async with ProjectionRunner(store, [Parking()], poll_interval=1000), asyncio.timeout(20):
                while await balances(store) != {"a": (1, 1)}:
                    await asyncio.sleep(0.02)

    asyncio.run(run())


def test_an_async_handler_reads_what_it_wrote(make: Callable[[], EventStore]) -> None:
    @projection(name="balances")
    class Reading(Balances):
        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            table = context.table("balances")
            rows = await context.fetch(f"SELECT balance, payments FROM {table} WHERE account = $1", recorded.event.account)
            if not rows:
                context.execute(f"INSERT INTO {table} VALUES ($1, $2, 1)", recorded.event.account, recorded.event.amount)
            else:
                context.execute(
                    f"UPDATE {table} SET balance = $2, payments = $3 WHERE account = $1",
                    recorded.event.account,
                    rows[0]["balance"] + recorded.event.amount,
                    rows[0]["payments"] + 1,
                )

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [(f"a{n % 3}", n) for n in range(100)])
            async with runner(store, Reading()) as running:
                await running.caught_up(last, timeout=20)
            assert await balances(store) == await folded(store)

    asyncio.run(run())


def test_a_leader_that_stood_still_for_longer_than_its_lease_commits_nothing_of_its_batch() -> None:
    """It does not know: its process was stopped in the middle of a handler. Whoever got the lease meanwhile handles the batch, once."""
    stolen: list[Lease] = []

    class StandsStill(Balances):
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            super().paid(recorded, context)
            if not stolen:
                time.sleep(0.4)
                thief = threading.Thread(target=lambda: stolen.append(asyncio.run(steal())))
                thief.start()
                thief.join()

    store = InMemoryEventStore()

    async def steal() -> Lease:
        lease = await store.acquire_lease("projection/balances/1", owner="thief", ttl=timedelta(seconds=60))
        assert lease is not None, "the lease has not run out"
        return lease

    async def run() -> None:
        last = await pay(store, [("a", 1)] * 10)
        still = projection(name="balances")(StandsStill)
        async with runner(store, still(), lease_seconds=0.3):
            while not stolen:
                await asyncio.sleep(0.01)
            with pytest.raises(ProjectionBehind):
                await caught_up(store, "balances", last, timeout=0.3)
            await store.release_lease(stolen[0])
            await caught_up(store, "balances", last, timeout=20)
        assert await balances(store) == {"a": (10, 10)}

    asyncio.run(run())


def test_only_the_holder_of_the_lease_commits(make: Callable[[], EventStore]) -> None:
    """A leader that lost its lease while it worked commits nothing: its batch is handled by the next one, once."""

    async def run() -> None:
        async with make() as store:
            late = await take(store, "one", 0.02)
            await asyncio.sleep(0.05)
            held = await take(store, "two", 60)
            with pytest.raises(LeaseLost, match="of 'one' was not renewed in time"):
                async with store.transaction(under=late) as transaction:
                    await transaction.execute([Statement(f"CREATE TABLE {transaction.table('too_late')} (x INTEGER)")])
            async with store.transaction(under=held) as transaction:
                await transaction.execute([Statement(f"CREATE TABLE {transaction.table('too_late')} (x INTEGER)")])

    async def take(store: EventStore, owner: str, seconds: float) -> Lease:
        lease = await store.acquire_lease("projection/x/1", owner=owner, ttl=timedelta(seconds=seconds))
        assert lease is not None
        return lease

    asyncio.run(run())


@pytest.mark.parametrize("make", ["sqlite", "postgres"], indirect=True)
def test_who_holds_a_lease_is_found_as_long_as_it_lasts(make: Callable[[], Any]) -> None:
    async def run() -> None:
        async with make() as store:
            assert await store.find_lease("x") is None
            lease = await store.acquire_lease("x", owner="me", ttl=timedelta(seconds=60))
            assert await store.find_lease("x") == lease
            await store.release_lease(lease)
            assert await store.find_lease("x") is None
            short = await store.acquire_lease("x", owner="me", ttl=timedelta(milliseconds=1))
            assert short is not None
            await asyncio.sleep(0.05)
            assert await store.find_lease("x") is None

    asyncio.run(run())


def test_two_runners_share_the_work_and_each_event_counts_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with opened(tmp_path) as one, opened(tmp_path) as two, runner(one) as first, runner(two) as second:
            for _ in range(20):
                last = await pay(one, [("a", 1)] * 25)
            await asyncio.gather(first.caught_up(last, timeout=20), second.caught_up(last, timeout=20))
            assert shown(tmp_path / "events.db") == {"a": (500, 500)}

    asyncio.run(run())


def test_rebuild_harms_no_other(make: Callable[[], EventStore]) -> None:
    """The new version stands beside the old one until it knows as much; neighbours never notice."""
    mails: list[int] = []

    @projection(name="balances", version=2)
    class Doubled(Balances):
        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            super().paid(recorded, context)
            super().paid(recorded, context)

        @on(Paid, effect=True)
        def mail(self, recorded: Recorded[Paid], context: Context) -> None:
            mails.append(recorded.event.amount)

    @projection(name="neighbour")
    class Neighbour:
        def create(self, context: Context) -> None:
            context.execute(f"CREATE TABLE {context.table('seen')} (event_id TEXT PRIMARY KEY)")

        @on(Paid)
        def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            context.execute(f"INSERT INTO {context.table('seen')} VALUES ($1)", str(recorded.event_id))

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [(f"a{n % 3}", 1) for n in range(300)])
            async with runner(store, Balances(), Neighbour()) as running:
                await running.caught_up(last, timeout=20)
            before = await balances(store)
            async with runner(store, Doubled(), Neighbour(), batch_size=20) as running:
                while (now := await balances(store)) == before:
                    await asyncio.sleep(0.001)
                assert now == {account: (2 * total, 2 * count) for account, (total, count) in before.items()}
                assert mails == []
                await running.caught_up(await pay(store, [("a0", 7)]), timeout=20)
            assert mails == [7]
            async with store.transaction(read_only=True) as transaction:
                (row,) = await transaction.fetch(Statement(f"SELECT count(*) AS n FROM {transaction.table('seen')}"))
            assert row["n"] == 301
            async with records(store, read_only=True) as kept:
                assert [(each.name, each.version, each.generation) for each in await kept.load_all()] == [
                    ("balances", 2, 2),
                    ("neighbour", 1, 1),
                ]

    asyncio.run(run())


def test_in_a_file_a_view_of_somebodys_own_shows_the_new_read_model(tmp_path: Path) -> None:
    """SQLite looks a view's tables up by their names whenever it is read: nothing is in the way, and nothing is shown that was."""

    async def run() -> None:
        async with opened(tmp_path) as store, runner(store) as running:
            await running.caught_up(await pay(store, [("a", 1)] * 3), timeout=20)
            database = sqlite3.connect(tmp_path / "events.db", isolation_level=None)
            database.execute("CREATE VIEW rich AS SELECT account, balance FROM balances")
            database.execute("UPDATE balances__1 SET balance = 99")
            async with records(store) as kept:
                await kept.request_rebuild("balances")
            await until_live(store, 2)
            assert database.execute("SELECT * FROM rich").fetchall() == [("a", 3)]
            database.close()

    asyncio.run(run())


class Overtaken(ForwardingStore):
    """For whoever builds generation 2: before each of its transactions, the generation that is live handles another payment."""

    def __init__(self, store: EventStore) -> None:
        super().__init__(store)
        self.times = 0

    @asynccontextmanager
    async def transaction(self, *, under: Lease | None = None, read_only: bool = False) -> AsyncGenerator[ReadModelTransaction]:
        live = await live_record(self.store, "balances")
        if under is not None and live is not None and live.generation == 1:
            self.times += 1
            await caught_up(self.store, "balances", await pay(self.store, [("late", self.times)]), timeout=20)
        async with super().transaction(under=under, read_only=read_only) as transaction:
            yield transaction


def test_a_read_model_that_is_beyond_the_live_one_does_not_go_back_at_the_swap(make: Callable[[], EventStore]) -> None:
    """`project_inline` builds it up to now, whatever the live one has handled. Where it ends before the switch, a runner takes over what it built."""

    @projection(name="balances", version=2)
    class Second(Balances): ...

    async def run() -> None:
        async with make() as store:
            async with runner(store) as running:
                await running.caught_up(await pay(store, [("a", 1)] * 5), timeout=20)
            last = await pay(store, [("a", 1)] * 5)
            await Building(store, Projector(Second(), EventCodec()), 500).catch_up(math.inf)
            async with runner(store, Second()) as running:
                await running.caught_up(last, timeout=20)
                assert await balances(store) == {"a": (10, 10)}

    asyncio.run(run())


def test_what_the_live_read_model_handles_up_to_the_swap_is_in_the_new_one(make: Callable[[], EventStore]) -> None:
    """The new one is always behind when it takes the place of the old one: it has to handle the rest at that moment. No effect is left out."""
    mails: list[tuple[str, int]] = []

    class Mailing(Balances):
        @on(Paid, effect=True)
        def mail(self, recorded: Recorded[Paid], context: Context) -> None:
            mails.append((type(self).__name__, recorded.event.amount))

    @projection(name="balances", version=1)
    class Old(Mailing): ...

    @projection(name="balances", version=2)
    class New(Mailing): ...

    async def run() -> None:
        async with make() as store, runner(store, Old()) as old:
            await old.caught_up(await pay(store, [("early", 1000 + n) for n in range(30)]), timeout=20)
            overtaken = Overtaken(store)
            async with runner(overtaken, New(), batch_size=10) as new:
                await until_live(store, 2)
                await new.caught_up(await pay(store, [("after", 5000)]), timeout=20)
            assert await balances(store) == await folded(store)
            before = [("Old", amount) for amount in (*range(1, overtaken.times + 1), *range(1000, 1030))]
            # The old one may have been at the last payment too, and could not commit it.
            assert sorted(set(mails) - {("Old", 5000)}) == sorted([*before, ("New", 5000)])
            assert len(mails) == len(set(mails))

    asyncio.run(run())


# In memory, whoever opened a transaction keeps others waiting: nobody can be replaced in the middle of it.
@pytest.mark.parametrize("make", ["sqlite", "postgres"], indirect=True)
def test_of_several_that_are_built_only_the_newest_becomes_live(make: Callable[[], EventStore]) -> None:
    """A rebuild of old code that is under way when newer code begins: it would take away what that has built."""
    builds, goes_on = asyncio.Event(), asyncio.Event()

    @projection(name="balances")
    class Old(Balances):
        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            if context.rebuilding:
                builds.set()
                await goes_on.wait()
            super().paid(recorded, context)

    @projection(name="balances", version=2)
    class New(Balances): ...

    async def run() -> None:
        async with make() as store:
            last = await pay(store, [("a", 1)] * 3)
            async with runner(store, Old()) as old:
                await old.caught_up(last, timeout=20)
                async with records(store) as kept:
                    assert await kept.request_rebuild("balances") == 2
                await builds.wait()
                async with records(store) as kept:
                    await kept.add("balances", 3, 2, live=False)
                goes_on.set()
                await asyncio.sleep(0.5)
                async with records(store, read_only=True) as kept:
                    assert [(each.generation, each.live) for each in await kept.load("balances")] == [(1, True), (2, False), (3, False)]
                async with runner(store, New()), asyncio.timeout(20):
                    while (await live_record(store, "balances")).generation != 3:  # type: ignore[union-attr]
                        await asyncio.sleep(0.02)
            assert await balances(store) == {"a": (3, 3)}

    asyncio.run(run())


@pytest.mark.parametrize("make", ["sqlite", "postgres"], indirect=True)
def test_whoever_was_replaced_while_it_handled_an_event_blames_no_event(
    make: Callable[[], EventStore], caplog: pytest.LogCaptureFixture
) -> None:
    """Its tables are gone, and its SQL fails: that is not tried again, with all its effects, and nothing is parked."""
    handled: list[int] = []

    @projection(name="balances", version=2)
    class New(Balances): ...

    @projection(name="balances", version=1, on_fault="park", retry=QUICK)
    class Old(Balances):
        def __init__(self, store: EventStore) -> None:
            self.store = store

        @on(Paid)
        async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
            super().paid(recorded, context)
            handled.append(recorded.event.amount)
            if recorded.event.amount == 2:
                async with runner(self.store, New()):
                    await until_live(self.store, 2)

    async def run() -> None:
        async with make() as store:
            async with runner(store, Old(store)) as old:
                await old.caught_up(await pay(store, [("a", 1)]), timeout=20)
                await pay(store, [("a", 2)])
                await until_live(store, 2)
                async with runner(store, New()) as new:
                    await new.caught_up(await pay(store, [("a", 3)]), timeout=20)
            assert await balances(store) == {"a": (6, 3)}
            async with records(store, read_only=True) as kept:
                assert not await kept.count_parked()

    asyncio.run(run())
    assert handled == [1, 2]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_waiting_for_a_projection_that_nobody_runs_ends(make: Callable[[], EventStore]) -> None:
    async def run() -> None:
        async with make() as store:
            last = await pay(store, [("a", 1)])
            with pytest.raises(ProjectionBehind, match="balances"):
                await caught_up(store, "balances", last, timeout=0.05)

    asyncio.run(run())


async def until_live(store: EventStore, generation: int) -> None:
    async with asyncio.timeout(20):
        while True:
            async with records(store, read_only=True) as kept:
                if [(each.generation, each.live) for each in await kept.load("balances")] == [(generation, True)]:
                    return
            await asyncio.sleep(0.02)


async def until_reached(store: EventStore, position: Position) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                return await caught_up(store, "balances", position, timeout=20)
            except ProjectionStopped:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteEventStore]:
    async with SqliteEventStore(folder / "events.db") as store:
        yield store


def test_a_method_that_yields_is_refused_at_import() -> None:
    """It would do nothing when it is called, and its events would count as handled."""
    with pytest.raises(DefinitionError, match=r"Yields.*paid.*it yields"):

        @projection
        class Yields:
            @on(Paid)
            def paid(self, recorded: Recorded[Paid], context: Context) -> Iterator[None]:
                yield context.execute("SELECT 1")

    with pytest.raises(DefinitionError, match=r"YieldsLater.*paid.*it yields"):

        @projection
        class YieldsLater:
            @on(Paid)
            async def paid(self, recorded: Recorded[Paid], context: Context) -> AsyncIterator[object]:
                yield await context.fetch("SELECT 1")

    with pytest.raises(DefinitionError, match=r"MakesNothing.*create.*it yields"):

        @projection
        class MakesNothing(Balances):
            def create(self, context: Context) -> Iterator[None]:  # type: ignore[override]
                yield context.execute("SELECT 1")
