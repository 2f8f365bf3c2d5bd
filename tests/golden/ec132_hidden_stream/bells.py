from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

import eventcore
from eventcore import Discovered, StreamId, command, event, state, stream

if TYPE_CHECKING:
    from bells_streams import RingState, RingStreams, RingWrites

LOUD = True
SHARED = stream(read_only=True)


@event
class Rung:
    pass


@state
class Bell:
    rung: int = 0

    def apply(self, event: Rung) -> Bell:
        return Bell(self.rung + 1)


@attrs.frozen
class Near:
    near: StreamId[Bell] = cast("StreamId[Bell]", stream())


@command
class Ring(Near):
    bell: StreamId[Bell] = stream() if LOUD else stream(read_only=True)
    other: StreamId[Bell] = SHARED
    far: Discovered[Bell] = [eventcore.discovered()][0]
    note: StreamId[Bell] = StreamId("note")
    made: str = attrs.field(default="", converter=str)

    def handle(self, streams: RingStreams, state: RingState) -> RingWrites:
        yield streams.bell.write(Rung())
