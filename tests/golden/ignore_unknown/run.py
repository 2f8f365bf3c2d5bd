from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from eventcore.errors import UnknownEventType
from visits import Count, Page, Statistics, Visit, VisitCount


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        page, statistics = StreamId.of(Page, 1), StreamId.of(Statistics, 1)
        for by in ("ann", "bo", "ann"):
            await executor.execute(Visit(page, by))
        await executor.execute(Count(StreamId.of(VisitCount, 1), statistics))
        assert (await executor.load(statistics)).state == Statistics(2)
        assert (await executor.load(page)).state == Page(frozenset({"bo"}))
        loaded = await executor.load(StreamId.of(VisitCount, 1))
        assert (loaded.state.visits, loaded.version) == (2, 3)
        try:
            await executor.load(StreamId[Statistics]("page-1"))
        except UnknownEventType as unknown:
            assert (unknown.event_type, unknown.reader) == ("Visited", "Statistics")
        else:
            raise AssertionError("an event that the state does not take was folded")


asyncio.run(main())
