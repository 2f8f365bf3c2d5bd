from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Recorded, StreamId, command, event, state, stream

if TYPE_CHECKING:
    from bells_streams import (
        RingAloneState,
        RingAloneStreams,
        RingAloneWrites,
        RingState,
        RingStreams,
        RingWithoutState,
        RingWithoutStreams,
        RingWithoutWrites,
        RingWrites,
    )


@event
class Rung:
    pass


@state
class Bell:
    rung: int = 0

    def apply(self, event: Rung) -> Bell:
        return Bell(self.rung + 1)


@command
class Ring:
    bell: StreamId[Bell] = stream()
    other: StreamId = stream(events=Rung)

    def handle(self, streams: RingStreams, state: RingState) -> RingWrites:
        return ()


@command
class RingAlone:
    bell: StreamId[Bell] = stream()

    def initial(self) -> int:
        return 0

    def apply(self, state: int, event: Recorded[Rung]) -> int:
        return state + 1

    def handle(self, streams: RingAloneStreams, state: RingAloneState) -> RingAloneWrites:
        return ()


@command
class RingWithout:
    bell: StreamId = stream(events=Rung)

    def handle(self, streams: RingWithoutStreams, state: RingWithoutState) -> RingWithoutWrites:
        return ()
