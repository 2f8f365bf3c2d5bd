"""Statements on one line, lines that go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command; from eventcore import event, state, \
    stream

if TYPE_CHECKING:
    from odd.joined_streams import joinedState, joinedStreams, joinedWrites


@event("joined" ".done")
class Done_joined:
    pass


@state(category="joined")
class Count_joined:
    times: int = 0; spare: int = 0

    def apply(self, event: Done_joined) -> Count_joined:
        return Count_joined(self.times + 1)


@command
class joined:
    count: StreamId[Count_joined] = stream()

    def handle(self, streams: joinedStreams, state: joinedState) -> joinedWrites:
        yield streams.count.write(Done_joined())
