"""Waiting for news: never lost, and not for ever."""

from __future__ import annotations

import asyncio
import time

from eventcore.store import EventStore
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_equal, require_that
from eventcore.testing.contract.making import add, beside, labels_of, read_log


class NewsScenarios(StoreScenarios):
    @scenario
    async def test_news_that_are_there_are_told_at_once(self, store: EventStore) -> None:
        first, second = await add(store, "told-1", 1, 2)
        begun = time.monotonic()
        require_that(await store.wait_for_news(None, timeout=10), "a log with events holds news for one who has seen none")
        require_that(await store.wait_for_news(first.position, timeout=10), "the second event is news for one who has seen the first")
        require_that(time.monotonic() - begun < 5, "news that are there must be told at once, not after the timeout")

        require_that(not await store.wait_for_news(second.position, timeout=0), "there is no news for one who has seen all")

    @scenario
    async def test_waiting_ends_with_the_timeout(self, store: EventStore) -> None:
        begun = time.monotonic()
        told = await store.wait_for_news(None, timeout=0.2)
        waited = time.monotonic() - begun

        require_equal(told, False, "news of an empty log")
        require_that(0.15 < waited < 5, f"a wait of 0.2 seconds took {waited:.2f}")

    @scenario
    async def test_an_append_wakes_everyone_who_waits(self, store: EventStore) -> None:
        """Ten waiters are woken by one append, long before their timeout."""
        waiting = [asyncio.create_task(store.wait_for_news(None, timeout=30)) for _ in range(10)]
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await add(store, "woken-1", None)
        told = await asyncio.gather(*waiting)

        require_equal(told, [True] * 10, "news told to ten waiters")
        require_that(time.monotonic() - begun < 5, "an append must wake those who wait, not leave them to their timeout")

    @scenario
    async def test_news_is_never_lost(self, store: EventStore) -> None:
        """A reader that alternates reading and waiting sees each of 200 events that are appended at any moment of its work."""
        total = 200

        async def write() -> None:
            for number in range(total):
                await add(store, f"race-{number % 5}", number)
                for _ in range(number % 4):
                    await asyncio.sleep(0)
                if number % 20 == 0:
                    await asyncio.sleep(0.005)

        seen: list[object] = []
        position = None
        async with beside(write()):
            while len(seen) < total:
                require_that(await store.wait_for_news(position, timeout=20), f"news after {len(seen)} of {total} events were lost")
                page = await store.read_all(position, limit=7)
                require_that(bool(page.events), "a wait that tells of news must be followed by a page with events")
                seen += labels_of(page.events)
                position = page.position

        require_equal(seen, list(range(total)), "events seen")

    @scenario
    async def test_a_wait_that_is_cancelled_harms_nobody(self, store: EventStore) -> None:
        """Of two waiters one is cancelled; the other is woken, and the store goes on."""
        cancelled = asyncio.create_task(store.wait_for_news(None, timeout=30))
        patient = asyncio.create_task(store.wait_for_news(None, timeout=30))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        await asyncio.wait([cancelled])
        require_that(cancelled.cancelled(), "a wait that is cancelled must end as cancelled")
        await add(store, "after-1", "news")

        require_that(await patient, "the waiter that was not cancelled must be told")
        require_equal(labels_of(await read_log(store)), ["news"], "the log")
