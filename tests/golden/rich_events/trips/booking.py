from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import attrs

from eventcore import StreamId, command, event, state, stream
from trips.values import Flight, Money, Place, Priority, Train

if TYPE_CHECKING:
    from trips.booking_streams import BookTripState, BookTripStreams, BookTripWrites


@event
class TripBooked:
    trip_id: UUID
    booked_at: datetime
    day: date
    price: Money
    legs: tuple[Train | Flight, ...]
    kind: Literal["business", "leisure"]
    priority: Priority
    shares: Mapping[str, Decimal]
    labels: frozenset[str] = frozenset()
    guests: Sequence[str] = ()
    destination: Place | None = None
    share: float = 1.0
    code: str | int = 0
    nights: int | None = attrs.field(default=None)


@event
class TripMoved:
    to: datetime
    by: int


@state
class Trip:
    booked: TripBooked | None = None
    moves: tuple[datetime, ...] = ()

    def apply(self, event: TripBooked | TripMoved) -> Trip:
        match event:
            case TripBooked():
                return Trip(event, self.moves)
            case TripMoved(to):
                return Trip(self.booked, (*self.moves, to))


@command
class BookTrip:
    trip: StreamId[Trip] = stream()
    booked: TripBooked
    delay: timedelta = timedelta(days=1)

    def handle(self, streams: BookTripStreams, state: BookTripState) -> BookTripWrites:
        if state.trip.booked is None:
            yield streams.trip.write(self.booked)
        else:
            yield streams.trip.write(TripMoved(state.trip.booked.booked_at + self.delay, self.delay.days))
