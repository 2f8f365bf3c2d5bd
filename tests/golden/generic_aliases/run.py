from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from moving.boxes import Box, Count, Move, Moved
from moving.kinds import Closed


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        box, under, beside = (StreamId.of(Box, number) for number in range(3))
        await executor.execute(Move(box, None, (), "shelf"))
        moved = await executor.execute(Move(box, under, (beside,), "door"))
        assert [recorded.event for recorded in moved.events] == [
            Moved("door", (("from", 1),), ("door",)),
            Closed("0 places"),
            Closed("door"),
        ]
        counted = await executor.execute(Count(box))
        assert [recorded.event for recorded in counted.events] == [Closed("2")]


asyncio.run(main())
