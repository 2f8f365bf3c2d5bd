from __future__ import annotations

from typing import TYPE_CHECKING

from couple.hens import Hen
from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from couple.eggs_streams import HatchState, HatchStreams, HatchWrites


@event
class Hatched:
    pass


@state
class Egg:
    hatched: bool = False

    def apply(self, event: Hatched) -> Egg:
        return Egg(hatched=True)


@command
class Hatch:
    egg: StreamId[Egg] = stream()
    mother: StreamId[Hen] = stream(read_only=True)

    def handle(self, streams: HatchStreams, state: HatchState) -> HatchWrites:
        if state.mother.eggs and not state.egg.hatched:
            yield streams.egg.write(Hatched())
