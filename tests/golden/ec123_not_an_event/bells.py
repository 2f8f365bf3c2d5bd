from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Recorded, StreamId, command, event, state, stream

if TYPE_CHECKING:
    from bells_streams import RingAloneStreams, RingAloneWrites, RingState, RingStreams, RingWrites


class Clapper:
    pass


@event
class Rung:
    pass


@state
class Bell:
    rung: int = 0

    def apply(self, event: Rung | Clapper | int | None) -> Bell:
        return Bell(self.rung + 1)


@command
class Ring:
    bell: StreamId[Bell] = stream()

    def handle(self, streams: RingStreams, state: RingState) -> RingWrites:
        return ()


@command
class RingAlone:
    bell: StreamId = stream(events=Rung | Bell)

    def initial(self) -> int:
        return 0

    def apply(self, state: int, event: Recorded[Rung]) -> int:
        return state + 1

    def handle(self, streams: RingAloneStreams, state: int) -> RingAloneWrites:
        return ()
