from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from eventcore.errors import AliasedStreams
from swapping import Cell, Swap


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        left, right, limit, spare, row = (StreamId.of(Cell, name) for name in ("left", "right", "limit", "spare", "row"))
        result = await executor.execute(Swap(left, right, limit, spare, (row,)))
        assert [(recorded.stream_id, recorded.event.value) for recorded in result.events] == [
            (left, 0),
            (right, 0),
            (spare, 1),
            (row, 2),
            (left, 100),
        ]
        await executor.execute(Swap(limit, right, StreamId.of(Cell, "none")))
        assert (await executor.load(limit)).state == Cell(100)
        try:
            Swap(left, left, limit)
        except AliasedStreams as aliased:
            assert (aliased.field, aliased.other) == ("right", "left")
        else:
            raise AssertionError("one stream in two fields was taken")


asyncio.run(main())
