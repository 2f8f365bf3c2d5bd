from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from couple.eggs import Egg
    from couple.hens_streams import LayState, LayStreams, LayWrites


@event
class Laid:
    egg: str


@state
class Hen:
    eggs: int = 0

    def apply(self, event: Laid) -> Hen:
        return Hen(self.eggs + 1)


@command
class Lay:
    hen: StreamId[Hen] = stream()
    egg: StreamId[Egg] = stream(read_only=True)

    def handle(self, streams: LayStreams, state: LayState) -> LayWrites:
        if not state.egg.hatched:
            yield streams.hen.write(Laid(self.egg))
