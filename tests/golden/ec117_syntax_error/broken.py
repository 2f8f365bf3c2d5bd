from __future__ import annotations

from eventcore import command, stream


@command
class Broken:
    bell: StreamId[Bell = stream()

    def handle(self, streams, state)
        return ()
