from __future__ import annotations

import asyncio

import keywords
from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from keywords import Locals, Soft, Thing


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        ids = [StreamId.of(Thing, n) for n in range(20)]
        result = await executor.execute(Soft(ids[1], ids[9], ids[2], (ids[3], ids[4])))
        assert [recorded.event.id for recorded in result.events] == [1, 2, 3, 3, 4]
        await executor.execute(keywords.list(ids[6], ids[1]))
        assert (await executor.load(ids[6])).state == Thing(1)
        seven = await executor.execute(
            Locals(ids[10], ids[11], ids[12], ids[13], ids[14], ids[15], ids[16], (ids[17],), ids[18], GENERATED=ids[19], state=ids[7])
        )
        assert [recorded.event.id for recorded in seven.events] == [0, 0, 0, 0, 0, 0, 0, 7, 7, 7, 1]


asyncio.run(main())
