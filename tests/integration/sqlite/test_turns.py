"""Whoever of one store wants to write waits in a line, and nobody who asks again at once goes before others."""

from __future__ import annotations

import asyncio
import random
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from eventcore import Recorded
from eventcore.errors import StoreBusy
from eventcore.ids import Position
from eventcore.projections import Context, ProjectionRunner, on, projection, worker
from eventcore.store import Statement
from eventcore.stores.sqlite import SqliteEventStore
from eventcore.stores.sqlite.turns import Turns
from eventcore.testing.contract.making import add
from tests.integration.projections.lab import Balances, Paid, folded, pay, shown

ADD = Statement("INSERT INTO kept VALUES (1)")


async def in_line(store: SqliteEventStore, count: int) -> None:
    """Wait until so many stand in line."""
    async with asyncio.timeout(20):
        while store._database.turns.waiting < count:
            await asyncio.sleep(0.001)


def test_who_asks_again_at_once_waits_behind_an_append_and_a_lease(tmp_path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(tmp_path / "events.db") as store:
            order: list[str] = []

            async def append() -> None:
                await add(store, "a-1", 1)
                order.append("append")

            async def lease() -> None:
                assert await store.acquire_lease("x", owner="me", ttl=timedelta(seconds=5)) is not None
                order.append("lease")

            async with store.transaction() as transaction:
                await transaction.execute([Statement("CREATE TABLE kept (n INTEGER)")])
            for _ in range(10):
                async with store.transaction() as first:
                    await first.execute([ADD])
                    others = [asyncio.create_task(append())]
                    await in_line(store, 1)
                    others.append(asyncio.create_task(lease()))
                async with store.transaction() as second:
                    await second.execute([ADD])
                    assert order[:1] == ["append"], "the transaction that was begun last went first"
                await asyncio.gather(*others)
                assert sorted(order) == ["append", "lease"]
                order.clear()

    asyncio.run(run())


@pytest.mark.parametrize("fetches", [True, False])
def test_a_batch_ends_early_once_it_is_in_the_way_of_an_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fetches: bool) -> None:
    """What comes after it in the page is handled in the next one, behind the append. A batch that holds no lock is in nobody's way."""
    monkeypatch.setattr(worker, "_IN_THE_WAY", 0.0)
    batches: list[Context] = []
    stored: list[int] = []

    async def run() -> None:
        async with SqliteEventStore(tmp_path / "events.db") as store:
            late: asyncio.Task[Position] | None = None

            @projection(name="balances")
            class Fetching(Balances):
                @on(Paid)
                async def paid(self, recorded: Recorded[Paid], context: Context) -> None:
                    nonlocal late
                    super().paid(recorded, context)
                    batches.append(context)
                    if fetches:
                        stored.append((await context.fetch("SELECT count(*) AS n FROM events"))[0]["n"])
                    if recorded.event.amount == 3:
                        late = asyncio.create_task(pay(store, [("late", 7)]))
                        await (in_line(store, 1) if fetches else late)

            last = await pay(store, [("a", amount) for amount in range(1, 7)])
            async with ProjectionRunner(store, [Fetching()], batch_seconds=3600, lease_seconds=3600) as runner:
                await runner.caught_up(last, timeout=60)
                assert late is not None
                await runner.caught_up(await late, timeout=60)
            assert shown(tmp_path / "events.db") == await folded(store) == {"a": (21, 6), "late": (7, 1)}

    asyncio.run(run())
    first = batches[0]
    assert [batch is first for batch in batches] == ([True] * 3 + [False] * 4 if fetches else [True] * 6 + [False])
    assert stored == ([6] * 3 + [7] * 4 if fetches else [])


def test_who_has_it_knows_for_how_long_others_wait() -> None:
    turns = Turns()
    assert turns.take(0)
    assert turns.kept_waiting() == 0.0
    waiting = threading.Thread(target=turns.take, args=(60,))
    waiting.start()
    while not turns.waiting or not turns.kept_waiting():
        pass
    turns.give()
    waiting.join()
    assert turns.kept_waiting() == 0.0


def test_who_waits_in_vain_is_told_and_stands_in_nobodys_way(tmp_path: Path) -> None:
    async def run() -> None:
        async with SqliteEventStore(tmp_path / "events.db", busy_timeout=0.05) as store:
            async with store.transaction() as transaction:
                await transaction.execute([Statement("CREATE TABLE kept (n INTEGER)")])
                for _ in range(3):
                    with pytest.raises(StoreBusy, match="stayed locked by others"):
                        await add(store, "a-1", 1)
                assert store._database.turns.waiting == 0
            await add(store, "a-1", 1)

    asyncio.run(run())


def test_a_transaction_that_fails_gives_its_turn_back(tmp_path: Path) -> None:
    """Also where SQLite itself has rolled back."""

    async def run() -> None:
        async with SqliteEventStore(tmp_path / "events.db", busy_timeout=0.2) as store:
            async with store.transaction() as transaction:
                await transaction.execute([Statement("CREATE TABLE kept (n INTEGER)")])
                guard = "CREATE TRIGGER no BEFORE INSERT ON kept BEGIN SELECT RAISE(ROLLBACK, 'no'); END"
                await transaction.execute([Statement(guard)])
            for number in range(3):
                with pytest.raises(Exception, match="no"):
                    async with store.transaction() as transaction:
                        await transaction.execute([ADD])
                with pytest.raises(ZeroDivisionError):
                    async with store.transaction() as transaction:
                        await transaction.fetch(Statement("SELECT 1 AS one"))
                        raise ZeroDivisionError
                await add(store, "a-1", number)

    asyncio.run(run())


def test_turns_go_in_the_order_in_which_they_were_asked_for() -> None:
    turns, went = Turns(), list[int]()
    assert turns.take(0)

    def wait(number: int) -> None:
        assert turns.take(60)
        went.append(number)
        turns.give()

    threads = [threading.Thread(target=wait, args=(number,)) for number in range(8)]
    for number, thread in enumerate(threads):
        thread.start()
        while turns.waiting <= number:
            pass
    turns.give()
    for thread in threads:
        thread.join()
    assert went == list(range(8))
    assert turns.take(0)
    assert not turns.take(0)


def test_never_two_have_it_and_none_is_lost_where_some_lose_patience() -> None:
    turns, inside, most, taken = Turns(), 0, 0, 0

    def hurry(seed: int) -> None:
        nonlocal inside, most, taken
        chance = random.Random(seed)
        for _ in range(400):
            if not turns.take(chance.choice([0, 0.00001, 0.0005])):
                continue
            inside += 1
            most = max(most, inside)
            taken += 1
            if chance.random() < 0.2:
                threading.Event().wait(0.0002)
            inside -= 1
            turns.give()

    threads = [threading.Thread(target=hurry, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert taken > 0
    assert turns.waiting == 0
    assert turns.take(0)
