from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from desk.parts import Spring, Wound
from eventcore import CommandExecutor, InMemoryEventStore, StreamId, command, event, state, stream

if TYPE_CHECKING:
    from desk.clock_streams import TickState, TickStreams, TickWrites

print("imported desk.clock")


@event
class Ticked:
    pass


@state
class Clock:
    ticks: int = 0

    def apply(self, event: Ticked) -> Clock:
        return Clock(self.ticks + 1)


@command
class Tick:
    clock: StreamId[Clock] = stream()
    spring: StreamId[Spring] = stream()

    def handle(self, streams: TickStreams, state: TickState) -> TickWrites:
        if state.spring.turns == 0:
            yield streams.spring.write(Wound(2))
        yield streams.spring.write(Wound(-1))
        yield streams.clock.write(Ticked())


async def main() -> None:
    async with InMemoryEventStore() as store:
        executor = CommandExecutor(store)
        clock, spring = StreamId.of(Clock, 1), StreamId.of(Spring, 1)
        await executor.execute(Tick(clock, spring))
        await executor.execute(Tick(clock, spring))
        assert (await executor.load(clock)).state == Clock(2)
        assert (await executor.load(spring)).state == Spring(0)


if __name__ == "__main__":
    asyncio.run(main())
