from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from tower import Big, Small


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        small, big = StreamId.of(Small.Bell, 1), StreamId.of(Big.Bell, 1)
        await executor.execute(Small.Ring(small, big))
        await executor.execute(Small.Ring(small, big))
        assert (await executor.load(big)).state == Big.Bell(3)
        assert (await executor.load(small)).state == Small.Bell(2)


asyncio.run(main())
