from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from bells_streams import RingResolver, RingState, RingStreams, RingWrites


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

    def handle(self, streams: RingStreams) -> RingWrites:
        return ()


@command
class RingTwice:
    bell: StreamId[Bell] = stream()

    def handle(self, streams, state, resolver, again=True):
        return ()


@command
class RingSoftly:
    bell: StreamId[Bell] = stream()

    def handle(self, streams, *, state):
        return ()


@command
class RingStatically:
    bell: StreamId[Bell] = stream()

    @staticmethod
    def handle(streams, state):
        return ()
