from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from bells_streams import RingState, RingStreams, RingWrites


def make():
    @event
    class Rung:
        pass

    return Rung


class Tower:
    @state
    class Bell:
        rung: int = 0

        def apply(self, event: object) -> Tower.Bell:
            return self

    @command
    class Ring:
        bell: StreamId[Tower.Bell] = stream()

        def handle(self, streams: RingStreams, state: RingState) -> RingWrites:
            return ()
