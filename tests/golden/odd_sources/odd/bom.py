"""Begins with a byte order mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from odd.bom_streams import bomState, bomStreams, bomWrites


@event("bom.done")
class Done_bom:
    pass


@state(category="bom")
class Count_bom:
    times: int = 0

    def apply(self, event: Done_bom) -> Count_bom:
        return Count_bom(self.times + 1)


@command
class bom:
    count: StreamId[Count_bom] = stream()

    def handle(self, streams: bomStreams, state: bomState) -> bomWrites:
        yield streams.count.write(Done_bom())
