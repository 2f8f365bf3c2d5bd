from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from moving.boxes import Box, Case, Count, Lid, Move, Moved, Shut
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
        shut = await executor.execute(Shut(StreamId.of(Lid, 1), StreamId.of(Case, 1)))
        assert [recorded.event for recorded in shut.events] == [Closed("0 times"), Moved("shelf")]


asyncio.run(main())
