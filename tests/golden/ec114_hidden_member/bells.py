from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from bells_streams import FindResolver, FindState, FindStreams, FindWrites


@event
class Rung:
    pass


@state
class Bell:
    rung: int = 0

    def apply(self, event: Rung) -> Bell:
        return Bell(self.rung + 1)


@command
class Find:
    add_streams: Discovered[Bell] = discovered()
    DISCOVERED: StreamId[Bell] = stream()

    def handle(self, streams: FindStreams, state: FindState, resolver: FindResolver) -> FindWrites:
        return ()
