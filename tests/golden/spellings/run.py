from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from spelling import Follow, Loose, Many, One, Open, Plain, Quoted, Repeated


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        plain, loose, one = StreamId.of(Plain, 1), StreamId.of(Loose, 1), StreamId.of(One, 1)
        quoted, repeated = StreamId.of(Quoted, 1), StreamId.of(Repeated, 1)
        opened = await executor.execute(Open(plain, quoted, one, repeated, loose))
        assert [type(recorded.event).__name__ for recorded in opened.events] == ["D", "C", "A", "B", "D"]
        await executor.execute(Many((one,), (loose,), (plain,)))
        assert (await executor.load(plain)).state == Plain(2)
        await executor.execute(Follow(plain))
        assert (await executor.load(StreamId.of(One, 2))).state == One(10)


asyncio.run(main())
