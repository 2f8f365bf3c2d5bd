from __future__ import annotations

import asyncio

from eventcore import CommandExecutor, InMemoryEventStore, StreamId
from tables import GENERATED, Generated, Http_Move, HttpMove, HTTPMove, Move, MoveStreams, Place


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        cell = StreamId.of(MoveStreams, 1)
        for command in (Place(cell), Move(cell), HTTPMove(cell), HttpMove(cell), Http_Move(cell), Generated(cell), GENERATED(cell)):
            await executor.execute(command)
        assert (await executor.load(cell)).state == MoveStreams(1111111)


asyncio.run(main())
