"""A `handle` that can ask for no stream, and one that can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from shelves_streams import ClearResolver, ClearState, ClearStreams, ClearWrites, FillState, FillStreams, FillWrites


@event
class Filled:
    books: int


@state
class Shelf:
    books: int = 0

    def apply(self, event: Filled) -> Shelf:
        return Shelf(event.books)


@command
class Fill:
    shelf: StreamId[Shelf] = stream()
    overflow: Discovered[Shelf] = discovered()

    def handle(self, streams: FillStreams, state: FillState) -> FillWrites:
        yield streams.shelf.write(Filled(len(state.overflow)))


@command
class Clear:
    shelf: StreamId[Shelf] = stream()
    overflow: Discovered[Shelf] = discovered()

    def handle(self, streams: ClearStreams, state: ClearState, _: ClearResolver) -> ClearWrites:
        yield streams.shelf.write(Filled(0))
        for shelf in streams.overflow.values():
            yield shelf.write(Filled(0))
