# -*- coding: latin-1 -*-
"""Not in UTF-8, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from odd.latin_streams import latinState, latinStreams, latinWrites


@event("größe.latin")
class Done_latin:
    pass


@state(category="latin")
class Count_latin:
    times: int = 0

    def apply(self, event: Done_latin) -> Count_latin:
        return Count_latin(self.times + 1)


@command
class latin:
    count: StreamId[Count_latin] = stream()

    def handle(self, streams: latinStreams, state: latinState) -> latinWrites:
        yield streams.count.write(Done_latin())
