from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Discovered, StreamId, command, discovered, event, state, stream

if TYPE_CHECKING:
    from swapping_streams import SwapResolver, SwapState, SwapStreams, SwapWrites


@event
class ValueSet:
    value: int


@state
class Cell:
    value: int = 0

    def apply(self, event: ValueSet) -> Cell:
        return Cell(event.value)


@command
class Swap:
    """Six fields, one state: each has a name of its own in everything that is generated."""

    left: StreamId[Cell] = stream()
    right: StreamId[Cell] = stream()
    limit: StreamId[Cell] = stream(read_only=True)
    spare: StreamId[Cell] | None = stream(default=None)
    row: tuple[StreamId[Cell], ...] = stream(default=())
    others: Discovered[Cell] = discovered()

    def handle(self, streams: SwapStreams, state: SwapState, resolver: SwapResolver) -> SwapWrites:
        others = [StreamId.of(Cell, f"other-{n}") for n in range(state.limit.value)]
        resolver.others.add([*others, self.left])
        yield streams.left.write(ValueSet(state.right.value))
        yield streams.right.write(ValueSet(state.left.value))
        if streams.spare is not None and state.spare is not None:
            yield streams.spare.write(ValueSet(state.spare.value + 1))
        for cell in self.row:
            yield streams.row[cell].write(ValueSet(state.row[cell].value + 2))
        for cell in others:
            yield streams.others[cell].write(ValueSet(state.others[cell].value + 3))
        yield streams.others[self.left].write(ValueSet(state.others[self.left].value + 100))
