from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from house_streams import LockState, LockStreams, LockWrites

if sys.platform == "win32":
    from windows_doors import Door
else:
    from other_doors import Door


@event
class Locked:
    pass


@command
class Lock:
    door: StreamId[Door] = stream()

    def handle(self, streams: LockStreams, state: LockState) -> LockWrites:
        return ()
