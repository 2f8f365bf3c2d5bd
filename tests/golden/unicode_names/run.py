from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from größen import Größe, MeßFühler, Ändern2


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        eine, andere = StreamId.of(Größe, "é"), StreamId.of(Größe, "ß")
        await executor.execute(Ändern2(eine, 3))
        await executor.execute(Ändern2(andere, 4))
        await executor.execute(MeßFühler(eine))
        assert (await executor.load(eine)).state == Größe(7)


asyncio.run(main())
