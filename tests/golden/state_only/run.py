from __future__ import annotations

import asyncio
from pathlib import Path

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from model.counters import Counter, Resets


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        counter = await executor.load(StreamId.of(Counter, 1))
        assert (counter.state, counter.version) == (Counter(), 0)
        assert (await executor.load(StreamId.of(Resets, 1))).state == Resets()
    assert not Path(__file__).with_name("model").joinpath("plain_streams.py").exists()


asyncio.run(main())
