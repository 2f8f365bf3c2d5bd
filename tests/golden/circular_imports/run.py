from __future__ import annotations

import asyncio

from couple.hens import Hen, Lay
from eventcore import CommandExecutor, InMemoryEventStore, StreamId


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        hen = StreamId.of(Hen, 1)
        # Egg is known to the checkers alone so far: the executor imports its module when it needs it.
        await executor.execute(Lay(hen, StreamId("egg-1")))
        from couple.eggs import Egg, Hatch

        egg = StreamId.of(Egg, 1)
        assert len((await executor.execute(Hatch(egg, hen))).events) == 1
        assert (await executor.execute(Lay(hen, egg))).events == ()


asyncio.run(main())
