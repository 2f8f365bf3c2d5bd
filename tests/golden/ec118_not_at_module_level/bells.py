from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from bells_streams import RingState, RingStreams, RingWrites


def make():
    @event
    class Rung:
        pass

    @state
    class Bell:
        def apply(self, event: Rung) -> Bell:
            return self

    return Rung, Bell


class Tower:
    def make(self):
        if self:

            @command
            class Ring:
                bell: StreamId = stream()

                def handle(self, streams: RingStreams, state: RingState) -> RingWrites:
                    return ()

            return Ring
