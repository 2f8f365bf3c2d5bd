from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from eventcore import CommandExecutor, InMemoryEventStore, StreamId, command, event, state, stream

if TYPE_CHECKING:
    from onefile_streams import WindState, WindStreams, WindWrites

print("imported onefile")


@event("onefile.wound")
class Wound:
    turns: int


@state(category="onefile.spring")
class Spring:
    turns: int = 0

    def apply(self, event: Wound) -> Spring:
        return Spring(self.turns + event.turns)


@command
class Wind:
    spring: StreamId[Spring] = stream()
    turns: int

    def handle(self, streams: WindStreams, state: WindState) -> WindWrites:
        yield streams.spring.write(Wound(self.turns))


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        spring = StreamId.of(Spring, 1)
        await executor.execute(Wind(spring, 3))
        assert (await executor.load(spring)).state == Spring(3)


if __name__ == "__main__":
    asyncio.run(main())
