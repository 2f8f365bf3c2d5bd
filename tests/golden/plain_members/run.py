from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from members import Assign, Task


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        task = StreamId.of(Task, 1)
        result = await executor.execute(Assign(task, "ann", labels=["x"]))
        assert result.events[0].event.note == "x,ann"
        await executor.execute(Assign(task))
        loaded = await executor.load(task)
        assert (loaded.state.to, loaded.state.times) == ("to nobody", 2)


asyncio.run(main())
