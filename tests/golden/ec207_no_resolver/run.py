from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from shelves import Clear, Fill, Shelf


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        shelf = StreamId.of(Shelf, "poetry")
        await executor.execute(Fill(shelf))
        assert (await executor.execute(Clear(shelf))).versions == {shelf: 2}


asyncio.run(main())
