from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import Recorded, StreamId, command, event, state, stream
from moving.kinds import Closed, Ident, Idents, Keyed, MaybeIdent, Nested, Or, OrClosed, Usual

if TYPE_CHECKING:
    from moving.boxes_streams import CountStreams, CountWrites, MoveState, MoveStreams, MoveWrites, ShutState, ShutStreams, ShutWrites


@event
class Moved:
    to: str
    notes: Keyed[int] = ()
    parts: Nested = ""


BoxEvent = Or[Moved]


@state
class Box:
    places: tuple[str, ...] = ()

    def apply(self, event: Or[Moved]) -> Box:
        match event:
            case Moved(to):
                return Box((*self.places, to))
            case Closed():
                return self


@command
class Move:
    box: Ident[Box] = stream()
    under: MaybeIdent[Box] = stream()
    beside: Idents[Box] = stream()
    to: str

    def handle(self, streams: MoveStreams, state: MoveState) -> MoveWrites:
        yield streams.box.write(Moved(self.to, (("from", len(state.box.places)),), (self.to,)))
        if streams.under is not None and state.under is not None:
            yield streams.under.write(Closed(f"{len(state.under.places)} places"))
        for other in self.beside:
            yield streams.beside[other].write(Closed(self.to))


@command
class Count:
    box: StreamId = stream(events=BoxEvent)

    def initial(self) -> Keyed[Nested]:
        return ()

    def apply(self, state: Keyed[Nested], event: Recorded[Or[Moved]]) -> Keyed[Nested]:
        return (*state, (event.stream_id, ("counted",)))

    def handle(self, streams: CountStreams, state: Keyed[Nested]) -> CountWrites:
        yield streams.box.write(Closed(str(len(state))))


@state
class Lid:
    """Its events are those that the alias says if it is given none."""

    shut: int = 0

    def apply(self, event: OrClosed) -> Lid:
        return Lid(self.shut + 1)


@state
class Case:
    shut: int = 0

    def apply(self, event: Usual[Moved, Closed, Closed]) -> Case:
        return Case(self.shut + 1)


@command
class Shut:
    lid: StreamId[Lid] = stream()
    case: StreamId[Case] = stream()

    def handle(self, streams: ShutStreams, state: ShutState) -> ShutWrites:
        yield streams.lid.write(Closed(f"{state.lid.shut} times"))
        yield streams.case.write(Moved("shelf"))
