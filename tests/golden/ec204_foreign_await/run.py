from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from quotes import Offer, Quote


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        offer = StreamId.of(Offer, 1)
        await executor.execute(Quote(offer, 10))
        assert (await executor.load(offer)).state == Offer(20)


asyncio.run(main())
