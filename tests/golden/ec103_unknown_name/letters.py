from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream
from post import Missing

if TYPE_CHECKING:
    from letters_streams import WriteLetterState, WriteLetterStreams, WriteLetterWrites


@event
class Written:
    pass


@state
class Letter:
    def apply(self, event: Written | Posted) -> Letter:
        return self


@command
class WriteLetter:
    letter: StreamId[Leter] = stream()
    missing: StreamId[Missing] = stream()
    elsewhere: StreamId[nowhere.Letter] = stream()

    def handle(self, streams: WriteLetterStreams, state: WriteLetterState) -> WriteLetterWrites:
        return ()
