from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, state, stream
from herd.base import Counted, Counting, CountsOnce, OverHerd

if TYPE_CHECKING:
    from herd.sheep_streams import StartState, StartStreams, StartWrites


@state
class Day(Counting):
    total: int = 0

    def counting(self, number: int) -> Day:
        return Day(self.total + number)


@command
class Start:
    day: StreamId[Day] = stream()
    number: int

    def handle(self, streams: StartStreams, state: StartState) -> StartWrites:
        yield streams.day.write(Counted(self.number))


@command
class Count(OverHerd, CountsOnce):
    day: StreamId[Day] = stream()
