from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from labels import Label, Stick


async def main() -> None:
    async with InMemoryEventStore() as store:
        result = await CommandExecutor(store).execute(Stick(StreamId.of(Label, "a"), StreamId.of(Label, "b")))
        assert len(result.events) == 1


asyncio.run(main())
