from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from gates import Gate, Open


async def main() -> None:
    async with InMemoryEventStore() as store:
        result = await CommandExecutor(store).execute(Open(StreamId.of(Gate, "front"), StreamId.of(Gate, "yard")))
        assert [recorded.stream_id for recorded in result.events] == ["gate-front"]


asyncio.run(main())
