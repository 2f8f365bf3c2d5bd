"""Reading everything: one order, page by page, nothing missed and nothing twice."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from eventcore.errors import InvalidArgument, InvalidPosition
from eventcore.ids import Position, StreamPrefix
from eventcore.store import EVERYTHING, EventFilter, EventStore, StoredEvent
from eventcore.testing.contract.base import StoreScenarios, scenario
from eventcore.testing.contract.checks import require_committed, require_equal, require_growing, require_raises, require_that
from eventcore.testing.contract.making import add, append_one, beside, label_of, labels_of, new_event, read_log, read_one, request


class LogScenarios(StoreScenarios):
    @scenario
    async def test_an_empty_log_has_nothing(self, store: EventStore) -> None:
        page = await store.read_all()

        require_equal((tuple(page.events), page.position, page.more), ((), None, False), "the page of an empty log")

    @scenario
    async def test_events_are_ordered_across_streams(self, store: EventStore) -> None:
        """Three appends to three streams are read in the order in which they were made."""
        for stream_id in ("c-1", "a-1", "b-1"):
            await add(store, stream_id, stream_id)

        require_equal(labels_of((await store.read_all(limit=100)).events), ["c-1", "a-1", "b-1"], "the log")

    @scenario
    async def test_a_reader_goes_on_after_a_position(self, store: EventStore) -> None:
        """Of five events, those after the third's position are the fourth and the fifth."""
        events = await add(store, "resumed-1", 1, 2, 3, 4, 5)
        rest = await read_log(store, after=events[2].position)

        require_equal(labels_of(rest), [4, 5], "what follows the third event")
        require_that(all(event.position > events[2].position for event in rest), "what follows a position must have greater ones")

    @scenario
    async def test_a_page_holds_the_first_of_what_follows(self, store: EventStore) -> None:
        """Of twenty events, a page of ten holds the first ten in order, and says that there is more."""
        await add(store, "limited-1", *range(20))
        page = await store.read_all(limit=10)

        require_equal(labels_of(page.events), list(range(10)), "a page of ten")
        require_that(page.more, "a page that its limit ended must say that there is more")
        require_equal(page.position, page.events[-1].position, "the position of a page without a filter is its last event's")

    @scenario
    async def test_reads_are_ordered(self, store: EventStore) -> None:
        """Pages of any size, with other streams' and types' rows in between: each event once, positions growing, versions in order."""
        ids = ("z-1", "m-1", "a-1")
        for number in range(60):
            first, second = ids[number % 3], ids[(number + 1) % 3]
            events = [
                new_event(first, (number, 1), kind="Even"),
                new_event(second, (number, 2), kind="Odd"),
                new_event(first, (number, 3), kind="Odd"),
            ]
            require_committed(await append_one(store, request({first: None, second: None}, *events)), "an append to two streams")
        expected = [[number, part] for number in range(60) for part in (1, 2, 3)]

        for limit in (1, 7, 50, 179, 180, 181):
            log = await read_log(store, limit=limit)
            require_equal(labels_of(log), expected, f"the log in pages of {limit}")
            require_growing(log, f"the log in pages of {limit}")
        for stream_id in ids:
            versions = [event.version for event in await read_log(store, limit=7) if event.stream_id == stream_id]
            require_equal(versions, list(range(1, 61)), f"versions of {stream_id!r} in the order of the log")
            require_growing((await read_one(store, stream_id)).events, f"the stream {stream_id!r}")
        odd = await read_log(store, limit=7, where=EventFilter(types=frozenset({"Odd"})))
        require_equal(labels_of(odd), [label for label in expected if label[1] != 1], "one type, in pages of 7")
        for limit in (1, 7, 1000):
            both = await read_log(store, limit=limit, where=EventFilter(types=frozenset({"Odd", "Even", "Never"})))
            require_equal(labels_of(both), expected, f"several types, in pages of {limit}")

    @scenario
    async def test_a_page_tells_whether_there_is_more(self, store: EventStore) -> None:
        """`more` is False once the reader has caught up, and the reader that asks on from `position` gets what comes later."""
        await add(store, "caught-1", 1, 2, 3)
        page = await store.read_all(limit=1000)
        require_that(not page.more, "a page that brought everything must not promise more")
        again = await store.read_all(page.position, limit=1000)
        require_equal((tuple(again.events), again.position, again.more), ((), page.position, False), "a page at the end of the log")
        await add(store, "caught-1", 4)

        require_equal(labels_of((await store.read_all(again.position)).events), [4], "what came after the reader had caught up")

    @scenario
    async def test_positions_are_unique_and_travel_as_text(self, store: EventStore) -> None:
        """Printed and parsed, a position is the same place: equal, ordered, and good for going on from."""
        await append_one(store, request({"p-1": 0, "p-2": 0}, *(new_event(f"p-{1 + n % 2}", n) for n in range(12))))
        await add(store, "p-3", 12)
        log = await read_log(store)
        positions = [event.position for event in log]
        parsed = [Position.parse(str(position)) for position in positions]

        require_equal(len(set(positions)), 13, "distinct positions of 13 events")
        require_equal(parsed, positions, "positions after a journey through text")
        require_that(all(left < right for left, right in pairwise(parsed)), "parsed positions must be ordered as before")
        require_equal(labels_of(await read_log(store, after=parsed[5])), list(range(6, 13)), "what follows a parsed position")

    @scenario
    async def test_a_position_of_another_store_is_refused(self, store: EventStore) -> None:
        """A position that this store never returned is an error and not a place: reading on from it would skip or repeat."""
        await add(store, "p-1", 1)
        foreign = Position((1,) * 9)
        for name, call in (
            ("read_all", store.read_all(foreign)),
            ("wait_for_news", store.wait_for_news(foreign, timeout=5)),
            ("save_checkpoint", store.save_checkpoint("reader", foreign)),
        ):
            await require_raises(InvalidPosition, call, f"{name} with a position of nine parts")

    @scenario
    async def test_a_page_without_room_is_refused(self, store: EventStore) -> None:
        """A limit of nothing would let a reader ask for ever."""
        for limit in (0, -1):
            await require_raises(InvalidArgument, store.read_all(limit=limit), f"read_all(limit={limit})")

    @scenario
    async def test_a_page_may_be_as_large_as_one_likes(self, store: EventStore) -> None:
        """A limit says how much a reader takes at most: any number will do for all there is."""
        await add(store, "p-1", 1, 2)
        every = EventFilter(types=frozenset({"Happened"}), streams=(StreamPrefix("p-"),))
        for limit in (2**30 + 1, 2**31, 2**63, 2**70):
            for where in (EVERYTHING, EventFilter(types=every.types), EventFilter(streams=every.streams), every):
                page = await store.read_all(limit=limit, where=where)
                require_equal(labels_of(page.events), [1, 2], f"labels with limit={limit} and {where}")

    @scenario
    async def test_what_was_read_comes_before_what_was_decided_on_it(self, store: EventStore) -> None:
        """The order is causal: an append that checked a version lies behind the event that made this version."""
        for number in range(20):
            cause = (await add(store, "cause-1", number))[0]
            effect = require_committed(
                await append_one(store, request({"cause-1": number + 1, f"effect-{number}": 0}, new_event(f"effect-{number}"))),
                "an append on a version just read",
            )
            require_that(cause.position < effect.events[0].position, "a decision must lie behind what it was decided on")

    @scenario
    async def test_a_reader_beside_writers_misses_nothing(self, store: EventStore) -> None:
        """While eight writers append, a reader that goes on from page to page sees each event once, and each stream in order."""
        writers, each = 8, 25
        seen: list[StoredEvent] = []

        async def write() -> None:
            await asyncio.gather(*(_write(store, f"writer-{number % 3}", number, each) for number in range(writers)))

        position: Position | None = None
        async with beside(write()) as writing:
            while len(seen) < writers * each or not writing.done():
                all_written = writing.done()
                page = await store.read_all(position, limit=9)
                complete = len(seen) == writers * each
                require_that(
                    bool(page.events) or complete or not all_written, f"after {len(seen)} of {writers * each} events the rest must come"
                )
                seen += page.events
                position = page.position
                await asyncio.sleep(0)

        require_equal(
            sorted(map(str, (label_of(event) for event in seen))),
            sorted(str([w, n]) for w in range(writers) for n in range(each)),
            "labels seen",
        )
        require_growing(seen, "what the reader saw")
        require_equal(seen, await read_log(store), "what the reader saw, compared with the log afterwards")


async def _write(store: EventStore, stream_id: str, writer: int, count: int) -> None:
    for number in range(count):
        await add(store, stream_id, (writer, number))
        await asyncio.sleep(0)
