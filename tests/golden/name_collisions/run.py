from __future__ import annotations

import asyncio

import eventcore
from clash import left, right
from clash.names import CommandSpec, Handle, Mapping, StreamId, StreamSet


async def main() -> None:
    async with eventcore.InMemoryEventStore() as store:
        executor = eventcore.CommandExecutor(store)
        handle, mapping = eventcore.StreamId.of(Handle, 1), eventcore.StreamId.of(Mapping, 1)
        result = await executor.execute(StreamSet(handle, (mapping,)))
        assert [recorded.event.n for recorded in result.events] == [1, 2, 3]
        assert (await executor.load(eventcore.StreamId.of(StreamId, "x"))).state == StreamId(3)
        a, b = eventcore.StreamId.of(left.Item, 1), eventcore.StreamId.of(right.Item, 1)
        await executor.execute(CommandSpec(a, b))
        await executor.execute(CommandSpec(a, b))
        assert (await executor.load(a)).state == left.Item(1)
        assert (await executor.load(b)).state == right.Item("x")


asyncio.run(main())
