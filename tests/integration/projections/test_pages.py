"""Pages that are read ahead: each event once, in order, whatever becomes of the reading."""

from __future__ import annotations

import asyncio

import pytest

from eventcore import InMemoryEventStore
from eventcore.errors import StoreUnavailable
from eventcore.ids import Position
from eventcore.projections.pages import Pages
from eventcore.store import EVERYTHING, EventFilter, Page, StoredEvent
from eventcore.stores.postgres import PostgresEventStore
from tests.integration.projections.lab import Paid, Remarked, pay, record


class Watched(InMemoryEventStore):
    """Notes where pages were asked for; fails once where it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Position | None] = []
        self.fails = False

    async def read_all(self, after: Position | None = None, /, *, limit: int = 1000, where: EventFilter = EVERYTHING) -> Page:
        self.asked.append(after)
        if self.fails:
            self.fails = False
            raise StoreUnavailable("away")
        return await super().read_all(after, limit=limit, where=where)


def test_the_next_page_is_asked_for_before_the_first_is_handled() -> None:
    async def run() -> None:
        async with Watched() as store:
            await pay(store, [("a", n) for n in range(30)])
            pages = Pages(store, EVERYTHING, most=10, seconds=1)
            first = await pages.after(None)
            assert store.asked == [None, first.position]
            second = await pages.after(first.position)
            assert [event.version for event in (*first.events, *second.events)] == list(range(1, 21))
            assert store.asked == [None, first.position, second.position]
            await pages.forget()

    asyncio.run(run())


def test_what_was_read_for_another_place_is_dropped() -> None:
    """An event of the page could not be handled: the next page begins right after what was."""

    async def run() -> None:
        async with Watched() as store:
            await pay(store, [("a", n) for n in range(30)])
            pages = Pages(store, EVERYTHING, most=10, seconds=1)
            first = await pages.after(None)
            again = await pages.after(first.events[3].position)
            assert [event.version for event in again.events] == list(range(5, 15))
            await pages.forget()

    asyncio.run(run())


def test_what_failed_ahead_is_told_when_it_is_needed_and_read_again() -> None:
    async def run() -> None:
        async with Watched() as store:
            await pay(store, [("a", n) for n in range(30)])
            pages = Pages(store, EVERYTHING, most=10, seconds=1)
            first = await pages.after(None)
            await pages.forget()
            store.fails = True
            with pytest.raises(StoreUnavailable):
                await pages.after(first.position)
            assert [event.version for event in (await pages.after(first.position)).events] == list(range(11, 21))
            await pages.forget()

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "least", "most"), [(0.9, 500, 500), (0.1, 5000, 5000), (2.0, 50, 50)])
def test_pages_are_as_long_as_time_allows(seconds: float, least: int, most: int) -> None:
    pages = Pages(InMemoryEventStore(), EVERYTHING, most=5000, seconds=1)
    for _ in range(10):
        pages.took(seconds)
    assert least <= pages.size <= most


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7])
def test_a_filter_of_types_misses_nothing_where_the_page_is_filled_in_two_steps(postgres: str, schema: str, limit: int) -> None:
    """The server looks through twice a page in the order of the log first, and by type beyond that: no event falls between."""
    distances = [0, 0, 1, 2 * limit - 1, 2 * limit, 2 * limit + 1, 5 * limit, 0, 3]

    async def run() -> None:
        async with PostgresEventStore(postgres, schema=schema) as store:
            for number, distance in enumerate(distances):
                await record(store, [*([Remarked("x")] * distance), Paid("a", number)])
            everything = (await store.read_all()).events
            expected = [event for event in everything if event.type == "Paid"]
            for start in (None, *(event.position for event in everything)):
                found: list[StoredEvent] = []
                after, more = start, True
                while more:
                    page = await store.read_all(after, limit=limit, where=EventFilter(types=frozenset({"Paid"})))
                    found += page.events
                    after, more = page.position, page.more
                assert found == [event for event in expected if start is None or event.position > start]
                assert after == everything[-1].position

    asyncio.run(run())


@pytest.mark.parametrize("turns", range(8))
def test_who_is_cancelled_does_not_go_on(turns: int) -> None:
    """At whichever turn of the loop, also while what was read ahead is taken or dropped: a runner that goes on then is ended by nothing."""

    async def follow(pages: Pages, other_place: bool) -> None:
        try:
            page = await pages.after(None)
            for _ in range(3):
                page = await pages.after(page.events[3].position if other_place else page.position)
        finally:
            await pages.forget()

    async def run(*, other_place: bool) -> None:
        async with Watched() as store:
            await pay(store, [("a", n) for n in range(60)])
            following = asyncio.create_task(follow(Pages(store, EVERYTHING, most=10, seconds=1), other_place))
            for _ in range(turns):
                await asyncio.sleep(0)
            if following.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await following
                assert not [task for task in asyncio.all_tasks() if task.get_name() == "eventcore-read-ahead"]

    asyncio.run(run(other_place=False))
    asyncio.run(run(other_place=True))
