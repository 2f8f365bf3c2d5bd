from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from zoo.animals_streams import FeedState, FeedStreams, FeedWrites


@event
class Fed:
    food: list[str]


@event("Fed")
class FedAgain:
    pass


@state
class Animal:
    meals: dict[str, int] = attrs.field(factory=dict)

    def apply(self, event: Fed | Escaped) -> Animal:
        return self


@state
class Cage:
    pass


@command
class Feed:
    animal: StreamId[Animal] = stream()
    cage: StreamId[Cages] = stream()
    keeper: str = stream()

    async def handle(self, streams: FeedStreams) -> FeedWrites:
        yield streams.animal.write(Fed([]))


@command
class Clean:
    cage: str
