from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from hotel.rooms_streams import RingState, RingStreams, RingWrites


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

    def handle(self, streams: RingStreams, state: RingState) -> RingWrites:
        yield streams.bell.write(Rung())
