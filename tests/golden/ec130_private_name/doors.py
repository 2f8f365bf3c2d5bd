from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, stream
from hidden import Door, Opened

if TYPE_CHECKING:
    from doors_streams import EnterState, EnterStreams, EnterWrites


@command
class Enter:
    """Without a fault of its own, and not generated: one of the events of its stream cannot be named here either."""

    door: StreamId[Door] = stream()

    def handle(self, streams: EnterStreams, state: EnterState) -> EnterWrites:
        yield streams.door.write(Opened("me"))
