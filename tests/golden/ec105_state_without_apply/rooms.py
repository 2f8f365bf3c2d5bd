from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, state, stream

if TYPE_CHECKING:
    from rooms_streams import EnterState, EnterStreams, EnterWrites


@state
class Room:
    people: int = 0


@command
class Enter:
    room: StreamId[Room] = stream()

    def handle(self, streams: EnterStreams, state: EnterState) -> EnterWrites:
        return ()
