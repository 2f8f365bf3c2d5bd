from __future__ import annotations

import asyncio

from chess import Board, Play
from eventcore import CommandExecutor, InMemoryEventStore, StreamId


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        one, other = StreamId.of(Board, 1), StreamId.of(Board, 2)
        result = await executor.execute(Play(one, one, "e"))
        assert result.versions == {one: 1}
        await executor.execute(Play(one, other, "d"))
        await executor.execute(Play(one, one, "c"))
        assert (await executor.load(one)).state == Board(("e0", "c2"))
        assert (await executor.load(other)).state == Board(("d1",))


asyncio.run(main())
