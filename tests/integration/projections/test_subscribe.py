from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from eventcore import InMemoryEventStore, SqliteEventStore
from eventcore.errors import InvalidArgument, StoreUnavailable
from eventcore.ids import Position
from eventcore.store import EVERYTHING, EventFilter, Page
from tests.integration.projections.lab import Paid, Remarked, pay, record


class Flaky(InMemoryEventStore):
    """Loses every third call, before or after the page was read."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.read_at_most = 0

    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        self.calls += 1
        page = await super().read_all(after, limit=limit, where=where)
        if self.calls % 3 == 0:
            raise StoreUnavailable("away")
        if page.events:
            self.read_at_most = max(self.read_at_most, page.events[-1].position.key[0])
        return page

    async def wait_for_news(self, after: Position | None, /, *, timeout: float) -> bool:
        self.calls += 1
        if self.calls % 3 == 0:
            raise StoreUnavailable("away")
        return await super().wait_for_news(after, timeout=timeout)


async def take(store: InMemoryEventStore, count: int, *, after: Position | None = None, streams: Sequence[str] | None = None) -> list[int]:
    amounts: list[int] = []
    async with aclosing(store.subscribe(Paid, after=after, streams=streams, page_size=7)) as subscription:
        async for recorded in subscription:
            amounts.append(recorded.event.amount)
            if len(amounts) == count:
                return amounts
    raise AssertionError("a subscription never ends by itself")


def test_nothing_is_skipped_or_doubled_through_reconnects() -> None:
    async def run() -> None:
        async with Flaky() as store, asyncio.timeout(20):
            await pay(store, [("a", n) for n in range(50)])
            reader = asyncio.create_task(take(store, 100))
            for n in range(50, 100):
                await record(store, [Remarked("x"), Paid("a", n)])
                await asyncio.sleep(0.001)
            assert await reader == list(range(100))

    asyncio.run(run())


def test_a_slow_reader_is_not_read_ahead_for() -> None:
    async def run() -> None:
        async with Flaky() as store, asyncio.timeout(20):
            await pay(store, [("a", n) for n in range(1000)])
            await take(store, 10)
            assert store.read_at_most == 14

    asyncio.run(run())


def test_it_begins_after_a_position_and_selects_streams() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store, asyncio.timeout(20):
            first = await pay(store, [("a", 1)], "payments-1")
            await pay(store, [("a", 2)], "other-1")
            await pay(store, [("a", 3)], "payments-2")
            assert await take(store, 2, after=first) == [2, 3]
            assert await take(store, 2, streams=["payments-"]) == [1, 3]
            assert await take(store, 1, streams=["*-2"]) == [3]

    asyncio.run(run())


def test_it_asks_for_events() -> None:
    async def run() -> None:
        async with InMemoryEventStore() as store:
            with pytest.raises(InvalidArgument, match="@event"):
                store.subscribe(int)
            with pytest.raises(InvalidArgument, match="at least one"):
                store.subscribe(())

    asyncio.run(run())


def test_who_is_cancelled_when_news_come_does_not_go_on(tmp_path: Path) -> None:
    """Before Python 3.12 `asyncio.wait_for` returned what had come in the same turn of the loop, and dropped the cancellation."""

    async def run() -> None:
        async with SqliteEventStore(tmp_path / "events.db") as store:
            waiting = asyncio.create_task(store.wait_for_news(None, timeout=30))
            await asyncio.sleep(0.1)
            for woken in list(store._waiters._events):  # as `wake` does, from within the loop
                woken.set()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                async with asyncio.timeout(5):
                    await waiting

    asyncio.run(run())
