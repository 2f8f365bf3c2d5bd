from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from herd.base import Herd
from herd.sheep import Count, Day, Start


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        day, herd = StreamId.of(Day, 1), StreamId.of(Herd, 1)
        await executor.execute(Start(day, 5))
        result = await executor.execute(Count(herd, day))
        assert [recorded.stream_id for recorded in result.events] == [herd, day]
        assert (await executor.load(herd)).state == Herd(5)
        assert (await executor.load(day)).state == Day(4)


asyncio.run(main())
