"""Classes of the user's with the names that generated code imports for itself, and two pairs of one name from two modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import eventcore
from clash import left, right
from clash.right import Changed as RightChanged
from eventcore import command, event, state, stream

if TYPE_CHECKING:
    from clash import names_streams as generated


@event
class StreamWrite:
    n: int


@event
class Iterable:
    n: int


@state
class Handle:
    n: int = 0

    def apply(self, event: StreamWrite | Iterable) -> Handle:
        return Handle(self.n + event.n)


@event
class Final:
    n: int


@event
class TypeAlias:
    n: int


@state
class Mapping:
    n: int = 0

    def apply(self, event: Final | TypeAlias) -> Mapping:
        return Mapping(self.n + event.n)


@event
class WritableStream:
    n: int


@event
class str:
    n: int


@state
class StreamId:
    n: int = 0

    def apply(self, event: WritableStream | str) -> StreamId:
        return StreamId(self.n + event.n)


@state
class MixStreams:
    """Named as the streams of a command named Mix would be; there is none of that name in this module."""

    n: int = 0

    def apply(self, event: StreamWrite) -> MixStreams:
        return MixStreams(event.n)


@command
class StreamSet:
    handle_: eventcore.StreamId[Handle] = stream()
    mapping: tuple[eventcore.StreamId[Mapping], ...] = stream()
    found: eventcore.Discovered[StreamId] = eventcore.discovered()
    mix: eventcore.StreamId[MixStreams] | None = stream(read_only=True, default=None)

    def handle(
        self, streams: generated.StreamSetStreams, state: generated.StreamSetState, resolver: generated.StreamSetResolver
    ) -> generated.StreamSetWrites:
        found = eventcore.StreamId.of(StreamId, "x")
        resolver.found.add(found)
        yield streams.handle_.write(Iterable(1))
        for one in self.mapping:
            yield streams.mapping[one].write(TypeAlias(2 + state.mapping[one].n))
        yield streams.found[found].write(str(3))


@command
class CommandSpec:
    one: eventcore.StreamId[left.Item] = stream()
    other: eventcore.StreamId[right.Item] = stream()
    lefts: eventcore.Discovered[left.Item] = eventcore.discovered(read_only=True)

    def handle(
        self, streams: generated.CommandSpecStreams, state: generated.CommandSpecState, resolver: generated.CommandSpecResolver
    ) -> generated.CommandSpecWrites:
        resolver.lefts.add(self.one)
        yield streams.one.write(left.Changed(len(state.other.right)))
        yield streams.other.write(RightChanged("x" * (state.one.left + state.lefts[self.one].left + 1)))
