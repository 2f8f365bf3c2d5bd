"""Comments that suppress a warning, and comments that suppress nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from labels_streams import StickState, StickStreams, StickWrites


@event
class Stuck:
    at: float


@state
class Label:
    at: float = 0.0

    def apply(self, event: Stuck) -> Label:
        return Label(event.at)  # eventcore: ignore


@command
class Stick:
    label: StreamId[Label] = stream()  # eventcore: ignore[EC202]
    spare: StreamId[Label] = stream()  # kept for later  # eventcore: ignore[EC202]
    note: str = "# eventcore: ignore[EC202]"

    def handle(self, streams: StickStreams, state: StickState) -> StickWrites:
        at = time.time() + state.spare.at  # eventcore: ignore[EC202, EC203]
        yield streams.label.write(Stuck(at))  # eventcore: ignore[EC999, EC104]
