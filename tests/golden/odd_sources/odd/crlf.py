"""Lines end as on Windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from odd.crlf_streams import crlfState, crlfStreams, crlfWrites


@event("crlf.done")
class Done_crlf:
    pass


@state(category="crlf")
class Count_crlf:
    times: int = 0

    def apply(self, event: Done_crlf) -> Count_crlf:
        return Count_crlf(self.times + 1)


@command
class crlf:
    count: StreamId[Count_crlf] = stream()

    def handle(self, streams: crlfStreams, state: crlfState) -> crlfWrites:
        yield streams.count.write(Done_crlf())
