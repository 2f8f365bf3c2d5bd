"""Nothing is wrong here: values, events and commands whose classes do not take everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from eventcore import StreamId, command, event, state, stream

if TYPE_CHECKING:
    from planted.particular_streams import MoveInState, MoveInStreams, MoveInWrites, NameState, NameStreams, NameWrites


@attrs.frozen
class Stay:
    first: int
    last: int

    def __attrs_post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("a stay ends before it begins")


@attrs.frozen
class Nothing:
    value: int

    def __attrs_post_init__(self) -> None:
        raise ValueError(f"{self.value} is none")


@event("planted.moved_in")
class MovedIn:
    stay: Stay
    guests: int

    def __attrs_post_init__(self) -> None:
        if self.guests < 1:
            raise ValueError("nobody moves in")


@event("planted.named")
class Named:
    name: Nothing


@state(category="particular_room")
class Room:
    stays: tuple[Stay, ...] = ()

    def apply(self, event: MovedIn | Named) -> Room:
        match event:
            case MovedIn(stay):
                return Room((*self.stays, stay))
            case Named():
                return self


@state(category="particular_flat")
class Flat:
    stays: tuple[Stay, ...] = ()

    def apply(self, event: MovedIn) -> Flat:
        return Flat((*self.stays, event.stay))


@command
class MoveIn:
    flat: StreamId[Flat] = stream()
    stay: Stay

    def handle(self, streams: MoveInStreams, state: MoveInState) -> MoveInWrites:
        yield streams.flat.write(MovedIn(self.stay, 1))


@command
class Name:
    room: StreamId[Room] = stream()
    name: Nothing

    def handle(self, streams: NameStreams, state: NameState) -> NameWrites:
        yield streams.room.write(Named(self.name))
