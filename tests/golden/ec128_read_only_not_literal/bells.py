from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from bells_streams import RingResolver, RingState, RingStreams, RingWrites

SILENT = True


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
    bell: StreamId[Bell] = stream(read_only=SILENT)
    others: Discovered[Bell] = discovered(read_only=not SILENT)

    def handle(self, streams: RingStreams, state: RingState, resolver: RingResolver) -> RingWrites:
        return ()
