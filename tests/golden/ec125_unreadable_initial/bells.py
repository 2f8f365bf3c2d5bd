from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Recorded, StreamId, command, event, stream

if TYPE_CHECKING:
    from bells_streams import RingState, RingStreams, RingTwiceState, RingTwiceStreams, RingTwiceWrites, RingWrites


@event
class Rung:
    pass


@command
class Ring:
    bell: StreamId = stream(events=Rung)

    def initial(self):
        return 0

    def apply(self, state: int, event: Recorded[Rung]) -> int:
        return state + 1

    def handle(self, streams: RingStreams, state: RingState) -> RingWrites:
        return ()


@command
class RingTwice:
    bell: StreamId = stream(events=Rung)

    def initial(self) -> tuple[int, Peal]:
        return 0, None

    def apply(self, state: tuple[int, Peal], event: Recorded[Rung]) -> tuple[int, Peal]:
        return state

    def handle(self, streams: RingTwiceStreams, state: RingTwiceState) -> RingTwiceWrites:
        return ()
