"""A package whose commands stand in its `__init__.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventcore import StreamId, command, event, require, state, stream
from tickets.seats import Seat, Taken

if TYPE_CHECKING:
    from tickets._streams import BookState, BookStreams, BookWrites


@event
class Booked:
    seat: str


@state
class Booking:
    seats: tuple[str, ...] = ()

    def apply(self, event: Booked) -> Booking:
        return Booking((*self.seats, event.seat))


@command
class Book:
    booking: StreamId[Booking] = stream()
    seat: StreamId[Seat] = stream()

    def handle(self, streams: BookStreams, state: BookState) -> BookWrites:
        require(not state.seat.taken, "{} is taken", self.seat)
        yield streams.seat.write(Taken())
        yield streams.booking.write(Booked(self.seat))
