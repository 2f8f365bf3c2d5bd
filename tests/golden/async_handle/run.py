from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from pricing import CopyPrice, Price, SetPrice


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        tea, milk = StreamId.of(Price, "tea"), StreamId.of(Price, "milk")
        await executor.execute(SetPrice(tea, 250))
        assert (await executor.execute(CopyPrice(milk, "nothing"))).events == ()
        copied = await executor.execute(CopyPrice(milk, "tea"))
        assert copied.versions == {milk: 1, tea: 2}
        assert (await executor.load(milk)).state == Price(250)


asyncio.run(main())
