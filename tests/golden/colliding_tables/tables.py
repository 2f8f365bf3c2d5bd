"""Commands whose names would lead to one name for two generated things, if names were only put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    import tables_streams as g


@event
class Set:
    n: int


@event
class PlaceState:
    """An event with the name that the generated state of the command Place has."""

    n: int


@state
class MoveStreams:
    """A state with the name that the generated streams of the command Move have."""

    n: int = 0

    def apply(self, event: Set | PlaceState) -> MoveStreams:
        return MoveStreams(self.n + event.n)


@command
class Place:
    cell: StreamId[MoveStreams] = stream()

    def handle(self, streams: g.PlaceStreams, state: g.PlaceState) -> g.PlaceWrites:
        yield streams.cell.write(PlaceState(1))


@command
class Move:
    cell: StreamId[MoveStreams] = stream()

    def handle(self, streams: g.MoveStreams, state: g.MoveState) -> g.MoveWrites:
        yield streams.cell.write(Set(10))


@command
class HTTPMove:
    cell: StreamId[MoveStreams] = stream()

    def handle(self, streams: g.HTTPMoveStreams, state: g.HTTPMoveState) -> g.HTTPMoveWrites:
        yield streams.cell.write(Set(100))


@command
class HttpMove:
    cell: StreamId[MoveStreams] = stream()

    def handle(self, streams: g.HttpMoveStreams, state: g.HttpMoveState) -> g.HttpMoveWrites:
        yield streams.cell.write(Set(1000))


@command
class Http_Move:
    cell: StreamId[MoveStreams] = stream()

    def handle(self, streams: g.Http_MoveStreams, state: g.Http_MoveState) -> g.Http_MoveWrites:
        yield streams.cell.write(Set(10000))


@command
class Generated:
    cell: StreamId[MoveStreams] = stream()

    def handle(self, streams: g.GeneratedStreams, state: g.GeneratedState) -> g.GeneratedWrites:
        yield streams.cell.write(Set(100000))


@command
class GENERATED:
    cell: StreamId[MoveStreams] = stream()

    def handle(self, streams: g.GENERATEDStreams, state: g.GENERATEDState) -> g.GENERATEDWrites:
        yield streams.cell.write(Set(1000000))
