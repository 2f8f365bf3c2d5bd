"""Stores that misbehave on purpose are stores nevertheless; and the same seed misbehaves in the same way."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from bank.accounts import Account
from bank.commands import OpenAccount
from eventcore import (
    CommandExecutor,
    InMemoryEventStore,
    InvalidArgument,
    OutcomeUnknown,
    RetriesExhausted,
    RetryPolicy,
    SqliteEventStore,
    StoreUnavailable,
    StreamId,
)
from eventcore.projections import ProjectionRunner, project_inline
from eventcore.projections.records import records
from eventcore.store import EventStore, InlineStore, Statement
from eventcore.testing import ChaosStore, ConflictingStore, Deadlock, explore, simulate
from eventcore.testing.contract import EventStoreContract
from eventcore.testing.forwarding import ForwardingStore
from tests.integration.projections.lab import Balances, folded, pay
from tests.soak import times

ADA = StreamId.of(Account, "ada")
QUIET = {"conflicts": 0, "failures_before": 0, "failures_after": 0, "lost_replies": 0}


class TestChaosStoreOnAQuietDay(EventStoreContract):
    def open_store(self):
        return ChaosStore(seed=1, **QUIET)


class TestConflictingStoreWithoutConflicts(EventStoreContract):
    def open_store(self):
        return ConflictingStore(0)


def test_every_method_of_the_port_is_forwarded():
    ports = {*EventStore.__mro__, *InlineStore.__mro__}
    port = {name for base in ports for name, value in vars(base).items() if callable(value) and not name.startswith("_")}

    assert port <= set(vars(ForwardingStore))


async def opened(store):
    outcomes = []
    for number in range(40):
        try:
            await CommandExecutor(store).execute(OpenAccount(StreamId.of(Account, number), "x"))
            outcomes.append("ok")
        except Exception as error:
            outcomes.append(type(error).__name__)
    return outcomes, store.mishaps


def test_equal_seeds_give_equal_mishaps():
    one, same, other = (simulate(lambda seed=seed: opened(ChaosStore(seed=seed, latency=100)), seed=0) for seed in (1, 1, 2))

    assert one == same != other
    assert {mishap.what for mishap in one[1] + other[1]} == {"conflicts", "failures_before", "failures_after", "lost_replies"}


@pytest.mark.parametrize(
    ("mishap", "error", "is_there"),
    [("failures_before", StoreUnavailable, {0}), ("failures_after", OutcomeUnknown, {1}), ("lost_replies", OutcomeUnknown, {0, 1})],
)
def test_a_failed_append_has_done_what_its_kind_says(mishap, error, is_there):
    async def version(seed):
        store = InMemoryEventStore()
        with pytest.raises(error):
            await CommandExecutor(ChaosStore(store, seed=seed, operations={"append"}, **(QUIET | {mishap: 1}))).execute(
                OpenAccount(ADA, "Ada")
            )
        return (await CommandExecutor(store).load(ADA)).version

    assert {asyncio.run(version(seed)) for seed in range(20)} == is_there


def test_a_chaos_that_cannot_be_is_refused():
    with pytest.raises(InvalidArgument, match="no store has apend"):
        ChaosStore(seed=1, operations={"apend"})
    with pytest.raises(InvalidArgument, match="between 0 and 1"):
        ChaosStore(seed=1, conflicts=2)


def test_a_conflicting_store_conflicts_as_often_as_it_says():
    async def attempts(conflicts):
        executor = CommandExecutor(ConflictingStore(conflicts), retry=RetryPolicy(max_attempts=4, initial_delay=0))
        return (await executor.execute(OpenAccount(ADA, "Ada"))).attempts

    assert [asyncio.run(attempts(conflicts)) for conflicts in range(4)] == [1, 2, 3, 4]
    with pytest.raises(RetriesExhausted):
        asyncio.run(attempts(4))


async def letters():
    seen = []

    async def work(name):
        for _ in range(3):
            seen.append(name)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(work(name))
    return "".join(seen)


def test_a_seed_is_an_interleaving():
    assert [simulate(letters, seed=seed) for seed in range(20)] == [simulate(letters, seed=seed) for seed in range(20)]
    assert len({simulate(letters, seed=seed) for seed in range(20)}) > 10


def test_time_passes_at_once_and_in_its_order():
    async def main():
        async with asyncio.timeout(90_000):
            await asyncio.gather(*(asyncio.sleep(hours * 3600) for hours in (24, 1)))
        return asyncio.get_running_loop().time()

    assert simulate(main, seed=1) == pytest.approx(24 * 3600)


def test_tasks_that_wait_for_one_another_are_a_deadlock():
    async def main():
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match="nothing can go on"):
        simulate(main, seed=1)


def test_a_lost_update_is_found_and_its_seed_finds_it_again():
    async def main():
        counter = 0

        async def work():
            nonlocal counter
            read = counter
            await asyncio.sleep(0)
            counter = read + 1

        first = asyncio.create_task(work())
        await asyncio.gather(first, work())
        assert counter == 2

    with pytest.raises(AssertionError) as caught:
        explore(main)

    [note] = caught.value.__notes__
    assert note.startswith("this interleaving is seed ")
    with pytest.raises(AssertionError):
        simulate(main, seed=int(note.split("seed=")[1].rstrip(")")))


def test_a_deadline_passes_with_the_time_of_the_simulation():
    async def attempts(deadline):
        retry = RetryPolicy(max_attempts=1_000, initial_delay=10, max_delay=10, jitter=0, deadline=deadline)
        with pytest.raises(RetriesExhausted) as caught:
            await CommandExecutor(ConflictingStore(1_000), retry=retry).execute(OpenAccount(ADA, "Ada"))
        return caught.value.attempts, asyncio.get_running_loop().time()

    attempts_in_a_minute, passed = simulate(lambda: attempts(60), seed=1)

    assert 2 < attempts_in_a_minute < 10
    assert passed <= 60


CREATE = Statement("CREATE TABLE IF NOT EXISTS kept (n INTEGER)")
INSERT = Statement("INSERT INTO kept (n) VALUES ($1)", (1,))


async def kept(store):
    async with store.transaction(read_only=True) as transaction:
        return len(await transaction.fetch(Statement("SELECT n FROM kept")))


async def keep(store):
    async with store.transaction() as transaction:
        await transaction.execute([INSERT])
        await transaction.fetch(Statement("SELECT n FROM kept"))


async def calm_store():
    store = InMemoryEventStore()
    async with store.transaction() as transaction:
        await transaction.execute([CREATE])
    return store


@pytest.mark.parametrize(
    ("operation", "mishap", "error", "is_there"),
    [
        ("transaction", "failures_before", StoreUnavailable, {0}),
        ("transaction", "lost_replies", StoreUnavailable, {0}),
        ("execute", "failures_before", StoreUnavailable, {0}),
        ("execute", "failures_after", StoreUnavailable, {0}),
        ("fetch", "lost_replies", StoreUnavailable, {0}),
        ("commit", "failures_before", StoreUnavailable, {0}),
        ("commit", "failures_after", OutcomeUnknown, {1}),
        ("commit", "lost_replies", OutcomeUnknown, {0, 1}),
    ],
)
def test_a_transaction_on_read_models_fails_where_it_is_told_to(operation, mishap, error, is_there):
    async def left(seed):
        store = await calm_store()
        chaos = ChaosStore(store, seed=seed, operations={operation}, **(QUIET | {mishap: 1}))
        with pytest.raises(error, match=operation):
            await keep(chaos)
        assert chaos.mishaps == [(operation, mishap)]
        return await kept(store)

    assert {asyncio.run(left(seed)) for seed in range(20)} == is_there


def test_what_is_swallowed_within_a_transaction_ends_it_nevertheless():
    async def use():
        store = await calm_store()
        chaos = ChaosStore(store, seed=1, operations={"execute"}, **(QUIET | {"failures_before": 1}))
        with pytest.raises(StoreUnavailable, match="execute failed"):
            async with chaos.transaction() as transaction:
                with suppress(StoreUnavailable):
                    await transaction.execute([INSERT])
        return await kept(store)

    assert asyncio.run(use()) == 0


def test_a_transaction_takes_its_time():
    async def use():
        store = await calm_store()
        await keep(ChaosStore(store, seed=1, latency=60, **QUIET))
        return await kept(store), asyncio.get_running_loop().time()

    rows, passed = simulate(use, seed=1)
    assert rows == 1
    assert passed > 60


@pytest.mark.parametrize("seed", range(times(3)))
def test_a_projection_is_exact_through_bad_days(seed):
    """Whatever fails, at the beginning, in the middle, before and after the commit: each event is in the read model once."""

    async def use():
        store = InMemoryEventStore()
        chaos = ChaosStore(store, seed=seed, conflicts=0, failures_before=0.1, failures_after=0.1, lost_replies=0.1, latency=0.1)
        async with ProjectionRunner(chaos, [Balances()], batch_size=3, poll_interval=5, lease_seconds=3600):
            for number in range(20):
                last = await pay(store, [(f"a{number % 3}", number)])
                await asyncio.sleep(0.3)
            async with asyncio.timeout(36_000):
                while not await has_handled(store, last):
                    await asyncio.sleep(1)
        assert await balances(store) == await folded(store)
        return chaos.mishaps

    met = {tuple(mishap) for mishap in simulate(use, seed=seed)}
    assert {("commit", "failures_before"), ("commit", "failures_after"), ("commit", "lost_replies")} & met
    assert {operation for operation, _ in met} >= {"read_all", "transaction", "execute", "fetch"}


@pytest.mark.parametrize("seed", range(times(3)))
def test_an_inline_projection_never_lags_on_bad_days(seed):
    """Whatever fails, in the switch or in an append: what is recorded is in the read model at every moment, once, and nothing else is."""
    operations = {"append", "read_all", "transaction", "switch_inline", "execute", "fetch", "newest", "demand", "commit"}

    async def use():
        store = InMemoryEventStore()
        chaos = ChaosStore(store, seed=seed, failures_before=0.1, failures_after=0.1, lost_replies=0.1, operations=operations)
        await pay(store, [(f"a{number % 3}", number) for number in range(20)])
        made = failed = 0
        while not made:
            try:
                await project_inline(chaos, [Balances()], batch_size=7)
                made = 1
            except (StoreUnavailable, OutcomeUnknown):
                failed += 1
        assert await balances(store) == await folded(store)
        for number in range(100):
            with suppress(StoreUnavailable, OutcomeUnknown):
                await pay(chaos, [(f"a{number % 3}", number)])
            assert await balances(store) == await folded(store)
        return failed, chaos.mishaps

    failed, mishaps = simulate(use, seed=seed)
    assert failed
    assert {mishap.what for mishap in mishaps if mishap.operation == "append"} == {"failures_before", "failures_after", "lost_replies"}


@pytest.mark.parametrize("operation", ["switch_inline", "newest", "demand", "execute", "commit"])
@pytest.mark.parametrize("make", [lambda path: InMemoryEventStore(), SqliteEventStore], ids=["memory", "sqlite"])
def test_a_switch_that_fails_demands_nothing(operation, make, tmp_path):
    """Whoever appends without the read model goes on, and it is inline for the next who makes it so."""

    async def use():
        async with make(tmp_path / "events.db") as store:
            chaos = ChaosStore(store, seed=1, operations={operation}, **(QUIET | {"failures_before": 1}))
            with pytest.raises(StoreUnavailable, match=operation):
                async with chaos.switch_inline() as switch:
                    await switch.newest()
                    await switch.demand("x")
                    await switch.execute([CREATE])
            await pay(store, [("a", 1)])
            await project_inline(ForwardingStore(store), [Balances()])
            await pay(store, [("a", 1)])
            assert await balances(store) == {"a": (2, 2)}

    asyncio.run(use())


async def has_handled(store, position):
    async with records(store, read_only=True) as kept:
        return [each for each in await kept.load("balances") if each.position is not None and each.position >= position]


async def balances(store):
    async with store.transaction(read_only=True) as transaction:
        rows = await transaction.fetch(Statement(f"SELECT account, balance, payments FROM {transaction.table('balances')}"))
    return {row["account"]: (row["balance"], row["payments"]) for row in rows}
